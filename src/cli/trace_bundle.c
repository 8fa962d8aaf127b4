/* Evidence about one token, as a file that `chancery log verify` and others check without us
 * (src/evidence/FORMAT.md): the token's signature, its key's record and history, a signed head, and
 * every entry of the log, among which it is or is not. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "codec/json.h"
#include "evidence/evidence.h"
#include "logstore/logstore.h"
#include "realm_keys.h"
#include "say.h"
#include "trace.h"

enum { HISTORY_MAX = 16 * 1024, VKEY_ROOM = 512, WAIT_MS = 8000, STEP_MS = 100 };

static struct evidence_scratch scratch;
static struct token_scratch token_room;
static uint8_t jwk_room[8192], history_room[HISTORY_MAX], note_room[LOGSTORE_NOTE_MAX],
	vkey_room[VKEY_ROOM];
static struct realm_keys keys;

static const struct config_realm *realm_of(const struct authority *a, str issuer)
{
	for (size_t i = 0; i < a->config.n_realms; i++)
		if (str_eq(a->config.realms[i].issuer, issuer))
			return &a->config.realms[i];
	return NULL;
}

static void put_times(struct json_out *o, const struct key_times *k)
{
	json_put_int(o, LIT("created"), k->created_s);
	json_put_int(o, LIT("published"), k->published_s);
	json_put_int(o, LIT("not_before"), k->not_before_s);
	json_put_int(o, LIT("not_after"), k->not_after_s);
}

/* The public half of a key that is there. */
static ch_err present_key(const struct authority *a, const struct config_realm *realm, str kid,
			  struct evidence *e)
{
	char name[KEYFILE_NAME_MAX + 8];
	struct wr w = wr_of(name, sizeof(name)), h = wr_of(history_room, sizeof(history_room));
	struct json_out o = json_out_of(&h);
	struct path path;
	size_t n = 0;
	wr_str(&w, kid);
	wr_lit(&w, ".jwk");
	TRY(path_join(&path, LIT("keys"), realm->name, wr_text(&w)));
	TRY(file_read(a->fd, path.p, jwk_room, sizeof(jwk_room), &n));
	TRY(realm_keys_read(a, realm, &keys));
	size_t at = realm_keys_find(&keys, kid);
	json_begin(&o, (str){ 0 }, '{');
	json_put_str(&o, LIT("realm"), realm->name);
	if (at < keys.n)
		put_times(&o, &keys.times[at]);
	json_finish(&o, '}');
	e->jwk = str_of_bytes((bytes){ jwk_room, n });
	e->history = wr_text(&h);
	return wr_done(&h);
}

/* Of one that has left: its record has the public half as the member "jwk". */
static ch_err past_key(const struct authority *a, const struct config_realm *realm, str kid,
		       struct evidence *e)
{
	static struct json_node nodes[64];
	const struct json_limits limits = { 4, COUNT_OF(nodes) - 1 };
	size_t n = 0, count = 0;
	TRY(past_key_read(a, realm->name, kid, history_room, sizeof(history_room), &n));
	TRY(json_parse((bytes){ history_room, n }, limits, nodes, COUNT_OF(nodes), &count));
	const struct json_node *jwk = json_member(nodes, LIT("jwk"));
	if (!jwk)
		return ch_fail(CH_E_MISSING, "the key's record has no public half", 0);
	e->jwk = jwk->text;
	while (n > 0 && history_room[n - 1] == '\n')
		n--;
	e->history = str_of_bytes((bytes){ history_room, n });
	return CH_DONE;
}

static ch_err find_key(const struct authority *a, const struct token_facts *f, struct evidence *e)
{
	const struct config_realm *realm = realm_of(a, f->iss);
	if (!realm || !name_ok(f->kid, KEYFILE_NAME_MAX - 1))
		return ch_fail(CH_E_NOT_FOUND, "the token names no realm or key of this authority",
			       0);
	ch_err found = present_key(a, realm, f->kid, e);
	return ch_code_of(found) == CH_E_NOT_FOUND || ch_code_of(found) == CH_E_IO
		       ? past_key(a, realm, f->kid, e)
		       : found;
}

static ch_err log_key(const struct authority *a, struct note_key *ret_key)
{
	size_t n = 0;
	TRY(file_read(a->fd, "log.vkey", vkey_room, sizeof(vkey_room), &n));
	str left = str_of_bytes((bytes){ vkey_room, n });
	return vkey_read(str_cut(&left, '\n'), ret_key);
}

/* A head that is late enough to have the token, had it been issued. */
static ch_err head_for(struct logstore *s, const struct note_key *key, int64_t iat_s,
		       struct evidence *e)
{
	for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += STEP_MS) {
		struct wr w = wr_of(note_room, sizeof(note_room));
		struct log_head head;
		TRY(logstore_checkpoint(s, &w));
		TRY(log_head_open(wr_text(&w), key, &head));
		e->checkpoint = wr_text(&w);
		if (head.time_s >= iat_s + EVIDENCE_SETTLE_S || iat_s > clock_unix_s())
			break;
		(void)poll(NULL, 0, STEP_MS);
	}
	return CH_DONE;
}

static ch_err write_it(const struct authority *a, const struct token_facts *f, int fd, bool thin,
		       struct evidence_verdict *ret_v)
{
	AUTO(logstore_close) struct logstore s = { .dir_fd = -1 };
	struct note_key key;
	struct evidence e = { .input = f->input,
			      .signature = f->signature,
			      .created_s = clock_unix_s(),
			      .thin = thin };
	TRY(find_key(a, f, &e));
	TRY(log_key(a, &key));
	TRY(logstore_open(a->fd, "log", &s));
	TRY(logstore_minimum(&s, &e.minimum));
	TRY(head_for(&s, &key, f->iat, &e));
	return evidence_write(fd, &e, &key, &s.tiles, &scratch, ret_v);
}

int trace_bundle(const struct authority *a, str token, const char *file, bool thin)
{
	struct token_facts f;
	struct evidence_verdict v;
	AUTO(fd_close) int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		say("trace: cannot make the file (one that is there stays)", str_from_c(file));
		return EXIT_TROUBLE;
	}
	ch_err e = token_facts_read(token, &token_room, &f);
	if (!failed(e))
		e = write_it(a, &f, fd, thin, &v);
	if (failed(e)) {
		(void)unlink(file);
		return say_trouble("trace: no evidence was written to", str_from_c(file), e);
	}
	(void)fprintf(stderr, "chancery: evidence is in %s: the token is %s the log\n", file,
		      v.present ? "in" : "not in");
	return EXIT_YES;
}
