/* Evidence, written and checked: a forged token and a genuine one, whole, thin and pruned; then
 * every way to change the file or the log behind it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/rand.h"
#include "codec/base64url.h"
#include "crypto/key.h"
#include "evidence/evidence.h"
#include "merkle/entry.h"
#include "plain.h"
#include "signed.h"

enum { ENTRIES_MAX = 1500, NOW = 1795396127, FILE_MAX_BYTES = 1 << 18 };

/* A log in memory: an entry each six seconds. */
struct log {
	struct tile_source s;
	uint64_t size, minimum, planted; /* planted: index of the token, or ENTRIES_MAX */
	bool hole;                       /* a bundle is missing */
	const uint8_t *hash;
	struct merkle_hash leaves[ENTRIES_MAX];
};

static struct private_key *key, *other_key;
static uint8_t jwk_room[2][JWK_TEXT_MAX];
static str jwk, other_jwk;
static struct test_signer signer, witness;
static uint8_t token_room[TOKEN_MAX], file_room[FILE_MAX_BYTES], head_room[4096];
static struct evidence_scratch scratch;

static bytes entry_of(const struct log *l, uint64_t i, uint8_t room[static LOG_ENTRY_MAX])
{
	struct log_entry e = { .typ = LOG_TYP_AT_JWT,
			       .iat_s = NOW - 10000 + (int64_t)i * 6,
			       .exp_s = NOW + 3600,
			       .realm = LIT("home"),
			       .kid = LIT("k1") };
	struct wr w = wr_of(room, LOG_ENTRY_MAX), h = wr_of(e.hash, sizeof(e.hash));
	wr_u64(&h, i + 1);
	if (i == l->planted)
		mem_copy(e.hash, l->hash, sizeof(e.hash));
	assert_false(failed(log_entry_write(&w, &e)));
	return wr_bytes(&w);
}

static bool is_pruned(const struct log *l, const struct tile_id *t)
{
	uint64_t end = (t->n + 1) << (8 * (t->level + 1));
	return end <= l->minimum || (l->hole && t->entries && t->n == l->minimum / 256 + 1);
}

static ch_err get(struct tile_source *s, const struct tile_id *t, struct wr *ret_tile)
{
	const struct log *l = (const struct log *)s;
	uint8_t room[LOG_ENTRY_MAX];
	struct merkle_hash h;
	struct tile_id have;
	size_t below = (size_t)1 << 8 * t->level;
	if (!tile_of(l->size, t->level, t->n, &have) || have.width != t->width || is_pruned(l, t))
		return ch_fail(CH_E_NOT_FOUND, "no such tile", t->n);
	for (uint64_t i = t->n * 256; i < t->n * 256 + t->width; i++) {
		if (t->entries) {
			bundle_put(ret_tile, entry_of(l, i, room));
		} else {
			plain_root(l->leaves + i * below, below, &h);
			wr_put(ret_tile, BYTES_OF(h.b));
		}
	}
	return CH_DONE;
}

static void log_make(struct log *l, uint64_t size, uint64_t planted, const uint8_t *hash)
{
	uint8_t room[LOG_ENTRY_MAX];
	*l = (struct log){ .s = { get }, .size = size, .planted = planted, .hash = hash };
	for (uint64_t i = 0; i < size; i++)
		merkle_leaf(entry_of(l, i, room), &l->leaves[i]);
}

static str head_of(const struct log *l, int64_t time_s)
{
	struct checkpoint c = { .origin = signer.note.name, .size = l->size };
	uint8_t room[CHECKPOINT_BODY_MAX];
	struct wr w = wr_of(head_room, sizeof(head_room)), b = wr_of(room, sizeof(room));
	plain_root(l->leaves, l->size, &c.root);
	checkpoint_write(&b, &c);
	test_head(&w, &signer, &c, time_s);
	test_cosign(&w, &witness, wr_text(&b), time_s + 1);
	assert_false(w.full);
	return wr_text(&w);
}

