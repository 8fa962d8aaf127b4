/* Which limbs fit a filter: the fast way says what the plain one does, whatever the memory and
 * however much of it there is. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "limbs.h"

enum { ROOM = LIMBS_BLOCK + 64, ROUNDS = 500 };

static const struct limb_filter filters[] = {
	{ 0xfffffc00fffffc00, 0, UINT32_MAX, 3 },
	{ UINT64_MAX, 32, 0, 0 },
	{ ~(uint64_t)0x1f, 0x4000, 0, 0 },
	{ 0, 0, UINT64_MAX, UINT64_C(1) << 63 },
	{ 0, 0, UINT64_MAX, 1 },
	{ 0, 0, 0, 0 },
	{ UINT64_C(1) << 63, 0, 0xffff, 1000 },
	{ 0, 0, UINT64_MAX, UINT64_MAX - 1 },
};

static uint64_t state = 7;

static uint64_t draw(void)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return state >> 33 ^ state << 31;
}

static uint64_t limb_of(unsigned kind)
{
	switch (kind) {
	case 0:
		return draw() % 8;
	case 1:
		return (draw() % 1030) << 32 | draw() % 1030;
	case 2:
		return 0x4000 + draw() % 64;
	case 3:
		return ~(draw() % 8);
	case 4:
		return 32;
	default:
		return draw();
	}
}

static void fill(uint8_t *p, size_t n)
{
	for (size_t i = 0; i + 8 <= n; i += 8) {
		uint64_t limb = limb_of((unsigned)(draw() % 6));
		mem_copy(p + i, &limb, 8);
	}
}

static void test_fast_is_plain(void **s)
{
	(void)s;
	uint8_t p[ROOM];
	for (unsigned round = 0; round < ROUNDS; round++) {
		fill(p, sizeof(p));
		for (size_t i = 0; i < COUNT_OF(filters); i++) {
			const uint8_t *from = p + round % 8;
			uint64_t fast = limbs_fit(&filters[i], from, sizeof(p) - 8);
			assert_true(fast == limbs_fit_plainly(&filters[i], from, sizeof(p) - 8));
		}
	}
}

static void test_whatever_is_there(void **s)
{
	(void)s;
	uint8_t p[ROOM];
	fill(p, sizeof(p));
	for (size_t n = 0; n <= sizeof(p); n++) {
		for (size_t i = 0; i < COUNT_OF(filters); i++) {
			uint64_t fast = limbs_fit(&filters[i], p, n);
			assert_true(fast == limbs_fit_plainly(&filters[i], p, n));
			assert_true(n / 8 >= 64 || !(fast >> n / 8));
		}
	}
}

static void test_what_fits(void **s)
{
	(void)s;
	uint8_t p[LIMBS_BLOCK] = { 0 };
	uint64_t bits = 0;
	assert_true(limbs_fit(&filters[0], p, sizeof(p)) == 0);
	p[8] = 2;
	p[12] = 3;
	p[16] = 3;
	p[63 * 8 + 1] = 1;
	bits = limbs_fit(&filters[0], p, sizeof(p));
	assert_int_equal(limbs_take(&bits), 16);
	assert_int_equal(limbs_take(&bits), 63 * 8);
	assert_true(bits == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fast_is_plain),
		cmocka_unit_test(test_whatever_is_there),
		cmocka_unit_test(test_what_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
