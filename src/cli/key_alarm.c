/* The rules by which a key leaves for an alarm. Whoever asks is not believed: not the gate, not the
 * collector, whose folder this reads. What counts is a signature by the key, and a log, under a signed
 * head that is newer than the evidence, without that token. And whoever can make such tokens must
 * not stop the authority: only with a successor that may sign, and not twice within an hour. */
#include "key_alarm.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "codec/base64url.h"
#include "logstore/logstore.h"
#include "merkle/checkpoint.h"
#include "realm_keys.h"
#include "say.h"
#include "token/facts.h"
#include "utc.h"

enum {
	INPUT_MAX = 8192,
	SIGNATURE_TEXT_MAX = 1024,
	BETWEEN_S = 3600,
	HEAD_WAIT_MS = 8000,
	STEP_MS = 100,
	VKEY_ROOM = 512,
};

#define STAMP "keys/automatic"

static uint8_t input_room[INPUT_MAX], signature_room[SIGNATURE_TEXT_MAX];
static struct token_scratch scratch;
static struct realm_keys keys;

static ch_err read_part(const struct authority *a, str id, str part, uint8_t *room, size_t cap,
			str *ret_text)
{
	struct path path;
	size_t n = 0;
	TRY(path_join(&path, LIT("alarms"), id, part));
	TRY(file_read(a->fd, path.p, room, cap, &n));
	*ret_text = str_of_bytes((bytes){ room, n });
	return CH_DONE;
}

static ch_err read_facts(const struct authority *a, str id, struct token_facts *ret_f)
{
	static uint8_t decoded[SIGNATURE_TEXT_MAX];
	struct wr w = wr_of(decoded, sizeof(decoded));
	str input = { 0 }, signature = { 0 };
	TRY(read_part(a, id, LIT("signing-input"), input_room, sizeof(input_room), &input));
	TRY(read_part(a, id, LIT("signature"), signature_room, sizeof(signature_room), &signature));
	TRY(base64url_read(signature, &w));
	return token_facts_of(input, wr_bytes(&w), &scratch, ret_f);
}

/* The key is one of that realm's, there still, it did sign, and what it signed then is in the log. */
static ch_err check_signature(const struct authority *a, const struct token_facts *f,
			      struct key_alarm *k)
{
	static uint8_t jwk[JWK_TEXT_MAX];
	struct path path;
	char name[KEYFILE_NAME_MAX + 8];
	struct wr w = wr_of(name, sizeof(name));
	size_t n = 0;
	for (size_t i = 0; i < a->config.n_realms; i++)
		if (str_eq(a->config.realms[i].issuer, f->iss))
			k->realm = &a->config.realms[i];
	if (!k->realm || !name_ok(f->kid, KEYFILE_NAME_MAX - 1))
		return ch_fail(CH_E_MISMATCH, "the token is of no realm of this authority", 0);
	mem_copy(k->kid, f->kid.p, f->kid.n);
	k->kid_n = f->kid.n;
	wr_str(&w, f->kid);
	wr_lit(&w, ".jwk");
	TRY(path_join(&path, LIT("keys"), k->realm->name, wr_text(&w)));
	TRY(file_read(a->fd, path.p, jwk, sizeof(jwk), &n));
	TRY(token_facts_check(f, (str){ (const char *)jwk, n }));
	return token_facts_logged(f, (str){ (const char *)jwk, n });
}

static ch_err log_key(const struct authority *a, struct note_key *ret_key)
{
	static uint8_t room[VKEY_ROOM];
	size_t n = 0;
	TRY(file_read(a->fd, "log.vkey", room, sizeof(room), &n));
	str left = str_of_bytes((bytes){ room, n });
	return vkey_read(str_cut(&left, '\n'), ret_key);
}

static ch_err newest_head(struct logstore *s, const struct note_key *key, struct log_head *ret_h)
{
	static uint8_t note[LOGSTORE_NOTE_MAX];
	struct wr w = wr_of(note, sizeof(note));
	TRY(logstore_checkpoint(s, &w));
	return log_head_open(wr_text(&w), key, ret_h);
}