static struct token_facts token_of(int64_t iat_s)
{
	static struct token_scratch s;
	struct wr w = wr_of(token_room, sizeof(token_room));
	uint8_t payload[256], sig[SIGNATURE_MAX];
	struct wr p = wr_of(payload, sizeof(payload));
	struct token_facts f;
	size_t n = 0;
	wr_lit(&p, "{\"iss\":\"https://login.example.com/home\",\"iat\":");
	wr_dec(&p, (uint64_t)iat_s);
	wr_lit(&p, ",\"exp\":1995399727,\"sub\":\"mallory\"}");
	base64url_write(&w,
			bytes_of_str(LIT("{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k1\"}")));
	wr_char(&w, '.');
	base64url_write(&w, wr_bytes(&p));
	assert_false(failed(private_key_sign(key, wr_bytes(&w), sig, &n)));
	wr_char(&w, '.');
	base64url_write(&w, (bytes){ sig, n });
	assert_false(failed(token_facts_read(wr_text(&w), &s, &f)));
	return f;
}

static struct evidence evidence_of(const struct token_facts *f, const struct log *l)
{
	return (struct evidence){ .input = f->input,
				  .signature = f->signature,
				  .jwk = jwk,
				  .history = LIT("{\"created\":1}"),
				  .checkpoint = head_of(l, NOW),
				  .where = LIT("https://login.example.com/log"),
				  .minimum = l->minimum,
				  .created_s = NOW };
}

static ch_err write_file(const struct evidence *e, struct log *l, bytes *ret_file,
			 struct evidence_verdict *v)
{
	char name[] = "/tmp/test-evidence-XXXXXX";
	size_t n = 0;
	AUTO(fd_close) int fd = mkostemp(name, O_CLOEXEC);
	assert_true(fd >= 0 && unlink(name) == 0);
	ch_err err = evidence_write(fd, e, &signer.note, &l->s, &scratch, v);
	assert_true(lseek(fd, 0, SEEK_SET) == 0);
	assert_false(failed(fd_read_all(fd, file_room, sizeof(file_room), &n)));
	assert_true(!failed(err) || n == 0);
	*ret_file = (bytes){ file_room, n };
	return err;
}

static struct evidence_trust trust_of(void)
{
	return (struct evidence_trust){ .log = signer.note,
					.witnesses = &witness.cosigner,
					.n_witnesses = 1,
					.quorum = 1,
					.jwk = jwk };
}

static ch_err check_file(bytes file, struct tile_source *tiles, struct evidence_verdict *v)
{
	struct evidence_trust t = trust_of();
	struct evidence_file f;
	TRY(evidence_open(file, &f));
	return evidence_check(&f, &t, tiles, &scratch, v);
}

static bool holds(const struct evidence_verdict *v)
{
	return v->present == v->says_present && v->cover == EVIDENCE_COVERED;
}

static int set_up(void **state)
{
	struct private_key *const *keys[] = { &key, &other_key };
	str *const texts[] = { &jwk, &other_jwk };
	(void)state;
	test_signer_new(LIT("login.example.com/log"), &signer);
	test_signer_new(LIT("witness.example/w1"), &witness);
	assert_false(failed(private_key_generate(ALG_ES256, &key)));
	assert_false(failed(private_key_generate(ALG_ES256, &other_key)));
	for (size_t i = 0; i < 2; i++) {
		struct key_parts parts;
		struct wr w = wr_of(jwk_room[i], sizeof(jwk_room[i]));
		assert_false(failed(private_key_public(*keys[i], &parts)));
		assert_false(failed(jwk_write(&w, &parts, LIT("k1"))));
		*texts[i] = wr_text(&w);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	private_key_done(&key);
	private_key_done(&other_key);
	test_signer_done(&signer);
	test_signer_done(&witness);
	return 0;
}

/* --- */

static void test_absent(void **state)
{
	static struct log l;
	struct evidence_verdict w, v;
	struct token_facts f = token_of(NOW - 100);
	bytes file;
	(void)state;
	log_make(&l, 1500, ENTRIES_MAX, NULL);
	struct evidence e = evidence_of(&f, &l);
	assert_false(failed(write_file(&e, &l, &file, &w)));
	assert_true(!w.present && w.cover == EVIDENCE_COVERED);
	assert_false(failed(check_file(file, NULL, &v)));
	assert_true(holds(&v) && !v.present && v.key_is_known);
	assert_true(v.first == 0 && v.size == 1500 && v.witnessed == 1);
	assert_true(v.head_time_s == NOW && v.created_s == NOW && v.iat_s == NOW - 100);
	assert_memory_equal(v.identity, f.identity, sizeof(f.identity));
	assert_true(str_eq(v.kid, LIT("k1")));
}

static void test_present(void **state)
{
	static struct log l;
	static const uint64_t places[] = { 0, 1, 255, 256, 777, 1499 };
	struct token_facts f = token_of(NOW - 100);
	struct evidence_verdict v;
	bytes file;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(places); i++) {
		log_make(&l, 1500, places[i], f.identity);
		struct evidence e = evidence_of(&f, &l);
		assert_false(failed(write_file(&e, &l, &file, &v)));
		assert_false(failed(check_file(file, NULL, &v)));
		assert_true(holds(&v) && v.present && v.says_present && v.index == places[i]);
	}
}

