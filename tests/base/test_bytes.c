/* Slices: equality, cutting, numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"

static void cuts_at_the_first(void **state)
{
	(void)state;
	str s = LIT("a.b.c");
	assert_true(str_eq(str_cut(&s, '.'), LIT("a")));
	assert_true(str_eq(s, LIT("b.c")));
	assert_true(str_eq(str_cut(&s, '.'), LIT("b")));
	assert_true(str_eq(str_cut(&s, '.'), LIT("c")));
	assert_null(s.p);
}

static void trims_both_ends(void **state)
{
	(void)state;
	const str blanks = LIT(" \t");
	assert_true(str_eq(str_trim(LIT(" \ta b\t "), blanks), LIT("a b")));
	assert_true(str_eq(str_trim(LIT("\na "), blanks), LIT("\na")));
	assert_int_equal(str_trim(LIT(" \t "), blanks).n, 0);
	assert_int_equal(str_trim((str){ NULL, 0 }, blanks).n, 0);
}

static void numbers_are_strict(void **state)
{
	(void)state;
	uint64_t v = 7;
	static const char *const bad[] = { "",
					   "+1",
					   "-1",
					   "01",
					   " 1",
					   "1 ",
					   "1e3",
					   "18446744073709551616",
					   "99999999999999999999" };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(str_to_u64(str_from_c(bad[i]), UINT64_MAX, &v));
	assert_int_equal(v, 7);
	assert_true(str_to_u64(LIT("18446744073709551615"), UINT64_MAX, &v));
	assert_true(v == UINT64_MAX);
	assert_true(str_to_u64(LIT("0"), 0, &v));
	assert_false(str_to_u64(LIT("11"), 10, &v));
}

/* Of every length, also as a constant; nothing behind the text gets in. */
static void heads(void **state)
{
	(void)state;
	static const uint64_t constants[] = { STR_HEAD(""),         STR_HEAD("a"),
					      STR_HEAD("ab"),       STR_HEAD("abc"),
					      STR_HEAD("abcd"),     STR_HEAD("abcde"),
					      STR_HEAD("abcdef"),   STR_HEAD("abcdefg"),
					      STR_HEAD("abcdefgh"), STR_HEAD("abcdefghi") };
	for (size_t n = 0; n < COUNT_OF(constants); n++) {
		uint64_t plain = 0;
		for (size_t i = 0; i < n && i < 8; i++)
			plain |= (uint64_t)(uint8_t) "abcdefghi"[i] << 8 * i;
		assert_true(str_head((str){ "abcdefghijkl", n }) == plain);
		assert_true(constants[n] == plain);
	}
	assert_true(str_head(LIT("\xff\xfe\xfd")) == 0xfdfeff);
}

static void starts_and_ends(void **state)
{
	(void)state;
	assert_true(str_starts(LIT("abc"), LIT("ab")));
	assert_true(str_ends(LIT("abc"), LIT("bc")));
	assert_false(str_ends(LIT("c"), LIT("bc")));
	assert_true(str_ends(LIT("c"), LIT("")));
	assert_true(str_eq_nocase(LIT("BaSiC"), LIT("basic")));
}

/* Of every length around a block, and one byte anywhere is seen. */
static void zeros(void **state)
{
	(void)state;
	uint8_t b[600] = { 0 };
	assert_true(bytes_are_zero((bytes){ NULL, 0 }));
	for (size_t n = 0; n < sizeof(b); n++) {
		assert_true(bytes_are_zero((bytes){ b, n }));
		b[n] = 0x80;
		assert_true(bytes_are_zero((bytes){ b, n }));
		assert_false(bytes_are_zero((bytes){ b, n + 1 }));
		assert_false(bytes_are_zero((bytes){ b + n, sizeof(b) - n }));
		assert_false(bytes_are_zero(BYTES_OF(b)));
		b[n] = 0;
	}
}

static void moves_over_itself(void **state)
{
	(void)state;
	char t[] = "abcdef";
	mem_move(t + 2, t, 4);
	assert_string_equal(t, "ababcd");
	mem_move(t, t + 2, 4);
	assert_string_equal(t, "abcdcd");
	mem_move(NULL, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts_at_the_first),
		cmocka_unit_test(trims_both_ends),
		cmocka_unit_test(numbers_are_strict),
		cmocka_unit_test(starts_and_ends),
		cmocka_unit_test(heads),
		cmocka_unit_test(zeros),
		cmocka_unit_test(moves_over_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
