/* Paths that two programs could read as two places are refused, all others are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "target.h"

static void plain_paths(void **state)
{
	(void)state;
	static const char *const paths[] = {
		"/",
		"",
		"/files/x",
		"/files//x",
		"/.well-known/x",
		"/a.b",
		"/..a",
		"/a..",
		"/...",
		"/%41",
		"/a%2fb",
		"/a;b=c",
		"/;.",
		"/%e2%82%ac",
		"/a%20b",
		"/100%25",
		"/%252e%252e/",
		"/a;/b",
		"/x/.a/..b/c.",
		"/~u/-_",
	};
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (!target_is_plain(str_from_c(paths[i])))
			fail_msg("%s", paths[i]);
}

static void paths_of_two_places(void **state)
{
	(void)state;
	static const char *const paths[] = {
		"/files/../admin",
		"/..",
		"/.",
		"..",
		".",
		"/a/./b",
		"/a/.",
		"/a/..",
		"/files/..%2fadmin/",
		"/a%2f..%2fb",
		"/%2e%2e/",
		"/.%2E/a",
		"/%2e/",
		"/a/..\\b",
		"/a/..%5cb",
		"/a\\..",
		"/files/..;/x",
		"/a/..;p=1/b",
		"/a/.;",
		"/a/%2e%2e%3b/x",
		"/a%00",
		"/a%0d%0ab",
		"/a%7f",
		"/a%",
		"/a%2",
		"/a%zz",
		"/a%2/b",
		"/a%0g",
	};
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (target_is_plain(str_from_c(paths[i])))
			fail_msg("%s", paths[i]);
}

/* Nothing behind the end is looked at. */
static void cut_escapes(void **state)
{
	(void)state;
	static const char path[] = "/a/%41%42;c%2F";
	for (size_t n = 0; n < sizeof(path) - 1; n++) {
		bool cut = (n > 0 && path[n - 1] == '%') || (n > 1 && path[n - 2] == '%');
		assert_int_equal(target_is_plain((str){ path, n }), !cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_paths),
		cmocka_unit_test(paths_of_two_places),
		cmocka_unit_test(cut_escapes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