/* A log that was pruned: entries from the bundle of the minimum index on, an edge before them. */
static void test_pruned(void **state)
{
	static struct log l;
	static const uint64_t minima[] = { 1, 255, 256, 300, 700, 768, 1024, 1400 };
	struct token_facts f = token_of(NOW - 600);
	struct evidence_verdict v;
	bytes file;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(minima); i++) {
		log_make(&l, 1500, ENTRIES_MAX, NULL);
		l.minimum = minima[i];
		struct evidence e = evidence_of(&f, &l);
		assert_false(failed(write_file(&e, &l, &file, &v)));
		assert_false(failed(check_file(file, NULL, &v)));
		assert_true(holds(&v) && !v.present && v.first == minima[i] / 256 * 256);
	}
}

static void test_thin(void **state)
{
	static struct log l;
	struct token_facts f = token_of(NOW - 100);
	struct evidence_verdict v;
	struct evidence_file taken;
	bytes file;
	(void)state;
	log_make(&l, 1500, ENTRIES_MAX, NULL);
	struct evidence e = evidence_of(&f, &l);
	e.thin = true;
	assert_false(failed(write_file(&e, &l, &file, &v)));
	assert_in_range(file.n, 1, 12000);
	assert_int_equal(ch_code_of(check_file(file, NULL, &v)), CH_E_MISSING);
	assert_false(failed(check_file(file, &l.s, &v)));
	assert_true(holds(&v) && !v.present);
	assert_false(failed(evidence_open(file, &taken)));
	assert_true(str_eq(taken.e.where, LIT("https://login.example.com/log")));
	l.hole = true;
	assert_int_equal(ch_code_of(check_file(file, &l.s, &v)), CH_E_NOT_FOUND);
	log_make(&l, 1500, 9, f.identity); /* another log's entries */
	assert_int_equal(ch_code_of(check_file(file, &l.s, &v)), CH_E_MISMATCH);
}

/* With the token's entry planted, and the head signed anew, the verdict is the other one; under
 * the old head nothing fits. */
static void test_planted(void **state)
{
	static struct log l, planted;
	static uint8_t old[4096];
	struct token_facts f = token_of(NOW - 100);
	struct evidence_verdict v;
	bytes file;
	(void)state;
	log_make(&l, 300, ENTRIES_MAX, NULL);
	log_make(&planted, 300, 150, f.identity);
	struct evidence e = evidence_of(&f, &planted);
	assert_false(failed(write_file(&e, &planted, &file, &v)));
	assert_true(v.present && v.index == 150);
	e = evidence_of(&f, &l);
	mem_copy(old, e.checkpoint.p, e.checkpoint.n);
	e.checkpoint.p = (const char *)old;
	assert_int_equal(ch_code_of(write_file(&e, &planted, &file, &v)), CH_E_MISMATCH);
	assert_false(failed(write_file(&e, &l, &file, &v)));
	/* into the file itself: no longer the head's entries */
	uint8_t room[LOG_ENTRY_MAX];
	bytes entry = entry_of(&planted, 150, room);
	struct evidence_file taken;
	assert_false(failed(evidence_open(file, &taken)));
	mem_copy(file_room + (taken.entries.p - file_room) + 150 * (2 + entry.n) + 2, entry.p,
		 entry.n);
	assert_int_equal(ch_code_of(check_file(file, NULL, &v)), CH_E_MISMATCH);
}

static void test_missing_tile(void **state)
{
	static struct log l;
	struct token_facts f = token_of(NOW - 100);
	struct evidence_verdict v = { .size = 77 };
	bytes file;
	(void)state;
	log_make(&l, 1500, ENTRIES_MAX, NULL);
	struct evidence e = evidence_of(&f, &l);
	l.hole = true;
	assert_int_equal(ch_code_of(write_file(&e, &l, &file, &v)), CH_E_NOT_FOUND);
	l.hole = false;
	l.minimum = 700; /* but the evidence is to be of all */
	assert_int_equal(ch_code_of(write_file(&e, &l, &file, &v)), CH_E_NOT_FOUND);
	assert_int_equal(v.size, 77);
}

