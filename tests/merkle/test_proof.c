/* Proofs and requests as text, and entries: there and back, every prefix, every bit, and what is
 * not of the form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "merkle/entry.h"
#include "merkle/proof.h"
#include "plain.h"

#define NOTE "log\n1\nroot\n\nlines\n"
#define HASH "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\n"
#define FIRST "c2sp.org/tlog-proof@v1\n"

static uint8_t room[16384], again[16384];

static struct merkle_proof some_proof(size_t n)
{
	struct merkle_proof p = { .n = n };
	for (size_t i = 0; i < n; i++)
		p.h[i] = plain_leaves()[i];
	return p;
}

/* --- tlog-proof --- */

static str proof_text(const struct tlog_proof *p, uint8_t *into)
{
	struct wr w = wr_of(into, sizeof(room));
	tlog_proof_write(&w, p);
	assert_false(failed(wr_done(&w)));
	return wr_text(&w);
}

static void test_proof_back(void **state)
{
	static struct tlog_proof p, back;
	(void)state;
	for (size_t n = 0; n <= MERKLE_PROOF_MAX; n++) {
		p.index = n == 3 ? MERKLE_SIZE_MAX : n;
		p.proof = some_proof(n);
		p.extra = n % 2 ? LIT("ZXh0cmE=") : (str){ 0 };
		p.checkpoint = LIT(NOTE);
		assert_false(failed(tlog_proof_read(proof_text(&p, room), &back)));
		assert_true(back.index == p.index && plain_same(&back.proof, &p.proof) &&
			    str_eq(back.extra, p.extra) && str_eq(back.checkpoint, p.checkpoint));
	}
}

static void test_no_proofs(void **state)
{
	static const char *const bad[] = {
		"",
		"c2sp.org/tlog-proof@v1",
		"c2sp.org/tlog-proof@v2\nindex 0\n\n" NOTE,
		FIRST,
		FIRST "index 0\n",
		FIRST "index 0\n\n",
		FIRST "index 00\n\n" NOTE,
		FIRST "index -1\n\n" NOTE,
		FIRST "index 9223372036854775808\n\n" NOTE,
		FIRST "index  1\n\n" NOTE,
		FIRST "Index 1\n\n" NOTE,
		FIRST "index\n\n" NOTE,
		FIRST "extra \nindex 0\n\n" NOTE,
		FIRST "extra Zg=\nindex 0\n\n" NOTE,
		FIRST "extra Zg==\n",
		FIRST "extra Zg==\nextra Zg==\nindex 0\n\n" NOTE,
		FIRST "index 0\n" HASH NOTE,
		FIRST "index 0\nAQID\n\n" NOTE,
		FIRST "index 0\n " HASH "\n" NOTE,
		"\n" FIRST "index 0\n\n" NOTE,
	};
	static struct tlog_proof p;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_true(failed(tlog_proof_read(str_from_c(bad[i]), &p)));
}

