/* Pairs of keys as files, and streams sealed to them: what was changed, moved, doubled or is
 * another's does not open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rand.h"
#include "crypto/key.h"
#include "crypto/sealed_stream.h"

enum { MESSAGES = 4, SIZE = 40, SEALED = SIZE + SEALED_STREAM_OVERHEAD };

static const struct box_names names = { { "test-public-1", 13 }, { "test-private-1", 14 } };
static const bytes bound = { (const uint8_t *)"head", 4 };

static void ok(ch_err e)
{
	assert_int_equal(ch_code_of(e), CH_OK);
}

struct sample {
	uint8_t public_half[BOX_KEY_SIZE];
	struct secret *private_half;
	uint8_t head[SEALED_STREAM_HEAD];
	uint8_t sealed[MESSAGES][SEALED];
};

static void plain_of(size_t i, uint8_t plain[static SIZE])
{
	for (size_t k = 0; k < SIZE; k++)
		plain[k] = (uint8_t)(i * 50 + k);
}

static void sample_make(struct sample *s)
{
	AUTO(secret_done) struct secret *state = NULL;
	uint8_t plain[SIZE];
	ok(box_key_new(s->public_half, &s->private_half));
	ok(sealed_stream_begin(s->public_half, s->head, &state));
	for (size_t i = 0; i < MESSAGES; i++) {
		plain_of(i, plain);
		ok(sealed_stream_put(state, bound, BYTES_OF(plain), i + 1 == MESSAGES,
				     s->sealed[i]));
	}
}

/* How many open, in this order, before one does not. */
static size_t opens(const struct sample *s, const size_t order[], size_t n, bytes with)
{
	AUTO(secret_done) struct secret *state = NULL;
	uint8_t plain[SIZE], expected[SIZE];
	bool last = false;
	if (failed(sealed_stream_open(s->private_half, s->head, &state)))
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (failed(sealed_stream_get(state, with, BYTES_OF(s->sealed[order[i]]), plain,
					     &last)))
			return i;
		plain_of(order[i], expected);
		assert_memory_equal(plain, expected, SIZE);
		assert_int_equal(last, order[i] + 1 == MESSAGES);
	}
	return n;
}

static const size_t in_order[MESSAGES] = { 0, 1, 2, 3 };

static void test_order(void **state)
{
	static const struct {
		size_t order[MESSAGES], opens;
	} cases[] = {
		{ { 0, 1, 2, 3 }, 4 }, { { 1, 0, 2, 3 }, 0 }, { { 0, 0, 1, 2 }, 1 },
		{ { 0, 2, 1, 3 }, 1 }, { { 0, 1, 3, 2 }, 2 }, { { 0, 1, 1, 2 }, 2 },
	};
	struct sample s;
	(void)state;
	sample_make(&s);
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(opens(&s, cases[i].order, MESSAGES, bound), cases[i].opens);
	assert_int_equal(opens(&s, in_order, MESSAGES, bytes_of_str(LIT("Head"))), 0);
	secret_done(&s.private_half);
}

