/* The signer's part: keys by the released keyfile and keys.c, tokens by grant.c and batch.c. */
#include <assert.h>
#include <dirent.h>

#include "base/file.h"
#include "signer_internal.h"
#include "years.h"

enum { BOTH = 2 };

static struct signer signer;
static struct signer_status status;
static uint8_t files[KEYS_MAX][KEYFILE_MAX];
static int sockets[BOTH] = { -1, -1 }, ledger[BOTH] = { -1, -1 };
static struct batch batches[BATCHES_MAX];
static uint8_t room[MESSAGE_MAX];

static void end(void)
{
	for (size_t i = 0; i < signer.realms[0].n_keys; i++)
		private_key_done(&signer.keys[i].key);
	fd_close(&sockets[0]);
	fd_close(&sockets[1]);
	fd_close(&ledger[0]);
	fd_close(&ledger[1]);
}

static ch_err load(struct realm *m)
{
	AUTO(dir_done) DIR *d = NULL;
	TRY(dir_open(walk.dir, "keys/home", &d));
	for (struct dirent *entry = readdir(d); entry; entry = readdir(d)) {
		struct signing_key *k = &signer.keys[m->n_keys];
		size_t n = 0;
		if (!str_ends(str_from_c(entry->d_name), LIT(".key")))
			continue;
		assert(m->n_keys < KEYS_MAX);
		TRY(file_read(dirfd(d), entry->d_name, files[m->n_keys], KEYFILE_MAX, &n));
		TRY(keyfile_open((bytes){ files[m->n_keys], n }, walk_kek(), &k->meta, &k->key));
		bucket_init(&k->bucket, 0);
		m->n_keys++;
	}
	return CH_DONE;
}

ch_err signer_begin(void)
{
	bytes said = { 0 };
	end();
	TRY(channel_pair(sockets));
	TRY(channel_pair(ledger));
	signer = (struct signer){
		.status = &status, .n_realms = 1, .ledger = ledger[1], .batches = batches
	};
	signer.realms[0] = (struct realm){ .name = LIT("home"),
					   .issuer = LIT("http://localhost:8080/home"),
					   .fd = sockets[1],
					   .keys = signer.keys };
	bucket_init(&signer.realms[0].bucket, 0);
	TRY(load(&signer.realms[0]));
	TRY(keys_announce(&signer));
	TRY(channel_recv(sockets[0], room, sizeof(room), &said, NULL));
	issuer_take(said);
	return CH_DONE;
}

/* A log that takes everything: of keys and years it knows nothing. */
static ch_err append_answer(void)
{
	static uint8_t append[LEDGER_APPEND_MAX];
	uint8_t answer[LEDGER_APPENDED_SIZE];
	struct wr w = wr_of(answer, sizeof(answer));
	bytes message = { 0 };
	struct rd r;
	struct ledger_appended a = { .seq = 0 };
	size_t n = 0;
	ch_err e = channel_recv(ledger[0], append, sizeof(append), &message, NULL);
	if (ch_code_of(e) == CH_E_BUSY) /* it was refused before */
		return CH_DONE;
	TRY(e);
	TRY(ledger_append_open(message, &r, &a.seq, &n));
	ledger_appended_write(&w, &a);
	TRY(channel_send(ledger[0], wr_bytes(&w), NULL));
	return ledger_take(&signer);
}

ch_err signer_sign(str *ret_token)
{
	struct wr w = wr_of(room, sizeof(room));
	struct sign_request q = { .typ = TYP_ACCESS, .alg = SIGN_ALG_ANY, .ttl_s = WALK_TTL_S };
	struct sign_answer a;
	struct rd r;
	bytes said = { 0 };
	size_t n = 0;
	sign_add_text(&q, CLAIM_SUB, LIT("alice"));
	sign_add_text(&q, CLAIM_AUD, LIT("mail"));
	sign_add_text(&q, CLAIM_CLIENT_ID, LIT("demo"));
	sign_batch_begin(&w, SIGN_REQUESTS);
	assert(sign_batch_add_request(&w, &q));
	TRY(channel_send(sockets[0], wr_bytes(&w), NULL));
	TRY(batch_take(&signer, &signer.realms[0]));
	TRY(append_answer());
	TRY(batch_answer(&signer, batch_due(&signer)));
	TRY(channel_recv(sockets[0], room, sizeof(room), &said, NULL));
	TRY(sign_batch_open(said, SIGN_ANSWERS, &r, &n));
	TRY(sign_read_answer(&r, &a));
	if (a.code != CH_OK)
		return ch_err_from_wire(a.code, 0);
	*ret_token = a.token;
	return CH_DONE;
}
