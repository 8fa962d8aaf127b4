/* Paths are bounded and hold no NUL; names that may become files cannot climb. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/path.h"

static void joins(void **state)
{
	(void)state;
	struct path p;
	assert_false(failed(path_join(&p, LIT("/srv/"), LIT("keys"), LIT("home"))));
	assert_string_equal(p.p, "/srv/keys/home");
	assert_false(failed(path_join(&p, (str){ 0 }, LIT("a"), LIT(""))));
	assert_string_equal(p.p, "a");
	assert_false(failed(path_join(&p, LIT("/"), LIT("etc"), (str){ 0 })));
	assert_string_equal(p.p, "/etc");
	assert_false(failed(path_of(&p, (str){ 0 })));
	assert_string_equal(p.p, "");
}

static void bounded(void **state)
{
	(void)state;
	struct path p;
	char text[PATH_CAP];
	memset(text, 'a', sizeof(text));
	assert_false(failed(path_of(&p, (str){ text, PATH_CAP - 1 })));
	assert_int_equal(strlen(p.p), PATH_CAP - 1);
	assert_int_equal(ch_code_of(path_of(&p, (str){ text, PATH_CAP })), CH_E_FULL);
	assert_int_equal(ch_code_of(path_join(&p, (str){ text, PATH_CAP / 2 },
					      (str){ text, PATH_CAP / 2 }, (str){ 0 })),
			 CH_E_FULL);
}

static void no_nul_inside(void **state)
{
	(void)state;
	struct path p;
	assert_int_equal(ch_code_of(path_of(&p, LIT("a\0b"))), CH_E_SYNTAX);
	assert_int_equal(ch_code_of(path_join(&p, LIT("a"), LIT("b"), LIT("c\0"))), CH_E_SYNTAX);
}

static void names(void **state)
{
	(void)state;
	const str good[] = { LIT("a"), LIT("home"), LIT("0"), LIT("A-b_c.d"), LIT("a..b") };
	const str bad[] = { LIT(""),    LIT("."),    LIT(".."),   LIT("-a"),       LIT("_a"),
			    LIT("a/b"), LIT("a b"),  LIT("a\n"),  LIT("\xc3\xa9"), LIT("a\0"),
			    LIT("/"),   LIT("../a"), LIT("a\\b"), LIT("a:b"),      LIT("toolong") };
	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_true(name_ok(good[i], 7));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(name_ok(bad[i], 6));
}

static void folders(void **state)
{
	(void)state;
	assert_true(str_eq(path_folder(LIT("/a/b/c.json")), LIT("/a/b")));
	assert_true(str_eq(path_folder(LIT("/a")), LIT("/")));
	assert_true(str_eq(path_folder(LIT("/a/")), LIT("/a")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(joins), cmocka_unit_test(bounded), cmocka_unit_test(no_nul_inside),
		cmocka_unit_test(names), cmocka_unit_test(folders),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
