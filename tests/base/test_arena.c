/* The request's arena: bounds, alignment, and memory that is zeroed when given out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static uint8_t block[256];

static void aligned_and_zeroed(void **state)
{
	(void)state;
	struct arena a;
	for (size_t shift = 0; shift < 16; shift++) {
		memset(block, 0xff, sizeof(block));
		arena_init(&a, block + shift, sizeof(block) - shift);
		for (size_t n = 0; n < 20; n++) {
			uint8_t *p = arena_alloc(&a, n);
			if (!p)
				break;
			assert_int_equal((uintptr_t)p % 16, 0);
			for (size_t i = 0; i < n; i++)
				assert_int_equal(p[i], 0);
		}
	}
}

static void blocks_do_not_overlap(void **state)
{
	(void)state;
	struct arena a;
	arena_init(&a, block, sizeof(block));
	uint8_t *p = arena_alloc(&a, 17);
	uint8_t *q = arena_alloc(&a, 1);
	assert_true(q >= p + 17);
	assert_true(q < block + sizeof(block));
}

static void exhausted(void **state)
{
	(void)state;
	struct arena a;
	arena_init(&a, block, 64);
	assert_null(arena_alloc(&a, 65));
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_non_null(arena_alloc(&a, 64));
	assert_int_equal(arena_left(&a), 0);
	assert_null(arena_alloc(&a, 1));
	arena_reset(&a);
	assert_int_equal(arena_left(&a), 64);
	assert_non_null(arena_alloc(&a, 64));
}

static void array_sizes_do_not_overflow(void **state)
{
	(void)state;
	struct arena a;
	arena_init(&a, block, sizeof(block));
	assert_null(arena_new(&a, uint64_t, SIZE_MAX / 8 + 2));
	assert_null(arena_new(&a, uint64_t, SIZE_MAX));
	assert_non_null(arena_new(&a, uint64_t, 4));
}

static void copies_text(void **state)
{
	(void)state;
	struct arena a;
	str copy = { NULL, 0 };
	char text[] = "text";
	arena_init(&a, block, 32);
	assert_false(failed(arena_str(&a, str_from_c(text), &copy)));
	text[0] = 'n';
	assert_true(str_eq(copy, LIT("text")));
	assert_false(failed(arena_str(&a, (str){ 0 }, &copy)));
	assert_int_equal(copy.n, 0);
	assert_int_equal(ch_code_of(arena_str(&a, (str){ text, 1000 }, &copy)), CH_E_LIMIT);
}

static void what_a_reset_leaves(void **state)
{
	(void)state;
#ifndef NDEBUG
	struct arena a;
	arena_init(&a, block, sizeof(block));
	uint8_t *p = arena_alloc(&a, 8);
	arena_reset(&a);
	assert_int_equal(p[0], 0xa5);
	assert_int_equal(p[7], 0xa5);
#else
	skip();
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aligned_and_zeroed), cmocka_unit_test(blocks_do_not_overlap),
		cmocka_unit_test(exhausted),          cmocka_unit_test(array_sizes_do_not_overflow),
		cmocka_unit_test(copies_text),        cmocka_unit_test(what_a_reset_leaves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
