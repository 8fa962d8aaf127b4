/* Which limbs look random: the fast way says what the plain one does, whatever the memory and
 * however much of it there is. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "noise.h"

enum { ROOM = NOISE_BLOCK + 64, ROUNDS = 2000 };

static uint64_t state = 7;

static uint64_t draw(void)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return state >> 33 ^ state << 31;
}

/* Numbers, addresses, text, floating-point numbers, and what is drawn at random. */
static uint64_t limb_of(unsigned kind)
{
	switch (kind) {
	case 0:
		return draw() % 1000;
	case 1:
		return ~(draw() % 1000);
	case 2:
		return 0x7f0000000000 | draw() >> 20;
	case 3:
		return draw() & 0x7f7f7f7f7f7f7f7f;
	case 4:
		return 0x3fe0000000000000 | draw() >> 12;
	case 5:
		return UINT64_C(1) << draw() % 64;
	default:
		return draw();
	}
}

static void fill(uint8_t *p, size_t n)
{
	unsigned kind = 0;
	for (size_t i = 0; i + 8 <= n; i += 8) {
		kind = draw() % 3 ? kind : (unsigned)(draw() % 8);
		uint64_t limb = limb_of(kind);
		mem_copy(p + i, &limb, 8);
	}
}

static void assert_same(const uint8_t *p, size_t there)
{
	struct noise_masks fast = noise_masks(p, there), plain = noise_masks_plainly(p, there);
	assert_int_equal(fast.noise, plain.noise);
	assert_int_equal(fast.alike, plain.alike);
}

static void test_fast_is_plain(void **s)
{
	(void)s;
	uint8_t p[ROOM];
	for (unsigned round = 0; round < ROUNDS; round++) {
		fill(p, sizeof(p));
		assert_same(p + round % 8, sizeof(p) - 8);
	}
}

static void test_whatever_is_there(void **s)
{
	(void)s;
	uint8_t p[ROOM];
	fill(p, sizeof(p));
	for (size_t there = 0; there <= sizeof(p); there++) {
		struct noise_masks m = noise_masks(p, there);
		size_t limbs = there / 8 < 64 ? there / 8 : 64;
		assert_same(p, there);
		assert_int_equal(limbs < 64 ? m.noise >> limbs : 0, 0);
		assert_int_equal(limbs && limbs < 64 ? m.alike >> (limbs - 1) : 0, 0);
	}
}

static void test_what_is_noise(void **s)
{
	(void)s;
	static const uint64_t limbs[] = {
		0,                  /* plain */
		0x00007fffffffffff, /* the highest address */
		0xffff800000000000, /* the lowest of the kernel's */
		0x7f7f7f7f7f7f7f7f, /* text */
		0x0000800000000000, /* from here on noise */
		0xffff7fffffffffff,
		0x8000000000000000,
		0x3ff0000000000080,
		0x3ff1000000000080,
	};
	uint8_t p[ROOM] = { 0 };
	mem_copy(p, limbs, sizeof(limbs));
	struct noise_masks m = noise_masks(p, sizeof(p));
	assert_int_equal(m.noise, 0x1f0);
	/* the first and second, and the last two; all the zeros behind */
	assert_int_equal(m.alike, (UINT64_MAX << 9) | 0x81);
	assert_same(p, sizeof(p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fast_is_plain),
		cmocka_unit_test(test_whatever_is_there),
		cmocka_unit_test(test_what_is_noise),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
