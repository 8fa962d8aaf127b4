/* See the header. */
#include "stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "crypto/hash.h"
#include "token/jwk.h"

static struct batch batches[BATCHES_MAX];

static void make_policy(struct stand *t)
{
	uint8_t room[8192], why_room[256];
	struct wr w = wr_of(room, sizeof(room)), why = wr_of(why_room, sizeof(why_room));
	struct json_out o = json_out_of(&w);
	const str audiences[] = { LIT("mail"), LIT("client-1") };
	json_begin(&o, (str){ 0 }, '{');
	json_begin(&o, LIT("keys"), '[');
	for (size_t i = 0; i < ALG_COUNT; i++) {
		uint8_t jwk_room[JWK_TEXT_MAX];
		struct wr jwk = wr_of(jwk_room, sizeof(jwk_room));
		struct key_parts parts;
		assert_false(failed(private_key_public(t->signer.keys[i].key, &parts)));
		assert_false(failed(jwk_write(&jwk, &parts, t->signer.keys[i].meta.kid)));
		json_put_raw(&o, (str){ 0 }, wr_text(&jwk));
	}
	json_finish(&o, ']');
	json_finish(&o, '}');
	const struct policy_issuer p = { .issuer = STAND_ISSUER,
					 .realm = LIT("home"),
					 .typ = LIT("at+jwt"),
					 .audiences = audiences,
					 .n_audiences = 2,
					 .jwks = wr_bytes(&w),
					 .skew_s = 5,
					 .max_ttl_s = 600 };
	assert_false(failed(policy_new(&p, 1, &why, &t->policy)));
}

static void make_key(struct stand *t, size_t at, enum alg alg, str kid, str realm)
{
	struct signing_key *k = &t->signer.keys[at];
	k->meta = (struct key_meta){ .alg = alg,
				     .times = { .not_before_s = 1 },
				     .realm = realm,
				     .kid = kid,
				     .grant = { .typ = KEY_TYP_ACCESS | KEY_TYP_ID,
						.max_ttl_s = 600 } };
	assert_false(failed(private_key_generate(alg, &k->key)));
}

static void pair_up(int *ret_ours, int *ret_theirs)
{
	int pair[2];
	fd_close(ret_ours);
	fd_close(ret_theirs);
	assert_false(failed(channel_pair(pair)));
	*ret_ours = pair[0];
	*ret_theirs = pair[1];
}

void stand_reset(struct stand *t)
{
	struct signer *s = &t->signer;
	for (size_t i = 0; i < STAND_REALMS; i++)
		pair_up(&t->issuers[i], &s->realms[i].fd);
	pair_up(&t->ledger, &s->ledger);
	for (size_t i = 0; i < BATCHES_MAX; i++)
		batches[i].state = BATCH_FREE;
	s->turn = s->seq = s->appended = 0;
	s->trouble = CH_DONE;
	t->seq = t->answered = 0;
	t->code = CH_OK;
	t->n_seen = 0;
}

void stand_set_up(struct stand *t)
{
	static const str kids[ALG_COUNT] = { { "es", 2 }, { "ed", 2 }, { "rs", 2 }, { "ps", 2 } };
	struct signer *s = &t->signer;
	assert_false(failed(crypto_init(NULL)));
	for (size_t i = 0; i < ALG_COUNT; i++)
		make_key(t, i, (enum alg)i, kids[i], LIT("home"));
	make_key(t, ALG_COUNT, ALG_ES256, LIT("corp-key"), LIT("corp"));
	s->status = &t->status;
	s->batches = batches;
	s->control = -1;
	s->ledger = t->ledger = -1;
	s->n_realms = STAND_REALMS;
	s->config.journal_key[0] = 7;
	s->realms[0] = (struct realm){ .name = LIT("home"),
				       .issuer = STAND_ISSUER,
				       .fd = -1,
				       .keys = s->keys,
				       .n_keys = ALG_COUNT };
	s->realms[1] = (struct realm){ .name = LIT("corp"),
				       .issuer = LIT("http://localhost/corp"),
				       .fd = -1,
				       .keys = s->keys + ALG_COUNT,
				       .n_keys = 1 };
	t->issuers[0] = t->issuers[1] = -1;
	make_policy(t);
	stand_reset(t);
}

