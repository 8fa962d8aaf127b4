/* The needles find what the plain search finds, in whatever pieces memory comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rand.h"
#include "base/rw.h"
#include "made_values.h"
#include "plain_needles.h"

enum { SIZE = 8 * 1024, ADDR = 0x7000 };

struct cover {
	struct hit_taker taker;
	uint8_t covered[SIZE];
};

static ch_err cover(struct hit_taker *t, const struct needle_hit *h)
{
	struct cover *c = (struct cover *)t;
	assert_true(h->from >= ADDR && h->from < h->to && h->to <= ADDR + SIZE);
	for (uint64_t i = h->from; i < h->to; i++)
		c->covered[i - ADDR] = 1;
	return CH_DONE;
}

static struct cover fast;
static uint8_t plain[SIZE], memory[SIZE];
static struct values *values;

static int fresh(void **state)
{
	(void)state;
	values_done(&values);
	mem_zero(&fast, sizeof(fast));
	mem_zero(plain, sizeof(plain));
	mem_zero(memory, sizeof(memory));
	fast.taker.take = cover;
	return failed(values_new(&values));
}

static int gone(void **state)
{
	(void)state;
	values_done(&values);
	return 0;
}

/* The same search, with the memory growing by steps of this size at most. */
static void search(unsigned step)
{
	struct needles *n = NULL;
	assert_false(failed(needles_new(values, &n)));
	needles_restart(n, ADDR);
	mem_zero(fast.covered, sizeof(fast.covered));
	for (size_t end = 0; end < SIZE;) {
		end += 1 + any_below(step);
		end = end < SIZE ? end : SIZE;
		/* what is not there yet must not be read: a copy that ends with it */
		uint8_t *p = malloc(end);
		mem_copy(p, memory, end);
		struct needle_text text = { ADDR, p, end, end == SIZE };
		size_t half = end < SIZE ? any_below((unsigned)end + 1) : end;
		assert_false(failed(needles_scan(n, &text, half, &fast.taker)));
		if (any_below(2) || end == SIZE) {
			text.last = end == SIZE;
			assert_false(failed(needles_scan(n, &text, end, &fast.taker)));
		}
		free(p);
	}
	needles_done(&n);
}

/* Of what the plain search covers, the fast one may miss so many bytes in a row. */
static void compare_but(size_t most)
{
	size_t missed = 0;
	mem_zero(plain, sizeof(plain));
	plain_needles(values, (bytes){ memory, SIZE }, NEEDLE_PIECE, plain);
	for (size_t i = 0; i < SIZE; i++) {
		missed = plain[i] > fast.covered[i] ? missed + 1 : 0;
		if (missed > most || fast.covered[i] > plain[i])
			fail_msg("at %zu: plain %u, fast %u", i, plain[i], fast.covered[i]);
	}
}

static void compare(void)
{
	compare_but(0);
}

/* A piece of a form somewhere. */
static void plant(const struct value *v, bool whole)
{
	struct form_value f = form_value_of(v->is, v->number);
	unsigned form = any_below(forms_count());
	size_t n = form_size(form, &f);
	if (!n || n > SIZE)
		return;
	size_t from = whole ? 0 : any_below((unsigned)n),
	       to = whole ? n : from + any_below((unsigned)(n - from + 1));
	size_t at = any_below((unsigned)(SIZE - (to - from) + 1));
	for (size_t i = from; i < to; i++)
		memory[at + i - from] = form_byte(form, &f, i);
}

static void agrees_with_the_plain_search(void **state)
{
	for (unsigned round = 0; round < 16; round++) {
		fresh(state);
		if (round % 3)
			rand_fill(memory, sizeof(memory));
		for (unsigned i = 0; i < 3; i++)
			value_random(values, VALUE_BIGNUM, true, 16 + any_below(120));
		value_random(values, VALUE_AES_KEY, false, 16);
		value_random(values, VALUE_PRIVATE_KEY, false, 100 + any_below(100));
		value_made(
			values, VALUE_TOKEN, false,
			(bytes){ (const uint8_t
					  *)"eyJhbGciOiJub25lIn0.eyJzdWIiOiJqb2UifQ.c2lnbmF0dXJl",
				 51 });
		value_made(values, VALUE_PASSWORD, false,
			   (bytes){ (const uint8_t *)"correct-horse", 13 });
		value_made(values, VALUE_PASSWORD, false, (bytes){ (const uint8_t *)"hunter2", 7 });
		if (round % 4 == 0)
			value_made(values, VALUE_PASSWORD, false,
				   (bytes){ (const uint8_t *)"1234", 4 });
		for (unsigned i = 0; i < 30; i++)
			plant(values_at(values, any_below((unsigned)values_count(values))),
			      any_below(2));
		search(round % 2 ? 64 : SIZE);
		compare();
	}
}

