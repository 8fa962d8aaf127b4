/* A former core_pattern, expanded as the kernel does: what core(5) and fs/coredump.c say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "former.h"

static struct former_facts facts(void)
{
	return (struct former_facts){ .pid = 4711,
				      .pid_inside = 7,
				      .tid = 4712,
				      .tid_inside = 8,
				      .uid = 1000,
				      .gid = 1001,
				      .dumpable = 2,
				      .signal = 11,
				      .time_s = 1790000000,
				      .core_limit = UINT64_MAX,
				      .cpu = 3,
				      .host = LIT("host"),
				      .comm = LIT("a thread/x"),
				      .executable = LIT("/usr/bin/my prog") };
}

static struct former_command command;

static void becomes_of(const struct former_facts *f, const char *pattern, const char *const *args)
{
	size_t n = 0;
	assert_false(failed(former_expand(str_from_c(pattern), f, &command)));
	for (; args[n]; n++) {
		assert_true(n < command.n);
		assert_string_equal(command.argv[n], args[n]);
	}
	assert_int_equal(command.n, n);
	assert_null(command.argv[n]);
}

#define BECOMES(pattern, ...) becomes_of(&f, pattern, (const char *const[]){ __VA_ARGS__, NULL })

static void every_specifier(void **state)
{
	(void)state;
	struct former_facts f = facts();
	BECOMES("|/h %P %p %I %i", "/h", "4711", "7", "4712", "8");
	BECOMES("|/h %u %g %d %s %t", "/h", "1000", "1001", "2", "11", "1790000000");
	BECOMES("|/h %c %C %h", "/h", "18446744073709551615", "3", "host");
	BECOMES("|/h %e %f %E", "/h", "a thread!x", "my prog", "!usr!bin!my prog");
	assert_false(command.wants_pidfd);
	BECOMES("|/h %F", "/h", "3");
	assert_true(command.wants_pidfd);
	BECOMES("|/usr/lib/systemd/systemd-coredump %P %u %g %s %t 9223372036854775808 %h %d",
		"/usr/lib/systemd/systemd-coredump", "4711", "1000", "1001", "11", "1790000000",
		"9223372036854775808", "host", "2");
}

static void odd_patterns(void **state)
{
	(void)state;
	struct former_facts f = facts();
	BECOMES("|  /h\t a  %p%u-%%x ", "/h", "a", "71000-%x");
	BECOMES("|/h %", "/h", "");
	BECOMES("|/h a%Zb", "/h", "ab");
	BECOMES("|/h a% b", "/h", "ab"); /* the blank is what is specified */
}

/* A name is never a path, and never nothing. */
static void names_that_lie(void **state)
{
	(void)state;
	struct former_facts f = facts();
	f.comm = LIT("..");
	f.host = LIT(".");
	f.executable = LIT("");
	BECOMES("|/h %e %h", "/h", "!.", "!");
	BECOMES("|/h %f", "/h", "!. (path unknown)");
	f.comm = LIT("");
	f.host = LIT("../../etc");
	BECOMES("|/h x%ey %h", "/h", "x!y", "..!..!etc");
	f.executable = LIT("/x/");
	BECOMES("|/h %f", "/h", "!");
}

static void no_program(void **state)
{
	(void)state;
	const struct former_facts f = facts();
	static const char *const bad[] = { "", "core", "@/s", "@@/s", "|", "| ", "|h %P", "|%E" };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(ch_code_of(former_expand(str_from_c(bad[i]), &f, &command)),
				 CH_E_UNSUPPORTED);
}

/* The longest pattern, of many words and of long names: all of it or nothing. */
static void bounds(void **state)
{
	(void)state;
	struct former_facts f = facts();
	char pattern[CORE_PATTERN_MAX + 1], name[4096];
	memset(pattern, ' ', sizeof(pattern));
	pattern[0] = '|';
	pattern[1] = '/';
	for (size_t i = 3; i < CORE_PATTERN_MAX; i += 2)
		pattern[i] = 'x';
	assert_false(failed(former_expand((str){ pattern, CORE_PATTERN_MAX }, &f, &command)));
	assert_int_equal(command.n, 63);
	memset(name, 'n', sizeof(name));
	f.executable = (str){ name, sizeof(name) };
	for (size_t i = 3; i + 2 < CORE_PATTERN_MAX; i += 3) {
		pattern[i] = '%';
		pattern[i + 1] = 'E';
		pattern[i + 2] = ' ';
	}
	assert_int_equal(
		ch_code_of(former_expand((str){ pattern, CORE_PATTERN_MAX }, &f, &command)),
		CH_E_FULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_specifier), cmocka_unit_test(odd_patterns),
		cmocka_unit_test(names_that_lie),  cmocka_unit_test(no_program),
		cmocka_unit_test(bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
