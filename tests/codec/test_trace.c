/* traceparent: the examples of the W3C recommendation and of its test suite, and all that is
 * one character off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/trace.h"

#define GOOD "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static bool reads(str text)
{
	struct trace t;
	return !failed(trace_read(text, &t));
}

static void test_the_example(void **state)
{
	char room[TRACE_PARENT_TEXT];
	const uint8_t span[TRACE_SPAN_SIZE] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct wr w = wr_of(room, sizeof(room));
	struct trace t = { 0 };
	(void)state;
	assert_false(failed(trace_read(LIT(GOOD), &t)));
	assert_true(t.present && t.flags == 1 && t.id[0] == 0x4b && t.span[7] == 0xb7);
	trace_write(&w, &t, span);
	assert_true(str_eq(wr_text(&w),
			   LIT("00-4bf92f3577b34da6a3ce929d0e0e4736-0102030405060708-01")));
	/* flags that nobody knows are not passed on */
	assert_false(failed(
		trace_read(LIT("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fe"), &t)));
	w = wr_of(room, sizeof(room));
	trace_write(&w, &t, span);
	assert_true(str_ends(wr_text(&w), LIT("-00")));
}

static void test_versions(void **state)
{
	(void)state;
	assert_true(reads(LIT("cc-12345678901234567890123456789012-1234567890123456-01")));
	assert_true(reads(
		LIT("cc-12345678901234567890123456789012-1234567890123456-01-what-comes-then")));
	assert_false(reads(LIT("cc-12345678901234567890123456789012-1234567890123456-01.what")));
	assert_false(reads(LIT("ff-12345678901234567890123456789012-1234567890123456-01")));
	assert_false(reads(LIT("ff-12345678901234567890123456789012-1234567890123456-01-x")));
	assert_false(reads(LIT(GOOD "-x")));
	assert_false(reads(LIT(GOOD " ")));
}

static void test_zero_ids(void **state)
{
	(void)state;
	assert_false(reads(LIT("00-00000000000000000000000000000000-00f067aa0ba902b7-01")));
	assert_false(reads(LIT("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01")));
}

/* Each prefix is refused; each character changed to each other one is refused or hex. */
static void test_every_prefix_and_character(void **state)
{
	char text[] = GOOD;
	(void)state;
	for (size_t n = 0; n < TRACE_PARENT_TEXT; n++)
		assert_false(reads((str){ text, n }));
	for (size_t i = 0; i < TRACE_PARENT_TEXT; i++) {
		for (int c = 0; c < 256; c++) {
			bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
			bool dash = i == 2 || i == 35 || i == 52;
			bool same = text[i] == (char)c;
			char was = text[i];
			text[i] = (char)c;
			bool ok = reads((str){ text, TRACE_PARENT_TEXT });
			assert_true(ok == (same || (hex && !dash)));
			text[i] = was;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_example),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_zero_ids),
		cmocka_unit_test(test_every_prefix_and_character),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
