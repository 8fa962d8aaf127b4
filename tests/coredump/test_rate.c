/* How often a program and its user may crash with a dump. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "coredump_internal.h"

static const struct dump_limits limits = { .crashes = 3, .per_s = 60 };

static void test_window(void **unused)
{
	(void)unused;
	static struct rate_table t;
	const struct culprit who = { 1000, 1, 2 };
	for (int i = 0; i < 3; i++)
		assert_int_equal(rate_count(&t, &who, &limits, 100 + i), RATE_GO);
	assert_int_equal(rate_count(&t, &who, &limits, 110), RATE_FIRST_TOO_MANY);
	assert_int_equal(rate_count(&t, &who, &limits, 111), RATE_TOO_MANY);
	assert_int_equal(rate_count(&t, &who, &limits, 159), RATE_TOO_MANY);
	assert_int_equal(rate_count(&t, &who, &limits, 160), RATE_GO);
}

static void test_others_go_on(void **unused)
{
	(void)unused;
	static struct rate_table t;
	const struct culprit one = { 1000, 1, 2 }, other_program = { 1000, 1, 3 },
			     other_user = { 1001, 1, 2 };
	for (int i = 0; i < 5; i++)
		(void)rate_count(&t, &one, &limits, 100);
	assert_int_equal(rate_count(&t, &other_program, &limits, 100), RATE_GO);
	assert_int_equal(rate_count(&t, &other_user, &limits, 100), RATE_GO);
}

/* Copies of a program under other names do not help a user. */
static void test_many_programs(void **unused)
{
	(void)unused;
	static struct rate_table t;
	size_t gone = 0;
	for (uint64_t inode = 1; inode <= 1000; inode++) {
		const struct culprit who = { 1000, 1, inode };
		gone += rate_count(&t, &who, &limits, 100) == RATE_GO;
	}
	assert_int_equal(gone, limits.crashes * RATE_UID_FACTOR);
	const struct culprit other = { 7, 1, 1 };
	assert_int_equal(rate_count(&t, &other, &limits, 100), RATE_GO);
}

/* A clock that was set back must not shut somebody out for long. */
static void test_clock_back(void **unused)
{
	(void)unused;
	static struct rate_table t;
	const struct culprit who = { 1000, 1, 2 };
	for (int i = 0; i < 5; i++)
		(void)rate_count(&t, &who, &limits, 100000);
	assert_int_equal(rate_count(&t, &who, &limits, 500), RATE_GO);
}

static void test_file(void **unused)
{
	(void)unused;
	char name[] = "/tmp/chancery-rate-XXXXXX";
	const struct culprit who = { 1000, 1, 2 };
	enum rate_answer answer = RATE_TOO_MANY;
	assert_non_null(mkdtemp(name));
	int dir = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 3; i++) {
		assert_false(failed(rate_ask(dir, &who, &limits, &answer)));
		assert_int_equal(answer, RATE_GO);
	}
	assert_false(failed(rate_ask(dir, &who, &limits, &answer)));
	assert_int_equal(answer, RATE_FIRST_TOO_MANY);
	/* damaged: counts as empty */
	assert_false(failed(file_replace(dir, DUMP_FILE_RATES, bytes_of_str(LIT("x")), 0600)));
	assert_false(failed(rate_ask(dir, &who, &limits, &answer)));
	assert_int_equal(answer, RATE_GO);
	(void)close(dir);
	assert_false(failed(dir_remove(AT_FDCWD, name)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window),        cmocka_unit_test(test_others_go_on),
		cmocka_unit_test(test_many_programs), cmocka_unit_test(test_clock_back),
		cmocka_unit_test(test_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