static void every_form_at_every_phase(void **state)
{
	(void)state;
	uint8_t p[32];
	rand_fill(p, sizeof(p));
	p[0] |= 0x80;
	value_made(values, VALUE_EC_SCALAR, true, (bytes){ p, sizeof(p) });
	struct form_value f = form_value_of((bytes){ p, sizeof(p) }, true);
	for (unsigned form = 0; form < forms_count(); form++) {
		size_t n = form_size(form, &f);
		for (size_t phase = 0; n && phase < 8; phase++) {
			mem_zero(memory, sizeof(memory));
			for (size_t i = 0; i < n; i++)
				memory[4093 + phase + i] = form_byte(form, &f, i);
			search(SIZE);
			size_t left = 0;
			for (size_t i = 0; i < SIZE; i++)
				left += memory[i] && !fast.covered[i];
			assert_int_equal(left, 0);
		}
	}
}

/* A copy of which a part was overwritten is a copy. */
static void remnants(void **state)
{
	(void)state;
	bytes prime = value_random(values, VALUE_RSA_PRIME, true, 128);
	for (size_t n = NEEDLE_PIECE; n < 128; n += 7) {
		mem_zero(memory, sizeof(memory));
		mem_copy(memory + 1001, prime.p + 128 - n, n);
		search(SIZE);
		compare();
		assert_int_equal(fast.covered[1001], 1);
		assert_int_equal(fast.covered[1001 + n - 1], 1);
		assert_int_equal(fast.covered[1001 + n], 0);
	}
}

/* How much of the first n characters of what was planted is covered. */
static size_t covered_of(const void *text, size_t n)
{
	size_t covered = 0;
	mem_zero(memory, sizeof(memory));
	mem_copy(memory + 1001, text, n);
	search(SIZE);
	compare();
	for (size_t i = 0; i < SIZE; i++)
		covered += fast.covered[i];
	return covered;
}

/* A line of PEM ends where it will: sixteen characters of a key's base64 are 96 bits of it. Of a
 * token as many are what all tokens begin with. */
static void remnants_of_text(void **state)
{
	(void)state;
	uint8_t key[32], line[16];
	static const char token[] = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl";
	rand_fill(key, sizeof(key));
	key[0] |= 0x80;
	value_made(values, VALUE_EC_SCALAR, true, (bytes){ key, sizeof(key) });
	value_made(values, VALUE_TOKEN, false, bytes_of_str((str){ token, sizeof(token) - 1 }));
	struct form_value f = form_value_of((bytes){ key, sizeof(key) }, true);
	for (unsigned form = 0; form < forms_count(); form++) {
		if (!str_starts(form_name(form), LIT("base64")) || !form_size(form, &f))
			continue;
		for (size_t i = 0; i < sizeof(line); i++)
			line[i] = form_byte(form, &f, i);
		assert_int_equal(covered_of(line, 16), 16);
		assert_int_equal(covered_of(line, 15), 0);
	}
	assert_int_equal(covered_of(token, 24), 24);
	assert_int_equal(covered_of(token, 23), 0);
}