static void test_proof_mutants(void **state)
{
	static struct tlog_proof p, back;
	(void)state;
	p.index = 73894;
	p.proof = some_proof(3);
	p.extra = LIT("ZXh0cmE=");
	p.checkpoint = LIT(NOTE);
	str text = proof_text(&p, room);
	for (size_t n = 0; n < text.n - sizeof(NOTE) + 2; n++)
		assert_true(failed(tlog_proof_read(str_sub(text, 0, n), &back)));
	for (size_t i = 0; i < 8 * text.n; i++) {
		room[i / 8] ^= (uint8_t)(1 << i % 8);
		if (!failed(tlog_proof_read(text, &back)))
			assert_true(str_eq(proof_text(&back, again), text));
		room[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

/* --- a request to a witness --- */

static str request_text(const struct witness_request *r, uint8_t *into)
{
	struct wr w = wr_of(into, sizeof(room));
	witness_request_write(&w, r);
	assert_false(failed(wr_done(&w)));
	return wr_text(&w);
}

static void test_request_back(void **state)
{
	static struct witness_request r, back;
	(void)state;
	for (size_t n = 0; n <= MERKLE_PROOF_MAX; n++) {
		r.old_size = n * 1000;
		r.proof = some_proof(n);
		r.checkpoint = LIT(NOTE);
		ch_err e = witness_request_read(request_text(&r, room), &back);
		assert_int_equal(ch_code_of(e), n <= WITNESS_PROOF_MAX ? CH_OK : CH_E_LIMIT);
		assert_true(failed(e) ||
			    (back.old_size == r.old_size && plain_same(&back.proof, &r.proof) &&
			     str_eq(back.checkpoint, r.checkpoint)));
	}
}

static void test_no_requests(void **state)
{
	static const char *const bad[] = {
		"",
		"old 0",
		"old 0\n",
		"old 0\n\n",
		"old\n\n" NOTE,
		"old 01\n\n" NOTE,
		"old -1\n\n" NOTE,
		"old 0\r\n\n" NOTE,
		"new 0\n\n" NOTE,
		"old 0\n" NOTE,
		"old 0\n" HASH,
		"old 0\nAQID\n\n" NOTE,
		"old 9223372036854775808\n\n" NOTE,
	};
	static struct witness_request r;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_true(failed(witness_request_read(str_from_c(bad[i]), &r)));
}

static void test_request_mutants(void **state)
{
	static struct witness_request r, back;
	(void)state;
	r.old_size = 20852014;
	r.proof = some_proof(4);
	r.checkpoint = LIT(NOTE);
	str text = request_text(&r, room);
	for (size_t n = 0; n < text.n - sizeof(NOTE) + 2; n++)
		assert_true(failed(witness_request_read(str_sub(text, 0, n), &back)));
	for (size_t i = 0; i < 8 * text.n; i++) {
		room[i / 8] ^= (uint8_t)(1 << i % 8);
		if (!failed(witness_request_read(text, &back)))
			assert_true(str_eq(request_text(&back, again), text));
		room[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

/* --- entries --- */

static struct log_entry some_entry(void)
{
	return (struct log_entry){ .typ = LOG_TYP_AT_JWT,
				   .iat_s = 1795396127,
				   .exp_s = 1795399727,
				   .hash = { 1, 2, 3, 255 },
				   .realm = LIT("home"),
				   .kid = LIT("-2026_es256") };
}

static bytes entry_bytes(const struct log_entry *e)
{
	struct wr w = wr_of(again, LOG_ENTRY_MAX);
	assert_false(failed(log_entry_write(&w, e)));
	return wr_bytes(&w);
}

/* The layout that entry.h draws; others read it too. */
static void test_entry_layout(void **state)
{
	static const uint8_t wanted[] = { 1, 1, 0, 0,    0, 0,    0x6b, 3, 0x92, 0x1f, 0,
					  0, 0, 0, 0x6b, 3, 0xa0, 0x2f, 1, 2,    3,    255 };
	struct log_entry e = some_entry(), back = { 0 };
	bytes b = entry_bytes(&e);
	(void)state;
	assert_memory_equal(b.p, wanted, sizeof(wanted));
	assert_memory_equal(b.p + LOG_ENTRY_HASH_AT, e.hash, sizeof(e.hash));
	assert_memory_equal(b.p + 50, "\4home\13-2026_es256", 17);
	assert_int_equal(b.n, 67);
	assert_false(failed(log_entry_read(b, &back)));
	assert_true(back.typ == e.typ && back.iat_s == e.iat_s && back.exp_s == e.exp_s &&
		    mem_eq(back.hash, e.hash, 32) && str_eq(back.realm, e.realm) &&
		    str_eq(back.kid, e.kid));
}

static void test_longest_entry(void **state)
{
	char realm[LOG_ENTRY_REALM_MAX + 1], kid[LOG_ENTRY_KID_MAX + 1];
	struct log_entry e = some_entry();
	struct wr w = wr_of(again, LOG_ENTRY_MAX);
	(void)state;
	for (size_t i = 0; i < sizeof(realm); i++)
		realm[i] = kid[i] = 'x';
	e.realm = (str){ realm, LOG_ENTRY_REALM_MAX };
	e.kid = (str){ kid, LOG_ENTRY_KID_MAX };
	assert_false(failed(log_entry_read(entry_bytes(&e), &e)));
	e.realm.n++;
	assert_int_equal(ch_code_of(log_entry_write(&w, &e)), CH_E_RANGE);
	e.realm.n--;
	e.kid = (str){ kid, sizeof(kid) };
	assert_int_equal(ch_code_of(log_entry_write(&w, &e)), CH_E_RANGE);
}

static void test_no_entries(void **state)
{
	struct log_entry bad[8], e;
	struct wr w = wr_of(room, sizeof(room));
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		bad[i] = some_entry();
	bad[0].typ = 0;
	bad[1].typ = 3;
	bad[2].iat_s = -1;
	bad[3].exp_s = bad[3].iat_s - 1;
	bad[4].realm = (str){ 0 };
	bad[5].realm = LIT("a/b");
	bad[6].kid = (str){ 0 };
	bad[7].kid = LIT("a b");
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(ch_code_of(log_entry_write(&w, &bad[i])), CH_E_RANGE);
	assert_int_equal(w.n, 0);
	e = some_entry();
	bytes b = entry_bytes(&e);
	again[0] = 2;
	assert_int_equal(ch_code_of(log_entry_read(b, &e)), CH_E_UNSUPPORTED);
}

static void test_entry_mutants(void **state)
{
	struct log_entry e = some_entry(), back;
	bytes b = entry_bytes(&e);
	(void)state;
	mem_copy(room, b.p, b.n);
	b.p = room;
	for (size_t n = 0; n < b.n; n++)
		assert_true(failed(log_entry_read((bytes){ room, n }, &back)));
	room[b.n] = 'x';
	assert_int_equal(ch_code_of(log_entry_read((bytes){ room, b.n + 1 }, &back)),
			 CH_E_TRAILING);
	for (size_t i = 0; i < 8 * b.n; i++) {
		room[i / 8] ^= (uint8_t)(1 << i % 8);
		if (!failed(log_entry_read(b, &back)))
			assert_true(bytes_eq(entry_bytes(&back), b));
		room[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proof_back),    cmocka_unit_test(test_no_proofs),
		cmocka_unit_test(test_proof_mutants), cmocka_unit_test(test_request_back),
		cmocka_unit_test(test_no_requests),   cmocka_unit_test(test_request_mutants),
		cmocka_unit_test(test_entry_layout),  cmocka_unit_test(test_longest_entry),
		cmocka_unit_test(test_no_entries),    cmocka_unit_test(test_entry_mutants),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
