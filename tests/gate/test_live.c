/* The live set against a naive one: what was added is there until the floor, nothing else is;
 * it grows and shrinks with what lives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/hash.h"
#include "live.h"

enum { TOKENS = 20000, T0 = 1795400000, TTL = 3600 };

static struct token {
	uint8_t id[LIVE_ID_SIZE];
	int64_t exp_s;
	bool in;
} tokens[TOKENS];

/* Always the same numbers: a failure comes again. */
static uint64_t state;
static uint64_t next_number(void)
{
	state += UINT64_C(0x9e3779b97f4a7c15);
	uint64_t z = (state ^ state >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void make_tokens(void)
{
	state = 7;
	for (uint64_t i = 0; i < TOKENS; i++) {
		sha256((bytes){ (const uint8_t *)&i, sizeof(i) }, tokens[i].id);
		tokens[i].exp_s = T0 + (int64_t)(next_number() % TTL);
		tokens[i].in = false;
	}
}

static bool has(const struct live *l, const struct token *t)
{
	struct live_print p = live_print_of(l, t->id, t->exp_s);
	return live_has(l, &p);
}

static void add(struct live *l, struct token *t)
{
	struct live_print p = live_print_of(l, t->id, t->exp_s);
	assert_false(failed(live_add(l, &p)));
	t->in = true;
}

/* What expires behind the floor is there exactly when it was added; before it, never when it
 * was not. */
static void compare(const struct live *l)
{
	for (size_t i = 0; i < TOKENS; i++) {
		const struct token *t = &tokens[i];
		if (t->exp_s > live_floor(l))
			assert_int_equal(has(l, t), t->in);
		else if (!t->in)
			assert_false(has(l, t));
	}
}

static void test_as_a_naive_set(void **unused)
{
	(void)unused;
	struct live *l = NULL;
	assert_false(failed(live_new(TOKENS, &l)));
	make_tokens();
	compare(l);
	for (size_t round = 0; round < 60; round++) {
		for (size_t i = 0; i < 400; i++) {
			struct token *t = &tokens[next_number() % TOKENS];
			if (t->exp_s > live_floor(l))
				add(l, t);
		}
		if (round % 3 == 2)
			live_forget(l, T0 + (int64_t)(round * TTL / 60));
		compare(l);
	}
	live_free(l);
}

static void test_only_with_its_own_expiry(void **unused)
{
	(void)unused;
	struct live *l = NULL;
	assert_false(failed(live_new(TOKENS, &l)));
	make_tokens();
	add(l, &tokens[0]);
	struct live_print p =
		live_print_of(l, tokens[0].id, tokens[0].exp_s + (int64_t)LIVE_WINDOW_S);
	assert_false(live_has(l, &p));
	live_free(l);
}

static void test_grows_and_shrinks(void **unused)
{
	(void)unused;
	struct live *l = NULL;
	assert_false(failed(live_new(TOKENS, &l)));
	make_tokens();
	uint64_t empty = live_bytes(l), full = 0;
	for (size_t i = 0; i < TOKENS; i++) {
		tokens[i].exp_s = T0 + (int64_t)(i % 64);
		add(l, &tokens[i]);
		add(l, &tokens[i]);
	}
	full = live_bytes(l);
	assert_int_equal(live_count(l), TOKENS);
	assert_in_range(full / TOKENS, 16, 32);
	live_forget(l, T0 + 31);
	assert_in_range(live_count(l), TOKENS / 2, TOKENS * 5 / 8);
	assert_in_range(live_bytes(l), empty, full * 2 / 3);
	compare(l);
	live_forget(l, T0 + 1000);
	assert_int_equal(live_count(l), 0);
	assert_int_equal(live_bytes(l), empty);
	live_free(l);
}

static void test_the_floor_never_sinks(void **unused)
{
	(void)unused;
	struct live *l = NULL;
	assert_false(failed(live_new(TOKENS, &l)));
	make_tokens();
	live_forget(l, T0 + 100);
	live_forget(l, T0 + 50);
	assert_int_equal(live_floor(l), T0 + 100);
	tokens[0].exp_s = T0 + 100;
	add(l, &tokens[0]);
	assert_int_equal(live_count(l), 0);
	live_clear(l);
	add(l, &tokens[0]);
	assert_true(has(l, &tokens[0]));
	live_free(l);
}

static void test_bounded(void **unused)
{
	(void)unused;
	struct live *l = NULL;
	assert_false(failed(live_new(10, &l)));
	make_tokens();
	for (size_t i = 0; i < 10; i++)
		add(l, &tokens[i]);
	struct live_print p = live_print_of(l, tokens[10].id, tokens[10].exp_s);
	assert_int_equal(ch_code_of(live_add(l, &p)), CH_E_LIMIT);
	add(l, &tokens[3]); /* is there */
	assert_int_equal(live_count(l), 10);
	live_free(l);
	live_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_a_naive_set),
		cmocka_unit_test(test_only_with_its_own_expiry),
		cmocka_unit_test(test_grows_and_shrinks),
		cmocka_unit_test(test_the_floor_never_sinks),
		cmocka_unit_test(test_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
