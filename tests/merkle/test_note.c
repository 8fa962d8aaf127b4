/* Notes, keys, cosignatures and checkpoints: there and back, each kind of wrong one, every prefix,
 * every bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/base64.h"
#include "crypto/hash.h"
#include "golden.h"
#include "signed.h"

#define DASH "\xe2\x80\x94 "
#define SIG64 \
	"AAAAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/"

static void test_names(void **state)
{
	static const char *const good[] = { "a", "login.example.com/log", "\xc3\xa9t\xc3\xa9",
					    "\xe2\x82\xac", "a/b:8443" };
	static const char *const bad[] = { "",
					   "a b",
					   "a+b",
					   "a\tb",
					   "a\nb",
					   "a\x7f",
					   "\xc2\xa0",
					   "a\xe2\x80\x83",
					   "\xc2\x85",
					   "\xe3\x80\x80",
					   "\xe1\x9a\x80z",
					   "\xff",
					   "\xe2\x80\xa8",
					   "\xe2\x80\xaf",
					   "\xe2\x81\x9f" };
	char longest[NOTE_NAME_MAX + 1];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_true(note_name_ok(str_from_c(good[i])));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(note_name_ok(str_from_c(bad[i])));
	for (size_t i = 0; i < sizeof(longest); i++)
		longest[i] = 'a';
	assert_true(note_name_ok((str){ longest, NOTE_NAME_MAX }));
	assert_false(note_name_ok((str){ longest, NOTE_NAME_MAX + 1 }));
}

static void test_vkeys(void **state)
{
	struct note_key k;
	uint8_t room[NOTE_VKEY_MAX];
	const str text = LIT(GOLDEN_VKEY);
	(void)state;
	assert_false(failed(vkey_read(text, &k)));
	struct wr w = wr_of(room, sizeof(room));
	vkey_write(&w, &k);
	assert_true(str_eq(wr_text(&w), text));
	for (size_t n = 0; n < text.n; n++)
		assert_true(failed(vkey_read(str_sub(text, 0, n), &k)));
	for (size_t i = 0; i < 8 * text.n; i++) {
		mem_copy(room, text.p, text.n);
		room[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_true(failed(vkey_read((str){ (const char *)room, text.n }, &k)));
	}
	assert_int_equal(ch_code_of(vkey_read(LIT("a+00000000+BQ=="), &k)), CH_E_UNSUPPORTED);
	assert_int_equal(ch_code_of(vkey_read(LIT("login.example.com/log+09f8b214+"
						  "AZJzCPU9Z2VQPStkwQOrWqRyBqs5UCz+j5hEL9tUMQC3\n"),
					      &k)),
			 CH_E_SYNTAX);
	/* the id in other letters is another spelling */
	assert_int_equal(ch_code_of(vkey_read(LIT("login.example.com/log+09F8B214+"
						  "AZJzCPU9Z2VQPStkwQOrWqRyBqs5UCz+j5hEL9tUMQC3"),
					      &k)),
			 CH_E_SYNTAX);
}

/* --- taking apart --- */

static void test_no_notes(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		"\n\n",
		"body\n",
		"body\n\n",
		"body\n" DASH "name " SIG64 "\n",
		"body\n\n" DASH "name " SIG64,
		"body\n\n" DASH "name " SIG64 "\nmore\n",
		"body\n\n- name " SIG64 "\n",
		"body\n\n" DASH " " SIG64 "\n",
		"body\n\n" DASH "name\n",
		"body\n\n" DASH "name \n",
		"body\n\n" DASH "name AAAAAQ==\n", /* only a key id and no byte behind it */
		"body\n\n" DASH "name AAAA\n",
		"body\n\n" DASH "name AAAAAR==\n",
		"body\n\n" DASH "na+me " SIG64 "\n",
		"body\n\n" DASH "na me " SIG64 "\n",
		"body\n\n" DASH "name  " SIG64 "\n",
		"body\n\n" DASH "name " SIG64 " \n",
		"body\n\n" DASH "name " SIG64 "\r\n",
		"body\t\n\n" DASH "name " SIG64 "\n",
		"body\xff\n\n" DASH "name " SIG64 "\n",
		"body\xed\xa0\x80\n\n" DASH "name " SIG64 "\n",
	};
	static struct note n;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(ch_code_of(note_open(str_from_c(bad[i]), &n)), CH_E_SYNTAX);
	static const char zero[] = "b\0\n\n" DASH "name " SIG64 "\n";
	assert_int_equal(ch_code_of(note_open((str){ zero, sizeof(zero) - 1 }, &n)), CH_E_SYNTAX);
}

