/* The limit on junk, by a clock that the test makes up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "junk.h"

enum { COST = 60, BURST = 6000, PER_S = 1000 };

static const uint64_t second = 1000000000;
static struct junk junk;

static int begin(void **state)
{
	(void)state;
	junk_init(&junk, &(struct junk_limits){ BURST, PER_S });
	return 0;
}

static struct address of(const char *text)
{
	struct address a;
	assert_true(address_of(str_from_c(text), &a));
	return a;
}

static struct address of_number(uint32_t n)
{
	struct address a = { .family = 4 };
	for (size_t i = 0; i < 4; i++)
		a.ip[i] = (uint8_t)(n >> (24 - 8 * i));
	return a;
}

/* Checks that are allowed, one after another at one moment, at most `most`. */
static unsigned spend(const struct address *a, unsigned most, uint64_t now)
{
	unsigned n = 0;
	while (n < most && junk_allowed(&junk, a, now)) {
		junk_charge(&junk, a, COST, now);
		n++;
	}
	return n;
}

static void test_burst_and_refill(void **state)
{
	struct address a = of("192.0.2.1");
	(void)state;
	assert_int_equal(spend(&a, 1000, second), BURST / COST);
	assert_false(junk_allowed(&junk, &a, second));
	assert_int_equal(junk.counts.refused, 2);
	assert_int_equal(junk.counts.limited, 1);
	assert_int_equal(junk.counts.charged, BURST / COST);
	/* what a second forgives is what a second allows */
	assert_in_range(spend(&a, 1000, 2 * second), PER_S / COST, PER_S / COST + 1);
	assert_false(junk_allowed(&junk, &a, 2 * second));
	/* and after long silence it is the burst again, no more */
	assert_int_equal(spend(&a, 1000, 10000 * second), BURST / COST);
}

static void test_nobody_else_is_touched(void **state)
{
	struct address a = of("192.0.2.1"), b = of("192.0.2.2"), c = of("2001:db8::1"),
		       d = of("2001:db8::ffff:1"), e = of("2001:db8:0:1::1"), none = { 0 };
	(void)state;
	(void)spend(&a, 1000, second);
	(void)spend(&c, 1000, second);
	assert_true(junk_allowed(&junk, &b, second));
	assert_false(junk_allowed(&junk, &d, second)); /* the same /64 */
	assert_true(junk_allowed(&junk, &e, second));
	assert_true(junk_allowed(&junk, &none, second));
	(void)spend(&none, 1000, second);
	assert_false(junk_allowed(&junk, &none, second)); /* the unknown are one */
}

/* Who sends good tokens is never charged, so asking costs nothing. */
static void test_asking_is_free(void **state)
{
	struct address a = of("192.0.2.1");
	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		assert_true(junk_allowed(&junk, &a, second));
	assert_int_equal(junk.counts.charged, 0);
}

static void test_one_dear_check(void **state)
{
	struct address a = of("192.0.2.1");
	(void)state;
	junk_charge(&junk, &a, UINT32_MAX, second);
	assert_false(junk_allowed(&junk, &a, second));
	/* two bursts are owed, and one of them may be */
	uint64_t wait = BURST / PER_S + 1;
	assert_true(junk_allowed(&junk, &a, second + wait * second));
}

static void test_a_clock_that_stands(void **state)
{
	struct address a = of("192.0.2.1");
	(void)state;
	(void)spend(&a, 1000, 5 * second);
	assert_false(junk_allowed(&junk, &a, 5 * second));
	assert_false(junk_allowed(&junk, &a, 4 * second)); /* nor one that goes back */
}

/* A loud one stays known however many quiet ones come: 200,000 addresses, one bad token
 * each, more than the table has room for. */
static void test_many_quiet_ones(void **state)
{
	struct address loud = of("203.0.113.9");
	(void)state;
	(void)spend(&loud, 1000, second);
	for (uint32_t i = 0; i < 200000; i++) {
		struct address quiet = of_number(0x0a000000 + i);
		junk_charge(&junk, &quiet, COST, second);
	}
	assert_true(junk.counts.evicted > 100000);
	assert_false(junk_allowed(&junk, &loud, second));
}

/* What it takes to make the gate forget one: as much junk again, from eight clients or more of
 * its own set, and nobody outside knows who that is. */
static void test_price_of_forgetting(void **state)
{
	struct address loud = of("203.0.113.9");
	uint64_t paid = 0;
	(void)state;
	(void)spend(&loud, 1000, second);
	for (uint32_t i = 0; !junk_allowed(&junk, &loud, second) && i < 100000; i++) {
		struct address other = of_number(0x0b000000 + i);
		/* a little louder than the loud one */
		for (unsigned k = 0; k < BURST / COST + 1; k++, paid += COST)
			junk_charge(&junk, &other, COST, second);
	}
	/* on average 512 × 8 / … clients: hundreds of times the cost of one */
	assert_true(paid > 200 * (uint64_t)BURST);
}

static void test_defaults(void **state)
{
	struct address a = of("192.0.2.1");
	(void)state;
	junk_init(&junk, &(struct junk_limits){ 0 });
	assert_int_equal(spend(&a, 100000, second), (100000 + COST - 1) / COST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_burst_and_refill, begin),
		cmocka_unit_test_setup(test_nobody_else_is_touched, begin),
		cmocka_unit_test_setup(test_asking_is_free, begin),
		cmocka_unit_test_setup(test_one_dear_check, begin),
		cmocka_unit_test_setup(test_a_clock_that_stands, begin),
		cmocka_unit_test_setup(test_many_quiet_ones, begin),
		cmocka_unit_test_setup(test_price_of_forgetting, begin),
		cmocka_unit_test_setup(test_defaults, begin),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
