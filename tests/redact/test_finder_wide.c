/* What the text patterns know is found in characters of 16 and of 32 bits, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plant.h"

#define TOKEN "mF_9.B5f-4.1JqMQ8vTxWZ2kLpR7sYdNcEaH"
#define SECRET "q7Xv2Lk9ZrT4mWc8"

static struct plant *p;

static int fresh(void **state)
{
	(void)state;
	p = plant_new();
	return 0;
}

static int gone(void **state)
{
	(void)state;
	plant_done(p);
	return 0;
}

/* Characters of `size` bytes; how many bytes. */
static size_t put(size_t at, const char *text, size_t size)
{
	size_t i = 0;
	for (; text[i]; i++)
		p->p[at + i * size] = (uint8_t)text[i];
	return i * size;
}

static bool finds(enum value_kind kind, const char *is)
{
	str s = str_from_c(is);
	plant_run(p, finder_wide_new);
	return plant_says(p, kind, (bytes){ (const uint8_t *)s.p, s.n });
}

static void at_any_place(void **state)
{
	(void)state;
	for (size_t size = 2; size <= 4; size += 2)
		for (size_t at = 0; at < 16; at += size) {
			plant_done(p);
			p = plant_new();
			put(4096 + at, "Authorization: Bearer " TOKEN, size);
			assert_true(finds(VALUE_BEARER, TOKEN));
		}
}

/* .NET's length before it, something else behind it. */
static void with_neighbours(void **state)
{
	(void)state;
	for (size_t at = 0; at < 8; at += 2) {
		plant_done(p);
		p = plant_new();
		plant_noise(p->p + 8000, 4096, at);
		size_t from = 8200 + at;
		mem_zero(p->p + from - 4, 4);
		p->p[from - 4] = 43;
		size_t n = put(from, "client_secret=" SECRET, 2);
		for (size_t i = 1; i < n; i += 2)
			p->p[from + i] = 0;
		p->p[from + n] = p->p[from + n + 1] = 0;
		assert_true(finds(VALUE_PASSWORD, SECRET));
	}
}

static void over_edges_of_windows(void **state)
{
	(void)state;
	for (size_t before = 0; before < 400; before += 28) {
		plant_done(p);
		p = plant_new();
		put(WINDOW_SIZE - before, "xxxxxxxx Authorization: Bearer " TOKEN " yyyyyyyy", 4);
		assert_true(finds(VALUE_BEARER, TOKEN));
	}
}

/* Longer than what is made narrow at once. */
static void in_long_texts(void **state)
{
	(void)state;
	enum { LONG = 300000, STEP = 1022 };
	for (size_t i = 0; i < LONG; i += 2)
		p->p[4096 + i] = i % 14 ? 'a' + (uint8_t)(i % 26) : ' ';
	for (size_t i = STEP; i + 512 < LONG; i += 64 * STEP) {
		put(4096 + i, " password='" SECRET "' ", 2);
		assert_true(finds(VALUE_PASSWORD, SECRET));
	}
}

static void keys(void **state)
{
	(void)state;
	put(4096, "{\"kty\":\"oct\",\"k\":\"bV9TcXd3M2tYbHpQMkRfNm1JVk5oQ0ZyT1BqS2c0VzE\"}", 2);
	assert_true(finds(VALUE_HMAC_KEY, "m_Sqww3kXlzP2D_6mIVNhCFrOPjKg4W1"));
}

static void no_text(void **state)
{
	(void)state;
	/* small numbers of 32 bits, as long as text is */
	for (size_t i = 0; i < 4096; i++)
		p->p[4096 + 4 * i] = (uint8_t)(i % 128);
	put(64 * 1024, "a word, and no secrets: Bearer of news", 2);
	/* narrow: that is another finder's */
	put(128 * 1024, "Authorization: Bearer " TOKEN, 1);
	plant_run(p, finder_wide_new);
	assert_int_equal(values_count(p->hunt.values), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(at_any_place, fresh, gone),
		cmocka_unit_test_setup_teardown(with_neighbours, fresh, gone),
		cmocka_unit_test_setup_teardown(over_edges_of_windows, fresh, gone),
		cmocka_unit_test_setup_teardown(in_long_texts, fresh, gone),
		cmocka_unit_test_setup_teardown(keys, fresh, gone),
		cmocka_unit_test_setup_teardown(no_text, fresh, gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
