/* Guessing is slowed down, for each username by itself, and never for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules.h"

static const uint8_t key[MAC_KEY_SIZE] = { 1, 2, 3 };
static const uint64_t second = 1000000000;
static struct throttle t;

static int fresh(void **state)
{
	(void)state;
	t = (struct throttle){ 0 };
	return 0;
}

static uint64_t who(const char *name)
{
	return throttle_who(key, LIT("home"), str_from_c(name));
}

static bool fails(uint64_t one, uint64_t now)
{
	bool may = throttle_begin(&t, one, now);
	if (may)
		(void)throttle_end(&t, one, false, now);
	return may;
}

static void ten_tries_then_one_each_half_minute(void **state)
{
	(void)state;
	uint64_t now = 100 * second, alice = who("alice"), bob = who("bob");
	for (int i = 0; i < THROTTLE_TRIES; i++)
		assert_true(fails(alice, now));
	assert_false(fails(alice, now));
	assert_false(fails(alice, now + 29 * second));
	assert_true(fails(bob, now));
	assert_true(fails(alice, now + 31 * second));
	assert_false(fails(alice, now + 32 * second));
	assert_true(fails(alice, now + 3600 * second));
	for (int i = 1; i < THROTTLE_TRIES; i++)
		assert_true(fails(alice, now + 3600 * second));
	assert_false(fails(alice, now + 3600 * second));
}

static void a_right_one_clears(void **state)
{
	(void)state;
	uint64_t now = 100 * second, alice = who("alice");
	for (int i = 0; i < THROTTLE_TRIES - 1; i++)
		assert_true(fails(alice, now));
	assert_true(throttle_begin(&t, alice, now));
	assert_false(throttle_end(&t, alice, true, now));
	for (int i = 0; i < THROTTLE_TRIES; i++)
		assert_true(fails(alice, now));
	assert_false(fails(alice, now));
}

static void those_under_way_count(void **state)
{
	(void)state;
	uint64_t now = 100 * second, alice = who("alice");
	/* many windows of one who never fails */
	for (int i = 0; i < 3 * THROTTLE_TRIES; i++)
		assert_true(throttle_begin(&t, alice, now));
	for (int i = 0; i < 3 * THROTTLE_TRIES; i++)
		throttle_drop(&t, alice);
	assert_true(fails(alice, now));
	for (int i = 1; i < THROTTLE_TRIES; i++)
		assert_true(throttle_begin(&t, alice, now));
	assert_false(throttle_begin(&t, alice, now));
	throttle_drop(&t, alice);
	assert_true(throttle_begin(&t, alice, now));
}

static void names_as_the_store_compares_them(void **state)
{
	(void)state;
	assert_true(who("Alice@Home.Test") == who("alice@home.test"));
	assert_true(who("alice") != who("alicf"));
	assert_true(throttle_who(key, LIT("corp"), LIT("alice")) != who("alice"));
	assert_true(who("") != 0);
}

/* Others who fail once each do not make room for one who failed often. */
static void a_flood_of_names_frees_nobody(void **state)
{
	(void)state;
	uint64_t now = 100 * second, alice = who("alice");
	char name[8] = { 0 };
	for (int i = 0; i < THROTTLE_TRIES; i++)
		assert_true(fails(alice, now));
	for (unsigned i = 0; i < 20000; i++) {
		for (size_t k = 0; k < 5; k++)
			name[k] = (char)('a' + (i >> (4 * k) & 15));
		(void)fails(who(name), now);
	}
	assert_false(fails(alice, now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(ten_tries_then_one_each_half_minute, fresh),
		cmocka_unit_test_setup(a_right_one_clears, fresh),
		cmocka_unit_test_setup(those_under_way_count, fresh),
		cmocka_unit_test_setup(names_as_the_store_compares_them, fresh),
		cmocka_unit_test_setup(a_flood_of_names_frees_nobody, fresh),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
