/* The text format, line by line; tests/gate/check_metrics.py judges whole answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/prometheus.h"

static uint8_t room[4096];

static void test_samples(void **state)
{
	struct wr w = wr_of(room, sizeof(room));
	const struct prom p = { &w, LIT("x_") };
	const struct prom_label l[] = { { "a", LIT("b\\c\"d\ne") }, { "f", LIT("") } };
	(void)state;
	prom_one(&p, LIT("n_total"), "counter", "Help.", 3);
	prom_u64(&p, LIT("m"), (struct prom_labels){ l, 2 }, UINT64_MAX);
	prom_i64(&p, LIT("m"), PROM_NONE, -1);
	prom_i64(&p, LIT("m"), PROM_NONE, INT64_MIN);
	assert_true(
		str_eq(wr_text(&w), LIT("# HELP x_n_total Help.\n"
					"# TYPE x_n_total counter\n"
					"x_n_total 3\n"
					"x_m{a=\"b\\\\c\\\"d\\ne\",f=\"\"} 18446744073709551615\n"
					"x_m -1\n"
					"x_m -9223372036854775808\n")));
}

static void test_times(void **state)
{
	static const uint64_t ns[] = { 1000, 2000 };
	static const char *const text[] = { "1e-06", "2e-06" };
	static const struct prom_bounds b = { ns, text, 2 };
	struct prom_times t = { 0 };
	struct wr w = wr_of(room, sizeof(room));
	const struct prom p = { &w, LIT("x_") };
	const struct prom_label l = { "at", LIT("y") };
	(void)state;
	prom_time(&t, &b, 0);
	prom_time(&t, &b, 1000);
	prom_time(&t, &b, 1001);
	prom_time(&t, &b, 5000000000);
	prom_times_write(&p, LIT("s"), (struct prom_labels){ &l, 1 }, &b, &t);
	assert_true(str_eq(wr_text(&w), LIT("x_s_bucket{at=\"y\",le=\"1e-06\"} 2\n"
					    "x_s_bucket{at=\"y\",le=\"2e-06\"} 3\n"
					    "x_s_bucket{at=\"y\",le=\"+Inf\"} 4\n"
					    "x_s_sum{at=\"y\"} 5.000002001\n"
					    "x_s_count{at=\"y\"} 4\n")));
}

static void test_no_room(void **state)
{
	struct wr w = wr_of(room, 20);
	const struct prom p = { &w, LIT("x_") };
	(void)state;
	prom_one(&p, LIT("n_total"), "counter", "Help.", 3);
	assert_true(w.full && w.n <= 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_no_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