/* Only the last empty line divides. */
static void test_empty_lines(void **state)
{
	static struct note n;
	(void)state;
	assert_false(failed(note_open(LIT("a\n\nb\n\n\n" DASH "name " SIG64 "\n"), &n)));
	assert_true(str_eq(n.body, LIT("a\n\nb\n\n")));
	assert_int_equal(n.n, 1);
	assert_int_equal(n.lines[0].id, 1);
	assert_true(str_eq(n.lines[0].name, LIT("name")));
}

static void test_limits(void **state)
{
	static uint8_t room[NOTE_MAX + 1];
	static struct note n;
	(void)state;
	for (size_t lines = 1; lines <= NOTE_LINES_MAX + 1; lines++) {
		struct wr w = wr_of(room, sizeof(room));
		wr_lit(&w, "body\n\n");
		for (size_t i = 0; i < lines; i++)
			wr_lit(&w, DASH "name " SIG64 "\n");
		assert_int_equal(ch_code_of(note_open(wr_text(&w), &n)),
				 lines <= NOTE_LINES_MAX ? CH_OK : CH_E_LIMIT);
	}
	assert_int_equal(ch_code_of(note_open((str){ (const char *)room, sizeof(room) }, &n)),
			 CH_E_LIMIT);
}

/* --- signed --- */

static const struct checkpoint sample = { .origin = { "log.example/a", 13 },
					  .size = 12345,
					  .root = { { 1, 2, 3 } } };

static void test_signed_head(void **state)
{
	static uint8_t room[CHECKPOINT_MAX];
	static struct log_head h;
	struct test_signer log, other;
	struct wr w = wr_of(room, sizeof(room));
	int64_t time_s = 0;
	(void)state;
	test_signer_new(sample.origin, &log);
	test_signer_new(sample.origin, &other);
	test_head(&w, &log, &sample, 1795396127);
	assert_false(failed(log_head_open(wr_text(&w), &log.note, &h)));
	assert_int_equal(h.c.size, sample.size);
	assert_int_equal(h.time_s, 1795396127);
	assert_true(merkle_eq(&h.c.root, &sample.root));
	assert_int_equal(ch_code_of(log_head_open(wr_text(&w), &other.note, &h)), CH_E_MISSING);
	assert_int_equal(ch_code_of(cosignature_check(&h.note, &other.cosigner, &time_s)),
			 CH_E_MISSING);
	/* the other's key under this one's id: a collision is a signature that does not verify */
	other.note.id = log.note.id;
	assert_int_equal(ch_code_of(log_head_open(wr_text(&w), &other.note, &h)), CH_E_MISMATCH);
	test_signer_done(&log);
	test_signer_done(&other);
}

enum { ML_DSA_44_KEY = 1312, ML_DSA_44_SIGNATURE = 2420, LONG_LINE = 4096 };

/* A line of type 06 as https://c2sp.org/tlog-cosignature has it: id, time, signature. */
static void put_ml_dsa(struct wr *w, str name, uint8_t seed)
{
	static uint8_t key[NOTE_NAME_MAX + 2 + ML_DSA_44_KEY];
	static uint8_t raw[4 + 8 + ML_DSA_44_SIGNATURE];
	uint8_t hash[SHA256_SIZE];
	struct wr k = wr_of(key, sizeof(key));
	wr_str(&k, name);
	wr_u8(&k, '\n');
	wr_u8(&k, 0x06);
	while (k.n < name.n + 2 + ML_DSA_44_KEY)
		wr_u8(&k, seed);
	sha256(wr_bytes(&k), hash);
	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = i < 4 ? hash[i] : (uint8_t)(seed + i);
	wr_str(w, LIT("\xe2\x80\x94 "));
	wr_str(w, name);
	wr_char(w, ' ');
	base64_write(w, BYTES_OF(raw));
	wr_char(w, '\n');
}