/* What an imported key signed before is in no log, and genuine for all that is known: its own record
 * says so, or the key set that is believed. */
static void test_legacy(void **state)
{
	static struct log l;
	static uint8_t room[JWK_TEXT_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct evidence_trust t = trust_of();
	struct evidence_verdict v;
	struct evidence_file taken;
	struct token_facts f = token_of(NOW - 100);
	bytes file;
	(void)state;
	log_make(&l, 1500, ENTRIES_MAX, NULL);
	wr_str(&w, str_sub(jwk, 0, jwk.n - 1));
	wr_lit(&w, ",\"logged_from\":");
	wr_dec(&w, NOW - 99);
	wr_lit(&w, "}");
	struct evidence e = evidence_of(&f, &l);
	assert_false(failed(write_file(&e, &l, &file, &v)));
	assert_int_equal(v.cover, EVIDENCE_COVERED);
	t.jwk = wr_text(&w);
	assert_false(failed(evidence_open(file, &taken)));
	assert_false(failed(evidence_check(&taken, &t, NULL, &scratch, &v)));
	assert_int_equal(v.cover, EVIDENCE_LEGACY);
	e.jwk = wr_text(&w);
	assert_false(failed(write_file(&e, &l, &file, &v)));
	assert_int_equal(v.cover, EVIDENCE_LEGACY);
	assert_false(failed(check_file(file, NULL, &v)));
	assert_int_equal(v.cover, EVIDENCE_LEGACY);
}

static void test_cover(void **state)
{
	static struct log l;
	static const struct {
		int64_t iat_s;
		uint64_t minimum;
		enum evidence_cover wanted;
	} cases[] = {
		{ NOW - 2, 0, EVIDENCE_COVERED },
		{ NOW - 1, 0, EVIDENCE_TOO_NEW },
		{ NOW + 9, 0, EVIDENCE_TOO_NEW },
		{ NOW - 10000, 0, EVIDENCE_COVERED },
		{ NOW - 10001, 0, EVIDENCE_TOO_OLD },
		{ 5, 0, EVIDENCE_TOO_OLD },
		{ NOW - 100, 1500, EVIDENCE_COVERED },
		{ NOW - 10000 + 6 * 768 + 299, 800, EVIDENCE_TOO_OLD },
		{ NOW - 10000 + 6 * 768 + 300, 800, EVIDENCE_COVERED },
		{ 5, 800, EVIDENCE_TOO_OLD },
	};
	struct evidence_verdict v;
	bytes file;
	(void)state;
	log_make(&l, 1500, ENTRIES_MAX, NULL);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct token_facts f = token_of(cases[i].iat_s);
		l.minimum = cases[i].minimum;
		struct evidence e = evidence_of(&f, &l);
		assert_false(failed(write_file(&e, &l, &file, &v)));
		assert_int_equal(v.cover, cases[i].wanted);
		assert_false(failed(check_file(file, NULL, &v)));
		assert_int_equal(v.cover, cases[i].wanted);
		assert_false(v.present);
	}
}

/* What a checker believes is not in the file. */
static void test_trust(void **state)
{
	static struct log l;
	struct token_facts f = token_of(NOW - 100);
	struct evidence_verdict v;
	struct evidence_file taken;
	struct test_signer stranger;
	bytes file;
	(void)state;
	log_make(&l, 300, ENTRIES_MAX, NULL);
	struct evidence e = evidence_of(&f, &l);
	assert_false(failed(write_file(&e, &l, &file, &v)));
	assert_false(failed(evidence_open(file, &taken)));
	test_signer_new(LIT("login.example.com/log"), &stranger);
	struct evidence_trust t = trust_of();
	t.log = stranger.note;
	assert_int_equal(ch_code_of(evidence_check(&taken, &t, NULL, &scratch, &v)), CH_E_MISSING);
	t = trust_of();
	t.jwk = other_jwk;
	assert_int_equal(ch_code_of(evidence_check(&taken, &t, NULL, &scratch, &v)), CH_E_MISMATCH);
	t = trust_of();
	t.quorum = 2;
	assert_int_equal(ch_code_of(evidence_check(&taken, &t, NULL, &scratch, &v)), CH_E_MISSING);
	t = trust_of();
	t.jwk = (str){ 0 };
	t.n_witnesses = t.quorum = 0;
	assert_false(failed(evidence_check(&taken, &t, NULL, &scratch, &v)));
	assert_false(v.key_is_known);
	test_signer_done(&stranger);
}

