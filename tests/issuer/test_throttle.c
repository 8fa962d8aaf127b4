/* Guessing is slowed down, for each who could be guessing, more after each failure, and never for
 * ever; the owner's own browser is counted apart; an address is what a front of ours says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules.h"

static const uint8_t key[MAC_KEY_SIZE] = { 1, 2, 3 }, other_key[MAC_KEY_SIZE] = { 4 };
static const uint64_t second = 1000000000;
static struct throttle t;

static int fresh(void **state)
{
	(void)state;
	t = (struct throttle){ 0 };
	return 0;
}

static struct throttle_try one(const char *name)
{
	return (struct throttle_try){
		.who = throttle_who(key, LIT("name"), LIT("home"), str_from_c(name)),
		.rule = &throttle_account,
		.clears = true,
	};
}

/* The seconds to wait instead; 0: it tried, and failed. */
static uint32_t fails(struct throttle_try who, uint64_t now)
{
	uint32_t wait = throttle_begin(&t, &who, now);
	if (wait == 0)
		(void)throttle_end(&t, &who, false, now);
	return wait;
}

static void each_wait_is_longer(void **state)
{
	static const uint32_t waits[] = { 30, 60, 120, 240, 480, 900, 900 };
	(void)state;
	uint64_t now = 100 * second;
	struct throttle_try alice = one("alice"), bob = one("bob");
	for (int i = 0; i < THROTTLE_TRIES; i++)
		assert_int_equal(fails(alice, now), 0);
	for (size_t i = 0; i < COUNT_OF(waits); i++) {
		assert_int_equal(fails(alice, now), waits[i]);
		/* asking in vain makes it no longer */
		assert_int_equal(fails(alice, now + second), waits[i] - 1);
		now += waits[i] * second;
		assert_int_equal(fails(alice, now - 1), 1);
		/* one failure was forgotten meanwhile, where it was long */
		assert_int_equal(fails(alice, now), 0);
		if (waits[i] >= 900)
			break;
	}
	assert_int_equal(fails(bob, now), 0);
	/* and all of it is after a while */
	now += 24 * 3600 * second;
	for (int i = 0; i < THROTTLE_TRIES; i++)
		assert_int_equal(fails(alice, now), 0);
	assert_int_equal(fails(alice, now), 30);
}

static void a_right_one_clears(void **state)
{
	(void)state;
	uint64_t now = 100 * second;
	struct throttle_try alice = one("alice");
	for (int i = 0; i < THROTTLE_TRIES - 1; i++)
		assert_int_equal(fails(alice, now), 0);
	assert_int_equal(throttle_begin(&t, &alice, now), 0);
	assert_int_equal(throttle_end(&t, &alice, true, now), 0);
	for (int i = 0; i < THROTTLE_TRIES; i++)
		assert_int_equal(fails(alice, now), 0);
	assert_int_equal(fails(alice, now), 30);
}

/* Whoever has an account of his own does not clear what his address did to others. */
static void but_not_an_address(void **state)
{
	(void)state;
	uint64_t now = 100 * second;
	struct throttle_try a = { throttle_who(key, LIT("address"), LIT("home"), LIT("192.0.2.1")),
				  &throttle_address, false };
	for (int i = 0; i < 99; i++)
		assert_int_equal(fails(a, now), 0);
	assert_int_equal(throttle_begin(&t, &a, now), 0);
	(void)throttle_end(&t, &a, true, now);
	assert_int_equal(fails(a, now), 0);
	assert_int_equal(fails(a, now), 10);
}

static void those_under_way_count(void **state)
{
	(void)state;
	uint64_t now = 100 * second;
	struct throttle_try alice = one("alice");
	/* many windows of one who never fails */
	for (int i = 0; i < 3 * THROTTLE_TRIES; i++)
		assert_int_equal(throttle_begin(&t, &alice, now), 0);
	for (int i = 0; i < 3 * THROTTLE_TRIES; i++)
		throttle_drop(&t, alice.who);
	assert_int_equal(fails(alice, now), 0);
	for (int i = 1; i < THROTTLE_TRIES; i++)
		assert_int_equal(throttle_begin(&t, &alice, now), 0);
	assert_int_equal(throttle_begin(&t, &alice, now), 1);
	throttle_drop(&t, alice.who);
	assert_int_equal(throttle_begin(&t, &alice, now), 0);
}

