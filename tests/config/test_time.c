/* Dates: RFC 3339's own examples, both ways over four centuries, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/rw.h"
#include "time_internal.h"

static void dates(void **state)
{
	(void)state;
	const struct {
		str text;
		int64_t s;
	} good[] = {
		{ LIT("1970-01-01T00:00:00Z"), 0 },
		{ LIT("1970-01-01"), 0 },
		{ LIT("0"), 0 },
		{ LIT("1996-12-19T16:39:57-08:00"), 851042397 }, /* RFC 3339 section 5.8 */
		{ LIT("1996-12-20T00:39:57Z"), 851042397 },
		{ LIT("2000-02-29"), 951782400 },
		{ LIT("2026-11-22T15:00:00Z"), 1795359600 },
		{ LIT("1795359600"), 1795359600 },
		{ LIT("9999-12-31T23:59:59Z"), 253402300799 },
		{ LIT("253402300799"), 253402300799 },
	};
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		int64_t s = -1;
		assert_true(time_parse(good[i].text, &s));
		assert_int_equal(s, good[i].s);
		for (size_t n = 0; n < good[i].text.n; n++)
			(void)time_parse(str_sub(good[i].text, 0, n), &s);
	}
}

static void no_dates(void **state)
{
	(void)state;
	static const str bad[] = {
		{ "", 0 },
		{ "-1", 2 },
		{ "2026-1-1", 8 },
		{ "2026-13-01", 10 },
		{ "2026-00-01", 10 },
		{ "2026-02-29", 10 },
		{ "1900-02-29", 10 },
		{ "2026-04-31", 10 },
		{ "2026-11-22 15:00:00Z", 20 },
		{ "2026-11-22T15:00:00", 19 },
		{ "2026-11-22T24:00:00Z", 20 },
		{ "2026-11-22T15:60:00Z", 20 },
		{ "2026-11-22T15:00:60Z", 20 },
		{ "2026-11-22T15:00:00z", 20 },
		{ "2026-11-22T15:00:00.5Z", 22 },
		{ "2026-11-22T15:00:00+1:00", 24 },
		{ "2026-11-22T15:00:00Zx", 21 },
		{ "1969-12-31", 10 },
		{ "1970-01-01T00:00:00+00:01", 25 },
		{ "9999-12-31T23:59:59-00:01", 25 },
		{ "253402300800", 12 },
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		int64_t s = 77;
		assert_false(time_parse(bad[i], &s));
		assert_int_equal(s, 77);
	}
}

/* As the C library has it, a step of a day and a bit. */
static void both_ways(void **state)
{
	(void)state;
	for (int64_t s = 0; s < 253402300800; s += 86399 * 17 + 41) {
		uint8_t room[32];
		char expected[32];
		int64_t back = -1;
		time_t t = (time_t)s;
		struct tm tm;
		struct wr w = wr_of(room, sizeof(room));
		time_write(&w, s);
		assert_non_null(gmtime_r(&t, &tm));
		assert_int_equal(strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%SZ", &tm),
				 20);
		assert_true(str_eq(wr_text(&w), str_from_c(expected)));
		assert_true(time_parse(wr_text(&w), &back));
		assert_int_equal(back, s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates),
		cmocka_unit_test(no_dates),
		cmocka_unit_test(both_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