/* Nothing that does not hold is written. */
static void test_not_written(void **state)
{
	static struct log l;
	static char long_text[EVIDENCE_HISTORY_MAX + 1];
	struct token_facts f = token_of(NOW - 100);
	struct evidence_verdict v;
	bytes file;
	(void)state;
	log_make(&l, 300, ENTRIES_MAX, NULL);
	struct evidence good = evidence_of(&f, &l), bad = good;
	bad.jwk = other_jwk;
	assert_int_equal(ch_code_of(write_file(&bad, &l, &file, &v)), CH_E_MISMATCH);
	bad = good;
	bad.input.n--;
	assert_true(failed(write_file(&bad, &l, &file, &v)));
	bad = good;
	bad.history = (str){ long_text, sizeof(long_text) };
	assert_int_equal(ch_code_of(write_file(&bad, &l, &file, &v)), CH_E_LIMIT);
	bad = good;
	bad.where = LIT("a\"b");
	assert_int_equal(ch_code_of(write_file(&bad, &l, &file, &v)), CH_E_SYNTAX);
	bad = good;
	bad.minimum = 301;
	assert_int_equal(ch_code_of(write_file(&bad, &l, &file, &v)), CH_E_RANGE);
	assert_false(failed(write_file(&good, &l, &file, &v)));
}

/* --- mutants --- */

static void test_every_prefix(void **state)
{
	static struct log l;
	struct token_facts f = token_of(NOW - 100);
	struct evidence_verdict v;
	struct evidence_file taken;
	bytes file;
	(void)state;
	log_make(&l, 300, ENTRIES_MAX, NULL);
	struct evidence e = evidence_of(&f, &l);
	assert_false(failed(write_file(&e, &l, &file, &v)));
	for (size_t n = 0; n < file.n; n++)
		assert_true(failed(evidence_open((bytes){ file.p, n }, &taken)));
	file_room[file.n] = 0;
	assert_int_equal(ch_code_of(evidence_open((bytes){ file.p, file.n + 1 }, &taken)),
			 CH_E_TRAILING);
}

static bool within(const void *at, str part)
{
	const char *p = at;
	return p >= part.p && p < part.p + part.n;
}

/* A flipped bit leaves nothing that holds, but where the file is its writer's word alone: the key's
 * history, the log's address, and members of the JWK that mean nothing. */
static void test_flips(void **state)
{
	static struct log l;
	struct token_facts f = token_of(NOW - 100);
	struct evidence_verdict v;
	struct evidence_file taken, again;
	struct evidence_trust t = trust_of();
	bytes file;
	uint8_t from = 0;
	(void)state;
	log_make(&l, 40, ENTRIES_MAX, NULL);
	struct evidence e = evidence_of(&f, &l);
	assert_false(failed(write_file(&e, &l, &file, &v)));
	assert_false(failed(evidence_open(file, &taken)));
	rand_fill(&from, 1);
	for (size_t i = from % 7; i < file.n; i += 7) {
		const uint8_t *at = file_room + i;
		if (within(at, taken.e.history) || within(at, taken.e.where) ||
		    within(at, taken.e.jwk))
			continue;
		file_room[i] ^= (uint8_t)(1 << i % 8);
		ch_err err = evidence_open(file, &again);
		if (!failed(err))
			err = evidence_check(&again, &t, NULL, &scratch, &v);
		assert_true(failed(err) || !holds(&v));
		file_room[i] ^= (uint8_t)(1 << i % 8);
	}
	assert_false(failed(check_file(file, NULL, &v)));
	assert_true(holds(&v));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_absent),       cmocka_unit_test(test_present),
		cmocka_unit_test(test_pruned),       cmocka_unit_test(test_thin),
		cmocka_unit_test(test_planted),      cmocka_unit_test(test_missing_tile),
		cmocka_unit_test(test_legacy),       cmocka_unit_test(test_cover),
		cmocka_unit_test(test_trust),        cmocka_unit_test(test_not_written),
		cmocka_unit_test(test_every_prefix), cmocka_unit_test(test_flips),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
