/* Lists: items, blanks between and around them, and what is there already. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/list.h"

static void cut(void **state)
{
	(void)state;
	str list = LIT("  a bc   d ");
	assert_true(str_eq(list_cut(&list), LIT("a")));
	assert_true(str_eq(list_cut(&list), LIT("bc")));
	assert_true(str_eq(list_cut(&list), LIT("d")));
	assert_int_equal(list_cut(&list).n, 0);
	assert_int_equal(list.n, 0);
	list = LIT("   ");
	assert_int_equal(list_cut(&list).n, 0);
	assert_int_equal(list.n, 0);
	list = (str){ 0 };
	assert_int_equal(list_cut(&list).n, 0);
}

static void has(void **state)
{
	(void)state;
	assert_true(list_has(LIT("a b"), LIT("a")));
	assert_true(list_has(LIT(" a  b "), LIT("b")));
	assert_false(list_has(LIT("ab b"), LIT("a")));
	assert_false(list_has(LIT("a b"), LIT("")));
	assert_false(list_has(LIT("a  b"), LIT("")));
	assert_false(list_has(LIT("a b"), LIT("a b")));
	assert_false(list_has((str){ 0 }, LIT("a")));
}

static void put(void **state)
{
	(void)state;
	char room[8];
	struct wr w = wr_of(room, sizeof(room));
	list_put(&w, LIT(""));
	assert_int_equal(w.n, 0);
	list_put(&w, LIT("a"));
	list_put(&w, LIT("bc"));
	list_put(&w, LIT("a"));
	list_put(&w, LIT(""));
	list_put(&w, LIT("b"));
	assert_true(str_eq(wr_text(&w), LIT("a bc b")));
	assert_false(failed(wr_done(&w)));
	list_put(&w, LIT("more"));
	assert_true(failed(wr_done(&w)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut),
		cmocka_unit_test(has),
		cmocka_unit_test(put),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