/* What a reader has no key for is passed over, whatever its type and length, wherever it stands. */
static void test_unknown_kinds(void **state)
{
	static uint8_t room[CHECKPOINT_MAX + 8 * LONG_LINE], whole[CHECKPOINT_MAX];
	static struct log_head h;
	struct test_signer log, witness;
	struct note_key keys[1];
	size_t good = 9;
	(void)state;
	test_signer_new(sample.origin, &log);
	test_signer_new(LIT("w.example/1"), &witness);
	keys[0] = witness.cosigner;
	struct wr w = wr_of(whole, sizeof(whole));
	test_head(&w, &log, &sample, 1795396127);
	str head = wr_text(&w);
	for (unsigned places = 1; places < 8; places++) {
		struct wr n = wr_of(room, sizeof(room));
		str left = head;
		for (size_t line = 0; line < 4; line++) {
			wr_str(&n, str_cut(&left, '\n'));
			wr_char(&n, '\n');
		}
		/* under the log's own name, another's, and the witness's */
		if (places & 1)
			put_ml_dsa(&n, sample.origin, 1);
		wr_str(&n, str_cut(&left, '\n'));
		wr_char(&n, '\n');
		if (places & 2)
			put_ml_dsa(&n, LIT("other.example/w"), 2);
		wr_str(&n, left);
		struct note as_read;
		assert_false(failed(note_open(head, &as_read)));
		test_cosign(&n, &witness, as_read.body, 1795396128);
		if (places & 4)
			put_ml_dsa(&n, LIT("w.example/1"), 3);
		assert_false(n.full);
		assert_false(failed(log_head_open(wr_text(&n), &log.note, &h)));
		assert_int_equal(h.c.size, sample.size);
		assert_false(failed(cosignatures_count(&h.note, keys, 1, 0, &good)));
		assert_int_equal(good, 1);
	}
	/* alone they are nothing: neither the log's word nor a witness's */
	struct wr n = wr_of(room, sizeof(room));
	checkpoint_write(&n, &sample);
	wr_char(&n, '\n');
	put_ml_dsa(&n, sample.origin, 1);
	put_ml_dsa(&n, LIT("w.example/1"), 3);
	assert_int_equal(ch_code_of(log_head_open(wr_text(&n), &log.note, &h)), CH_E_MISSING);
	struct note alone;
	assert_false(failed(note_open(wr_text(&n), &alone)));
	assert_false(failed(cosignatures_count(&alone, keys, 1, 0, &good)));
	assert_int_equal(good, 0);
	test_signer_done(&log);
	test_signer_done(&witness);
}