static void test_flips(void **state)
{
	struct sample s;
	(void)state;
	sample_make(&s);
	for (size_t i = 0; i < 8 * sizeof(s.head); i++) {
		s.head[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(opens(&s, in_order, MESSAGES, bound), 0);
		s.head[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t i = 0; i < 8 * SEALED; i++) {
		s.sealed[1][i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(opens(&s, in_order, MESSAGES, bound), 1);
		s.sealed[1][i / 8] ^= (uint8_t)(1 << i % 8);
	}
	secret_done(&s.private_half);
}

static void test_other_stream(void **state)
{
	struct sample a, b;
	(void)state;
	sample_make(&a);
	sample_make(&b);
	mem_copy(a.sealed[2], b.sealed[2], SEALED);
	assert_int_equal(opens(&a, in_order, MESSAGES, bound), 2);
	secret_done(&a.private_half);
	a.private_half = TAKE(b.private_half);
	assert_int_equal(opens(&a, in_order, MESSAGES, bound), 0);
	secret_done(&a.private_half);
}

/* With the key that the writer has behind a message, that message does not open: a reader
 * set up to open it does so no more once it gets that key. */
static void test_writer_cannot_read(void **state)
{
	AUTO(secret_done) struct secret *writer = NULL;
	AUTO(secret_done) struct secret *private_half = NULL;
	uint8_t public_half[BOX_KEY_SIZE], head[SEALED_STREAM_HEAD], sealed[SEALED], plain[SIZE];
	bool last = false;
	(void)state;
	ok(box_key_new(public_half, &private_half));
	ok(sealed_stream_begin(public_half, head, &writer));
	plain_of(0, plain);
	ok(sealed_stream_put(writer, bound, BYTES_OF(plain), false, sealed));
	for (size_t with_its_key = 0; with_its_key < 2; with_its_key++) {
		AUTO(secret_done) struct secret *reader = NULL;
		ok(sealed_stream_open(private_half, head, &reader));
		if (with_its_key) /* the key stands first in libsodium's state */
			mem_copy(secret_poke(reader), secret_peek(writer).p, 32);
		ch_err e = sealed_stream_get(reader, bound, BYTES_OF(sealed), plain, &last);
		assert_int_equal(ch_code_of(e), with_its_key ? CH_E_SEALED : CH_OK);
	}
}

static void test_bad_public_half(void **state)
{
	static const uint8_t zero[BOX_KEY_SIZE];
	AUTO(secret_done) struct secret *stream = NULL;
	uint8_t head[SEALED_STREAM_HEAD];
	(void)state;
	assert_int_equal(ch_code_of(sealed_stream_begin(zero, head, &stream)), CH_E_CRYPTO);
}

static void test_files(void **state)
{
	AUTO(secret_done) struct secret *private_half = NULL;
	AUTO(secret_done) struct secret *text = NULL;
	AUTO(secret_done) struct secret *back = NULL;
	uint8_t public_half[BOX_KEY_SIZE], again[BOX_KEY_SIZE];
	char room[200];
	struct wr w = wr_of(room, sizeof(room));
	(void)state;
	ok(box_key_new(public_half, &private_half));
	wr_lit(&w, "# a comment\r\n\n  ");
	box_public_write(&w, &names, public_half);
	ok(box_public_read(wr_bytes(&w), &names, again));
	assert_memory_equal(public_half, again, BOX_KEY_SIZE);
	ok(box_private_write(private_half, &names, LIT("# mine\n"), &text));
	ok(box_private_read(text, &names, &back));
	ok(box_public_of(back, again));
	assert_memory_equal(public_half, again, BOX_KEY_SIZE);
	/* each where the other belongs */
	assert_int_equal(ch_code_of(box_public_read(secret_peek(text), &names, again)),
			 CH_E_MISMATCH);
	secret_done(&text);
	ok(secret_new(w.n, &text));
	mem_copy(secret_poke(text), room, w.n);
	secret_done(&back);
	assert_int_equal(ch_code_of(box_private_read(text, &names, &back)), CH_E_MISMATCH);
}

static void test_files_refused(void **state)
{
	/* 43 digits; the last may only be one of 16 */
#define DIGITS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	static const struct {
		const char *text;
		enum ch_code code;
	} cases[] = {
		{ "test-public-1 " DIGITS "A\n", CH_OK },
		{ "test-public-1 " DIGITS "A", CH_OK },
		{ "test-public-1  " DIGITS "A  \n# end\n", CH_OK },
		{ "", CH_E_SYNTAX },
		{ "# test-public-1 " DIGITS "A\n", CH_E_SYNTAX },
		{ "test-public-2 " DIGITS "A\n", CH_E_SYNTAX },
		{ "test-public-1 " DIGITS "\n", CH_E_SYNTAX },
		{ "test-public-1 " DIGITS "AA\n", CH_E_SYNTAX },
		{ "test-public-1 " DIGITS "B\n", CH_E_SYNTAX }, /* bits that are lost */
		{ "test-public-1 " DIGITS "=\n", CH_E_SYNTAX },
		{ "test-public-1 " DIGITS "+\n", CH_E_SYNTAX },
		{ "test-public-1 " DIGITS "A\ntest-public-1 " DIGITS "A\n", CH_E_SYNTAX },
		{ "test-private-1 " DIGITS "A\n", CH_E_MISMATCH },
	};
	uint8_t key[BOX_KEY_SIZE];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		ch_err e = box_public_read(bytes_of_str(str_from_c(cases[i].text)), &names, key);
		assert_int_equal(ch_code_of(e), cases[i].code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),           cmocka_unit_test(test_flips),
		cmocka_unit_test(test_other_stream),    cmocka_unit_test(test_writer_cannot_read),
		cmocka_unit_test(test_bad_public_half), cmocka_unit_test(test_files),
		cmocka_unit_test(test_files_refused),
	};
	ok(crypto_init(NULL));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
