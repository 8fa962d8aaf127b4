/* A thread beside: jobs in order, one failure, an end at any time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "beside/beside.h"

static struct beside *beside;

struct sum {
	uint64_t next, of[4];
	bool fails;
};

static ch_err add(void *of, uint64_t job)
{
	struct sum *s = of;
	assert_true(job == s->next);
	s->next++;
	s->of[job % 4] += job;
	return s->fails && job == 2 ? ch_fail(CH_E_LIMIT, "as the test wants", job) : CH_DONE;
}

static void jobs_are_done_in_order(void **state)
{
	(void)state;
	struct sum s = { 0 };
	beside_begin(beside, add, &s);
	for (uint64_t i = 0; i < 1000; i++) {
		beside_give(beside);
		assert_false(failed(beside_wait(beside, i % 5)));
	}
	assert_false(failed(beside_wait(beside, 0)));
	assert_true(s.next == 1000 && s.of[0] + s.of[1] + s.of[2] + s.of[3] == 499500);
}

static void a_failed_job_is_the_last(void **state)
{
	(void)state;
	struct sum s = { .fails = true };
	beside_begin(beside, add, &s);
	for (unsigned i = 0; i < 20; i++)
		beside_give(beside);
	assert_int_equal(ch_code_of(beside_wait(beside, 0)), CH_E_LIMIT);
	assert_int_equal(s.next, 3);
	/* and forgotten when others begin */
	s = (struct sum){ 0 };
	beside_begin(beside, add, &s);
	beside_give(beside);
	assert_false(failed(beside_wait(beside, 0)));
}

static void it_ends_with_work_or_without(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		AUTO(beside_done) struct beside *b = NULL;
		struct sum s = { 0 };
		assert_false(failed(beside_new(&b)));
		beside_begin(b, add, &s);
		for (unsigned k = 0; k < i % 4; k++)
			beside_give(b);
		beside_done(&b);
		assert_true(s.next <= i % 4);
	}
}

static int fresh(void **state)
{
	(void)state;
	return failed(beside_new(&beside));
}

static int gone(void **state)
{
	(void)state;
	beside_done(&beside);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, fresh, gone)
		T(jobs_are_done_in_order),
		T(a_failed_job_is_the_last),
		T(it_ends_with_work_or_without),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
