/* Which clock is asked: one that stands still while a machine sleeps would keep old keys young. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

int __wrap_clock_gettime(clockid_t id, struct timespec *t);

int __wrap_clock_gettime(clockid_t id, struct timespec *t)
{
	*t = (struct timespec){ .tv_sec = id == CLOCK_REALTIME   ? 1700000000
					  : id == CLOCK_BOOTTIME ? 4000
								 : 1000,
				.tv_nsec = 5000006 };
	return 0;
}

static void each_its_own(void **state)
{
	(void)state;
	assert_int_equal(clock_unix_s(), 1700000000);
	assert_int_equal(clock_unix_ms(), INT64_C(1700000000005));
	assert_int_equal(clock_mono_ns(), UINT64_C(4000005000006));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_its_own) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
