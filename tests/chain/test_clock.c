/* Retention, and a clock that leaps: what is kept for days is not erased since a clock was wrong. */
#include "kit.h"

enum { HOUR_MS = 3600 * 1000, KEEP_DAYS = 30 };
#define DAY_MS ((int64_t)24 * HOUR_MS)

static int64_t mono_ms = 1000000; /* the clock that never leaps */

uint64_t __wrap_clock_mono_ns(void);
uint64_t __wrap_clock_mono_ns(void)
{
	return (uint64_t)mono_ms * 1000000;
}

static struct chain chain;

static void open_at(int64_t now_ms)
{
	struct chain_opened o;
	struct chain_config config = kit_config();
	config.limits.keep_ms = KEEP_DAYS * DAY_MS;
	assert_false(failed(chain_open(&chain, &config, now_ms, &o)));
}

static void go_on(int64_t *now_ms, int64_t ms)
{
	*now_ms += ms;
	mono_ms += ms;
	assert_false(failed(chain_add(&chain, 1, *now_ms, bytes_of_str(LIT("record")))));
	assert_false(failed(chain_write(&chain, *now_ms, CHAIN_LATER)));
	assert_false(failed(chain_tidy(&chain, *now_ms)));
}

static uint64_t segments(void)
{
	struct chain_report report;
	assert_int_equal(kit_verify(&report), CH_OK);
	return report.segments;
}

static int64_t sixty_days(void)
{
	int64_t now_ms = NOW_MS;
	open_at(now_ms);
	for (int i = 0; i < 60; i++)
		go_on(&now_ms, DAY_MS);
	assert_in_range(segments(), KEEP_DAYS, KEEP_DAYS + 2);
	assert_false(chain_is_wary(&chain));
	return now_ms;
}

static void test_a_leap_while_it_is_open(void **state)
{
	(void)state;
	int64_t now_ms = sixty_days();
	uint64_t had = segments();
	now_ms += 3650 * DAY_MS;
	go_on(&now_ms, HOUR_MS);
	assert_true(chain_is_wary(&chain));
	go_on(&now_ms, HOUR_MS);
	assert_true(segments() >= had);
	/* put right in time: as if it had not been */
	now_ms -= 3650 * DAY_MS;
	for (int i = 0; i < 60; i++)
		go_on(&now_ms, DAY_MS);
	assert_in_range(segments(), KEEP_DAYS - 1, KEEP_DAYS + 3);
	/* it stays: then that is the time */
	now_ms += 3650 * DAY_MS;
	for (int i = 0; i < 3; i++)
		go_on(&now_ms, DAY_MS);
	assert_true(segments() < 6);
	chain_close(&chain);
}

static void test_a_leap_while_it_is_shut(void **state)
{
	(void)state;
	int64_t now_ms = sixty_days();
	uint64_t had = segments();
	chain_close(&chain);
	now_ms += 3650 * DAY_MS;
	open_at(now_ms);
	assert_true(chain_is_wary(&chain));
	go_on(&now_ms, HOUR_MS);
	assert_true(segments() >= had);
	/* a start anew does not make it right: the leap lies between the last two segments */
	chain_close(&chain);
	open_at(now_ms);
	assert_true(chain_is_wary(&chain));
	go_on(&now_ms, HOUR_MS);
	assert_true(segments() >= had);
	go_on(&now_ms, DAY_MS);
	assert_false(chain_is_wary(&chain));
	assert_true(segments() < 6);
	chain_close(&chain);
}

static void test_a_night_off_is_no_leap(void **state)
{
	(void)state;
	int64_t now_ms = sixty_days();
	for (int i = 0; i < 5; i++) {
		chain_close(&chain);
		now_ms += DAY_MS;
		open_at(now_ms);
		assert_false(chain_is_wary(&chain));
		go_on(&now_ms, HOUR_MS);
	}
	assert_in_range(segments(), KEEP_DAYS - 1, KEEP_DAYS + 3);
	chain_close(&chain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kit_test(test_a_leap_while_it_is_open),
		kit_test(test_a_leap_while_it_is_shut),
		kit_test(test_a_night_off_is_no_leap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