void stand_tear_down(struct stand *t)
{
	for (size_t i = 0; i <= ALG_COUNT; i++)
		private_key_done(&t->signer.keys[i].key);
	policy_done(&t->policy);
	for (size_t i = 0; i < STAND_REALMS; i++) {
		fd_close(&t->issuers[i]);
		fd_close(&t->signer.realms[i].fd);
	}
	fd_close(&t->ledger);
	fd_close(&t->signer.ledger);
}

struct sign_request stand_request(uint32_t req, uint8_t alg)
{
	struct sign_request q = { .req = req, .typ = TYP_ACCESS, .alg = alg, .ttl_s = 600 };
	sign_add_text(&q, CLAIM_SUB, LIT("al\"ice\\"));
	sign_add_text(&q, CLAIM_AUD, LIT("mail"));
	sign_add_text(&q, CLAIM_CLIENT_ID, LIT("demo"));
	sign_add_text(&q, CLAIM_SCOPE, LIT("mail.read"));
	return q;
}

void stand_ask(struct stand *t, size_t realm, bytes message)
{
	assert_false(failed(channel_send(t->issuers[realm], message, NULL)));
}

ch_err stand_turn(struct stand *t)
{
	bool over = false;
	for (size_t i = 0; i < 64; i++) {
		TRY(tokens_turn(&t->signer, false, &over));
		if (over)
			return ch_fail(CH_E_GONE, "the signer has ended", 0);
	}
	return CH_DONE;
}

static void copy_text(char *to, size_t cap, str text)
{
	size_t n = text.n < cap - 1 ? text.n : cap - 1;
	mem_copy(to, text.p, n);
	to[n] = 0;
}

static void note(struct stand *t, const struct ledger_item *item)
{
	struct seen *s = &t->seen[t->n_seen % STAND_SEEN_MAX];
	mem_copy(s->room, item->entry.p, item->entry.n);
	assert_false(failed(log_entry_read((bytes){ s->room, item->entry.n }, &s->entry)));
	mem_copy(s->sub, item->sub, sizeof(s->sub));
	copy_text(s->client, sizeof(s->client), item->client_id);
	copy_text(s->grant, sizeof(s->grant), item->grant_id);
	s->seq = t->seq;
	t->n_seen++;
}

static void read_appends(struct stand *t)
{
	static uint8_t room[LEDGER_APPEND_MAX];
	bytes message = { 0 };
	while (!failed(channel_recv(t->ledger, room, sizeof(room), &message, NULL))) {
		struct ledger_item item;
		struct rd r;
		uint64_t seq = 0;
		size_t n = 0;
		assert_false(failed(ledger_append_open(message, &r, &seq, &n)));
		assert_int_equal(seq, ++t->seq);
		assert_true(t->seq - t->answered <= APPENDS_MAX);
		for (size_t i = 0; i < n; i++) {
			assert_false(failed(ledger_append_read(&r, &item)));
			note(t, &item);
		}
		assert_true(rd_end(&r));
	}
}

bool stand_append(struct stand *t)
{
	uint8_t room[LEDGER_APPENDED_SIZE];
	struct wr w = wr_of(room, sizeof(room));
	read_appends(t);
	if (t->answered == t->seq)
		return false;
	const struct ledger_appended a = { .seq = ++t->answered, .code = t->code };
	ledger_appended_write(&w, &a);
	(void)channel_send(t->ledger, wr_bytes(&w), NULL);
	return true;
}

ch_err stand_serve(struct stand *t)
{
	do
		TRY(stand_turn(t));
	while (stand_append(t));
	return CH_DONE;
}

ch_err stand_answers(struct stand *t, size_t realm, struct rd *ret_r, size_t *ret_n)
{
	bytes got = { 0 };
	TRY(channel_recv(t->issuers[realm], t->answer, sizeof(t->answer), &got, NULL));
	return sign_batch_open(got, SIGN_ANSWERS, ret_r, ret_n);
}

const struct seen *stand_entry_of(const struct stand *t, str token)
{
	uint8_t hash[SHA256_SIZE];
	size_t n = token.n;
	while (n > 0 && token.p[n - 1] != '.')
		n--;
	assert_true(n > 0);
	sha256((bytes){ (const uint8_t *)token.p, n - 1 }, hash);
	for (size_t i = 0; i < t->n_seen; i++)
		if (mem_eq(t->seen[i].entry.hash, hash, sizeof(hash)))
			return &t->seen[i];
	return NULL;
}