/* Passwords of few characters are words of programs too. */
static void short_ones_stand_alone(void **state)
{
	(void)state;
	value_made(values, VALUE_PASSWORD, false, (bytes){ (const uint8_t *)"admin", 5 });
	value_made(values, VALUE_PASSWORD, false, (bytes){ (const uint8_t *)"s3cr", 4 });
	value_made(values, VALUE_PASSWORD, false, (bytes){ (const uint8_t *)"longer-one", 10 });
	static const struct {
		const char *text;
		size_t n;
		size_t from, to;
	} cases[] = {
		{ "administrator", 13, 0, 0 },
		{ "\0admin\0", 7, 1, 6 },
		{ "\"admin\"", 7, 1, 6 },
		{ "x admin y", 9, 0, 0 },
		{ "'s3cr'", 6, 1, 5 },
		{ "as3cr'", 6, 0, 0 },
		{ "xlonger-onex", 12, 1, 11 },
		{ "\0\0a\0d\0m\0i\0n\0\0\0", 14, 2, 12 },
		{ "x\0a\0d\0m\0i\0n\0", 12, 0, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		for (size_t phase = 0; phase < 8; phase++) {
			for (size_t k = 0; k < SIZE; k++)
				memory[k] = (uint8_t)('A' + k % 23);
			mem_copy(memory + 256 + phase, cases[i].text, cases[i].n);
			search(SIZE);
			compare();
			for (size_t k = 0; k < cases[i].n; k++)
				assert_int_equal(fast.covered[256 + phase + k],
						 k >= cases[i].from && k < cases[i].to);
		}
	}
}

static void at_the_ends_of_memory(void **state)
{
	(void)state;
	bytes key = value_random(values, VALUE_AES_KEY, false, 16);
	value_made(values, VALUE_PASSWORD, false, (bytes){ (const uint8_t *)"admin", 5 });
	mem_copy(memory, key.p, 16);
	mem_copy(memory + SIZE - 16, key.p, 16);
	search(1000);
	compare();
	assert_int_equal(fast.covered[0] + fast.covered[SIZE - 1], 2);
	memory[SIZE - 6] = '"';
	mem_copy(memory + SIZE - 5, "admin", 5);
	mem_copy(memory, "admin\"", 6);
	search(1000);
	compare();
	assert_int_equal(fast.covered[0] + fast.covered[SIZE - 1], 2);
}

/* Values that share most of what they are: of a piece of one that is nearly all shared, less
 * than a word may stay. */
static void many_that_are_alike(void **state)
{
	(void)state;
	char token[] =
		"eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIwMDAwMDAwMDAifQ.................";
	for (unsigned i = 0; i < 40; i++) {
		uint8_t tail[24];
		struct wr w = wr_of(token + 68, 12);
		rand_fill(tail, sizeof(tail));
		wr_hex(&w, (bytes){ tail, 6 });
		value_made(values, VALUE_TOKEN, false,
			   bytes_of_str((str){ token, sizeof(token) - 1 }));
	}
	for (unsigned i = 0; i < 60; i++)
		plant(values_at(values, any_below(40)), true);
	search(SIZE);
	compare_but(7);
}

/* What they begin with is all that memory holds, again and again, and here and there one of them
 * or its end: that one was found does not hide what is longer on either side. */
static void beginnings_of_many(void **state)
{
	(void)state;
	char token[] = "aB3dE6gH9jKlMn0pQ7sTuV4xYz1AcD5fGh8JkLmN2qRsTv............";
	for (unsigned i = 0; i < 6; i++) {
		struct wr w = wr_of(token + 50, 8);
		uint8_t tail[4];
		rand_fill(tail, sizeof(tail));
		wr_hex(&w, BYTES_OF(tail));
		value_made(values, VALUE_TOKEN, false,
			   (bytes){ (const uint8_t *)token + 2 * i, 58 - 2 * i });
	}
	for (unsigned round = 0; round < 30; round++) {
		for (size_t i = 0; i < SIZE; i++)
			memory[i] = (uint8_t)token[(i + round) % 50];
		for (unsigned i = 0; i < 20; i++)
			plant(values_at(values, any_below(6)), i % 2);
		for (unsigned i = 0; i < 20; i++)
			memory[any_below(SIZE)] = 0;
		search(1 + any_below(SIZE));
		compare();
	}
}

/* Memory full of one value takes time in proportion to its size. */
static void memory_full_of_one(void **state)
{
	(void)state;
	uint8_t p[64];
	for (size_t i = 0; i < sizeof(p); i++)
		p[i] = (uint8_t)("abcdefgh"[i % 8]);
	value_made(values, VALUE_TOKEN, false, (bytes){ p, sizeof(p) });
	for (size_t i = 0; i < SIZE; i++)
		memory[i] = p[i % 8];
	search(5000);
	for (size_t i = 0; i < SIZE; i++)
		assert_int_equal(fast.covered[i], 1);
}

static void too_much_is_an_error(void **state)
{
	(void)state;
	struct needles *n = NULL;
	for (unsigned i = 0; i < VALUES_MAX; i++)
		value_random(values, VALUE_BIGNUM, true, 64);
	assert_int_equal(needles_new(values, &n).site->code, CH_E_LIMIT);
	assert_null(n);
	fresh(state);
	for (unsigned i = 0; i < 1000; i++) {
		uint8_t p[7] = "pass";
		p[4] = (uint8_t)('0' + i / 100);
		p[5] = (uint8_t)('0' + i / 10 % 10);
		p[6] = (uint8_t)('0' + i % 10);
		value_made(values, VALUE_PASSWORD, false, (bytes){ p, sizeof(p) });
	}
	assert_int_equal(needles_new(values, &n).site->code, CH_E_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(agrees_with_the_plain_search, fresh),
		cmocka_unit_test_setup(every_form_at_every_phase, fresh),
		cmocka_unit_test_setup(remnants, fresh),
		cmocka_unit_test_setup(remnants_of_text, fresh),
		cmocka_unit_test_setup(short_ones_stand_alone, fresh),
		cmocka_unit_test_setup(at_the_ends_of_memory, fresh),
		cmocka_unit_test_setup(many_that_are_alike, fresh),
		cmocka_unit_test_setup(beginnings_of_many, fresh),
		cmocka_unit_test_setup(memory_full_of_one, fresh),
		cmocka_unit_test_setup_teardown(too_much_is_an_error, fresh, gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