/* A head loses what it says with any bit; what still opens is the same bytes. */
static void test_every_bit(void **state)
{
	static uint8_t room[CHECKPOINT_MAX];
	static struct log_head h;
	struct test_signer log;
	struct wr w = wr_of(room, sizeof(room));
	(void)state;
	test_signer_new(sample.origin, &log);
	test_head(&w, &log, &sample, 1795396127);
	for (size_t n = 0; n < w.n; n++)
		assert_true(failed(log_head_open((str){ (const char *)room, n }, &log.note, &h)));
	for (size_t i = 0; i < 8 * w.n; i++) {
		room[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_true(failed(log_head_open(wr_text(&w), &log.note, &h)));
		room[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_false(failed(log_head_open(wr_text(&w), &log.note, &h)));
	test_signer_done(&log);
}

/* Signed, but not cosigned; cosigned, but not signed; of another origin; with extensions. */
static void test_half_heads(void **state)
{
	static uint8_t room[2048];
	static struct log_head h;
	struct test_signer log;
	const str body = LIT("log.example/a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
	const str other = LIT("log.example/b\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
	const str more = LIT("log.example/a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nx\n");
	const struct {
		str body;
		bool is_signed, is_cosigned;
		enum ch_code wanted;
	} cases[] = {
		{ body, true, true, CH_OK },
		{ body, true, false, CH_E_MISSING },
		{ body, false, true, CH_E_MISSING },
		{ other, true, true, CH_E_MISMATCH },
		{ more, true, true, CH_E_UNSUPPORTED },
	};
	(void)state;
	test_signer_new(sample.origin, &log);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct wr w = wr_of(room, sizeof(room));
		wr_str(&w, cases[i].body);
		wr_char(&w, '\n');
		if (cases[i].is_signed)
			test_sign(&w, &log, cases[i].body);
		if (cases[i].is_cosigned)
			test_cosign(&w, &log, cases[i].body, 5);
		assert_int_equal(ch_code_of(log_head_open(wr_text(&w), &log.note, &h)),
				 cases[i].wanted);
	}
	test_signer_done(&log);
}

/* Two of three witnesses, one of them late; and one whose line is wrong. */
static void test_witnesses(void **state)
{
	static uint8_t room[4096];
	static struct note n;
	struct test_signer s[3];
	struct note_key keys[3];
	struct wr w = wr_of(room, sizeof(room));
	const str body = LIT("log.example/a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
	size_t good = 9;
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		test_signer_new(i == 0 ? LIT("w0") : i == 1 ? LIT("w1") : LIT("w2"), &s[i]);
		keys[i] = s[i].cosigner;
	}
	wr_str(&w, body);
	wr_char(&w, '\n');
	test_cosign(&w, &s[0], body, 100);
	test_cosign(&w, &s[2], body, 50);
	assert_false(failed(note_open(wr_text(&w), &n)));
	assert_false(failed(cosignatures_count(&n, keys, 3, 0, &good)));
	assert_int_equal(good, 2);
	assert_false(failed(cosignatures_count(&n, keys, 3, 51, &good)));
	assert_int_equal(good, 1);
	test_cosign(&w, &s[1], LIT("another body\n"), 100);
	assert_false(failed(note_open(wr_text(&w), &n)));
	assert_int_equal(ch_code_of(cosignatures_count(&n, keys, 3, 0, &good)), CH_E_MISMATCH);
	for (size_t i = 0; i < 3; i++)
		test_signer_done(&s[i]);
}

/* --- checkpoints --- */

#define ROOT "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="

static void test_checkpoints(void **state)
{
	static const char *const bad[] = {
		"",
		"log\n",
		"log\n1\n",
		"log\n1\n" ROOT,
		"\n1\n" ROOT "\n",
		"log\n\n" ROOT "\n",
		"log\n01\n" ROOT "\n",
		"log\n-1\n" ROOT "\n",
		"log\n+1\n" ROOT "\n",
		"log\n9223372036854775808\n" ROOT "\n",
		"log\n1\nAQID\n",
		"log\n1\n" ROOT "=\n",
		"log\n1\nAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyB=\n",
		"log\n1\n" ROOT "\n\n",
		"log\n1\n" ROOT "\nx\n\n",
		"log\n1\n" ROOT "\nx",
		"log\n0\n" ROOT "\n",
		"cosignature/v1\n1\n" ROOT "\n",
	};
	struct checkpoint c = { .size = 77 };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(ch_code_of(checkpoint_read(str_from_c(bad[i]), &c)), CH_E_SYNTAX);
	assert_int_equal(c.size, 77);
	assert_false(
		failed(checkpoint_read(LIT("log\n9223372036854775807\n" ROOT "\nx\ny\n"), &c)));
	assert_true(str_eq(c.extensions, LIT("x\ny\n")));
	assert_int_equal(c.size, INT64_MAX);
}

static void test_checkpoint_back(void **state)
{
	uint8_t room[CHECKPOINT_BODY_MAX];
	struct checkpoint c;
	struct wr w = wr_of(room, sizeof(room));
	(void)state;
	checkpoint_write(&w, &sample);
	assert_false(failed(checkpoint_read(wr_text(&w), &c)));
	assert_true(str_eq(c.origin, sample.origin) && c.size == sample.size &&
		    merkle_eq(&c.root, &sample.root) && c.extensions.n == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),         cmocka_unit_test(test_vkeys),
		cmocka_unit_test(test_no_notes),      cmocka_unit_test(test_empty_lines),
		cmocka_unit_test(test_limits),        cmocka_unit_test(test_signed_head),
		cmocka_unit_test(test_unknown_kinds), cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_half_heads),    cmocka_unit_test(test_witnesses),
		cmocka_unit_test(test_checkpoints),   cmocka_unit_test(test_checkpoint_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