/* One that was signed after the evidence was complete. */
static ch_err head_after(struct logstore *s, const struct note_key *key, int64_t after_s,
			 struct log_head *ret_h)
{
	for (int waited_ms = 0; waited_ms < HEAD_WAIT_MS; waited_ms += STEP_MS) {
		ch_err e = newest_head(s, key, ret_h);
		if (!failed(e) && ret_h->time_s > after_s)
			return CH_DONE;
		(void)poll(NULL, 0, STEP_MS);
	}
	return ch_fail(CH_E_BUSY, "the log has no head that is newer than the evidence", 0);
}

static ch_err check_absent(const struct authority *a, str id, const struct token_facts *f)
{
	static uint8_t room[TILE_ROOM_MAX];
	AUTO(logstore_close) struct logstore s = { .dir_fd = -1 };
	struct note_key key;
	struct log_head head;
	struct path path;
	struct stat st = { 0 };
	uint64_t index = 0;
	bool found = false;
	TRY(path_join(&path, LIT("alarms"), id, LIT("checkpoint")));
	if (fstatat(a->fd, path.p, &st, 0) != 0)
		return ch_fail(CH_E_NOT_FOUND, "the evidence is not whole", 0);
	TRY(log_key(a, &key));
	TRY(logstore_open(a->fd, "log", &s));
	TRY(head_after(&s, &key, st.st_mtime, &head));
	TRY(logstore_find(&s, f->identity, head.c.size, room, &index, &found));
	if (found)
		return ch_fail(CH_E_EXISTS, "the log has that token: it was issued", index);
	TRY(logstore_reach(&s, f->iat, head.c.size, room, &found));
	return found ? CH_DONE
		     : ch_fail(CH_E_RANGE, "its entry may have been pruned", (uint64_t)f->iat);
}

int key_alarm_read(const struct authority *a, str id, struct key_alarm *ret_k)
{
	struct token_facts f;
	*ret_k = (struct key_alarm){ .kid_n = 0 };
	if (!name_ok(id, NAME_MAX_BYTES)) {
		say("that is no alarm's id", (str){ 0 });
		return EXIT_NO;
	}
	ch_err e = read_facts(a, id, &f);
	if (!failed(e))
		e = check_signature(a, &f, ret_k);
	if (!failed(e))
		e = check_absent(a, id, &f);
	if (!failed(e))
		return EXIT_YES;
	(void)say_trouble("no key leaves for this alarm", id, e);
	return EXIT_NO;
}

/* When one last left by itself; 0: never. */
static int64_t last_s(const struct authority *a)
{
	struct stat st = { 0 };
	return fstatat(a->fd, STAMP, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_mtime : 0;
}

static bool signs_without(const struct authority *a, size_t at)
{
	const struct key_rules rules = authority_key_rules(a);
	int64_t now_s = clock_unix_s();
	struct key_times others[KEY_SET_MAX];
	size_t n = 0;
	for (size_t i = 0; i < keys.n; i++)
		if (i != at)
			others[n++] = keys.times[i];
	if (key_signer(others, n, now_s) < n)
		return true;
	size_t next = key_successor(others, n, now_s);
	int64_t may_s = next < n ? key_may_sign_s(&others[next], &rules) : 0;
	return may_s != 0 && may_s <= now_s;
}

int key_alarm_allow(const struct authority *a, const struct key_alarm *k)
{
	char time[UTC_MAX];
	str kid = { k->kid, k->kid_n };
	int64_t last = last_s(a), now_s = clock_unix_s();
	ch_err e = realm_keys_read(a, k->realm, &keys);
	if (failed(e))
		return say_trouble("cannot read the keys of realm", k->realm->name, e);
	size_t at = realm_keys_find(&keys, kid);
	if (at == keys.n) {
		say("that key has left already", kid);
		return EXIT_NO;
	}
	if (last != 0 && now_s - last < BETWEEN_S) {
		say("a key left by itself within the hour; compromise this one by hand. That was",
		    utc_text(last, time));
		return EXIT_NO;
	}
	if (!signs_without(a, at)) {
		say("no other key of the realm may sign yet; compromise this one by hand", kid);
		return EXIT_NO;
	}
	e = file_replace(a->fd, STAMP, bytes_of_str(kid), 0600);
	return failed(e) ? say_trouble("cannot note that a key leaves by itself", kid, e)
			 : EXIT_YES;
}