static void names_as_the_store_compares_them(void **state)
{
	(void)state;
	assert_true(one("Alice@Home.Test").who == one("alice@home.test").who);
	assert_true(one("alice").who != one("alicf").who);
	assert_true(throttle_who(key, LIT("name"), LIT("corp"), LIT("alice")) != one("alice").who);
	assert_true(throttle_who(key, LIT("browser"), LIT("home"), LIT("alice")) !=
		    one("alice").who);
	assert_true(one("").who != 0);
}

/* Others who fail once each do not make room for one who failed often. */
static void a_flood_of_names_frees_nobody(void **state)
{
	(void)state;
	uint64_t now = 100 * second;
	struct throttle_try alice = one("alice");
	char name[8] = { 0 };
	for (int i = 0; i < THROTTLE_TRIES; i++)
		assert_int_equal(fails(alice, now), 0);
	for (unsigned i = 0; i < 20000; i++) {
		for (size_t k = 0; k < 5; k++)
			name[k] = (char)('a' + (i >> (4 * k) & 15));
		(void)fails(one(name), now);
	}
	assert_int_equal(fails(alice, now), 30);
}

static void known_browsers(void **state)
{
	char text[KNOWN_SIZE], again[KNOWN_SIZE];
	struct wr w = wr_of(text, sizeof(text)), v = wr_of(again, sizeof(again));
	const str value = { text, sizeof(text) };
	(void)state;
	known_write(key, LIT("home"), LIT("alice@home.test"), &w);
	assert_true(w.n == KNOWN_SIZE && !w.full);
	known_write(key, LIT("home"), LIT("alice@home.test"), &v);
	assert_memory_not_equal(text, again, sizeof(text));
	assert_true(known_ok(key, LIT("home"), LIT("Alice@HOME.test"), value));
	assert_false(known_ok(key, LIT("home"), LIT("bob@home.test"), value));
	assert_false(known_ok(key, LIT("corp"), LIT("alice@home.test"), value));
	assert_false(known_ok(other_key, LIT("home"), LIT("alice@home.test"), value));
	for (size_t n = 0; n < sizeof(text); n++)
		assert_false(
			known_ok(key, LIT("home"), LIT("alice@home.test"), str_sub(value, 0, n)));
	for (size_t i = 0; i < sizeof(text); i++) {
		char was = text[i];
		text[i] = was == 'A' ? 'B' : 'A';
		assert_false(known_ok(key, LIT("home"), LIT("alice@home.test"), value));
		text[i] = was;
	}
}

static void fronts(void **state)
{
	static const struct {
		const char *peer, *forwarded, *want;
	} cases[] = {
		{ "10.0.0.1", "", "-" },
		{ "10.0.0.1", "192.0.2.7", "192.0.2.7" },
		{ "10.0.0.1", "198.51.100.1, 192.0.2.7", "192.0.2.7" },
		/* through two of ours */
		{ "10.0.0.1", "192.0.2.7 ,\t10.0.0.2", "192.0.2.7" },
		{ "10.0.0.1", "10.0.0.2,10.0.0.1", "-" },
		{ "10.0.0.1", "192.0.2.7, unknown", "-" },
		{ "10.0.0.1", "192.0.2.7:1234", "-" },
		{ "10.0.0.1", ",", "-" },
		{ "10.0.0.1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::" },
		/* whoever is no front says nothing of others */
		{ "192.0.2.9", "198.51.100.1", "192.0.2.9" },
		{ "127.0.0.1", "198.51.100.1", "-" },
		{ "::1", "", "-" },
		{ "2001:db8:a:b:c::1", "", "2001:db8:a:b::" },
	};
	const struct issuer_config c = { .n_fronts = 2,
					 .fronts = { LIT("10.0.0.1"), LIT("10.0.0.2") } };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char text[64];
		struct wr w = wr_of(text, sizeof(text));
		struct address peer;
		assert_true(address_of(str_from_c(cases[i].peer), &peer));
		struct address a = front_client(&c, &peer, str_from_c(cases[i].forwarded));
		address_print(&w, &a);
		assert_true(str_eq(wr_text(&w), str_from_c(cases[i].want)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_wait_is_longer, fresh),
		cmocka_unit_test_setup(a_right_one_clears, fresh),
		cmocka_unit_test_setup(but_not_an_address, fresh),
		cmocka_unit_test_setup(those_under_way_count, fresh),
		cmocka_unit_test_setup(names_as_the_store_compares_them, fresh),
		cmocka_unit_test_setup(a_flood_of_names_frees_nobody, fresh),
		cmocka_unit_test(known_browsers),
		cmocka_unit_test(fronts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
