/* The rule of what looks random: the fast ways agree with the plain one, keys are gone at
 * every offset, and what debuggers follow stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rand.h"
#include "made_values.h"
#include "random_kernels.h"

enum { HEAP = 0x40000000, STACK_OF_CORE = 0x7ffffff000, PAGES = 1 << 20 };

static struct core_load loads[] = {
	{ HEAP, PAGES, PAGES, 0, CORE_READ | CORE_WRITE, false },
	{ STACK_OF_CORE, PAGES, PAGES, 0, CORE_READ | CORE_WRITE, false },
};
static struct core_map map = { .loads = loads, .n = 2 };

static unsigned any(unsigned below)
{
	unsigned v = 0;
	rand_fill(&v, sizeof(v));
	return v % below;
}

/* Memory in which windows are near to being random in every way. */
static void fill(uint8_t *p, size_t n)
{
	for (size_t at = 0; at < n;) {
		size_t size = 1 + any(50), kind = any(7);
		uint64_t pointer = any(2) ? HEAP + any(PAGES) : STACK_OF_CORE + any(PAGES);
		size = size < n - at ? size : n - at;
		for (size_t i = 0; i < size; i++)
			p[at + i] = kind == 0 ? 0 : (uint8_t)(at + i * kind);
		if (kind > 2 && kind < 6)
			rand_fill(p + at, size);
		if (kind == 5 && at / 8 * 8 + 8 <= n)
			mem_copy(p + at / 8 * 8, &pointer, 8);
		for (size_t i = 0; kind == 6 && i < size; i++)
			p[at + i] = (uint8_t)(' ' + p[at + i] % 95);
		at += size;
	}
}

static void agree(random_kernel *kernel)
{
	enum { ROOM = RANDOM_BLOCK + 400 };
	struct random_rule rule;
	random_rule_init(&rule, &map);
	for (unsigned round = 0; round < 300; round++) {
		size_t there = round % 3 ? ROOM
					 : any(ROOM) / (round % 2 ? 1 : 8) * (round % 2 ? 1 : 8);
		size_t n = there < RANDOM_BLOCK ? there : RANDOM_BLOCK;
		uint16_t fast[RANDOM_BLOCK] = { 0 }, plain[RANDOM_BLOCK] = { 0 };
		uint8_t *p = malloc(there + 1); /* what is behind must not be touched */
		fill(p, there);
		struct random_block a = { p, n, there, fast, 7 }, b = { p, n, there, plain, 7 };
		size_t covered = random_find_by(kernel, &rule, a);
		assert_int_equal(covered, random_find_plain(&rule, b));
		assert_memory_equal(fast, plain, sizeof(fast));
		free(p);
	}
}

static void kernels_agree(void **state)
{
	(void)state;
	agree(random_kernel_plain);
	if (random_has_avx2())
		agree(random_kernel_avx2);
	if (random_has_avx512())
		agree(random_kernel_avx512);
}

/* Counts that decide must be right, not only what comes of them. */
static void counts_agree(void **state)
{
	(void)state;
	struct random_rule rule;
	random_kernel *kernels[2] = { random_has_avx2() ? random_kernel_avx2 : random_kernel_plain,
				      random_has_avx512() ? random_kernel_avx512
							  : random_kernel_plain };
	random_rule_init(&rule, &map);
	for (unsigned round = 0; round < 50; round++) {
		uint8_t p[RANDOM_BLOCK + RANDOM_AHEAD], d[2][RANDOM_WORDS + 8];
		fill(p, sizeof(p));
		size_t n = RANDOM_WORDS + 8 - round % 5 * RANDOM_STEP;
		random_kernel_plain(&rule, p, n, d[0]);
		kernels[round % 2](&rule, p, n, d[1]);
		for (size_t i = 0; i < n; i++) {
			size_t a = d[0][i] & RANDOM_COUNT, b = d[1][i] & RANDOM_COUNT;
			assert_int_equal(!d[0][i], !d[1][i]);
			assert_int_equal(d[0][i] & RANDOM_MAYBE, d[1][i] & RANDOM_MAYBE);
			if (a >= RANDOM_NEAR || b >= RANDOM_NEAR)
				assert_int_equal(a, b);
		}
	}
}

/* Keys of 32 bytes at each offset among what heaps are full of: eight bytes in a row are left
 * of one in ten thousand at most. */
static void keys_are_gone(void **state)
{
	(void)state;
	struct random_rule rule;
	unsigned left = 0, rounds = 10000;
	random_rule_init(&rule, &map);
	for (unsigned round = 0; round < rounds; round++) {
		uint8_t p[256] = { 0 };
		uint16_t owners[256] = { 0 };
		size_t at = 96 + round % 8;
		for (size_t i = 0; i < 256; i += 8) {
			uint64_t word = any(3) ? HEAP + any(PAGES) : any(1000);
			mem_copy(p + i, &word, 8);
		}
		rand_fill(p + at, 32);
		random_find(&rule, (struct random_block){ p, 256, 256, owners, 1 });
		size_t run = 0, longest = 0;
		for (size_t i = at; i < at + 32; i++) {
			run = owners[i] ? 0 : run + 1;
			longest = run > longest ? run : longest;
		}
		left += longest >= 8;
	}
	assert_in_range(left, 0, rounds / 10000);
}

static void pointers_stay(void **state)
{
	(void)state;
	struct random_rule rule;
	random_rule_init(&rule, &map);
	for (unsigned round = 0; round < 500; round++) {
		uint8_t p[RANDOM_BLOCK];
		uint16_t owners[RANDOM_BLOCK] = { 0 };
		uint64_t pointers[40];
		rand_fill(p, sizeof(p));
		for (size_t i = 0; i < 40; i++) {
			pointers[i] = i % 2 ? HEAP + any(PAGES) : STACK_OF_CORE + any(PAGES);
			mem_copy(p + 8 * (12 * i + any(3)), &pointers[i], 8);
		}
		random_find(&rule, (struct random_block){ p, sizeof(p), sizeof(p), owners, 1 });
		for (size_t i = 0; i < sizeof(p); i += 8) {
			uint64_t word = load_le64(p + i);
			bool pointer = (word >= HEAP && word < HEAP + PAGES) ||
				       (word >= STACK_OF_CORE && word < STACK_OF_CORE + PAGES);
			for (size_t k = i; pointer && k < i + 8; k++)
				assert_int_equal(owners[k], 0);
		}
	}
}

static void what_is_no_key_stays(void **state)
{
	(void)state;
	struct random_rule rule;
	static const char *const texts[] = {
		"the quick brown fox jumps over the lazy dog and runs away from it",
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		"{\"name\":\"value\",\"other\":[1,2,3],\"third\":null,\"last\":true}      ",
	};
	random_rule_init(&rule, &map);
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		uint16_t owners[64] = { 0 };
		const uint8_t *p = (const uint8_t *)texts[i];
		assert_int_equal(random_find(&rule, (struct random_block){ p, 64, 64, owners, 1 }),
				 0);
	}
}

/* However many mappings there are, each of their addresses is a pointer. */
static void many_mappings(void **state)
{
	(void)state;
	static struct core_load many[3000];
	struct core_map all = { .loads = many, .n = COUNT_OF(many) };
	struct random_rule rule;
	uint64_t addr = 0x1000;
	for (size_t i = 0; i < COUNT_OF(many); i++) {
		addr += (uint64_t)any(100) << any(30);
		many[i] = (struct core_load){ .addr = addr, .mem_size = 4096 };
		addr += 4096;
	}
	many[2999].addr = UINT64_C(0xffffffffff600000);
	random_rule_init(&rule, &all);
	assert_in_range(rule.n, 1, RANDOM_RANGES);
	for (size_t i = 0; i + 1 < COUNT_OF(many); i++) {
		uint8_t p[32], d[RANDOM_WORDS + 8], block[RANDOM_BLOCK + RANDOM_AHEAD] = { 0 };
		uint16_t owners[32] = { 0 };
		uint64_t word = many[i].addr + any(4096);
		rand_fill(p, 32);
		mem_copy(p + 8 * any(4), &word, 8);
		mem_copy(block, p, 32);
		assert_int_equal(random_find(&rule, (struct random_block){ p, 32, 32, owners, 1 }),
				 0);
		if (i % 100 == 0) {
			rule.kernel(&rule, block, RANDOM_WORDS + 8, d);
			assert_int_equal(d[0], 0);
		}
	}
}

/* A key in hex is gone at every offset and over every edge; what only looks like one stays. */
static void keys_in_hex_are_gone(void **state)
{
	(void)state;
	static const char key[] = "00c4eb671abe19b8cd6f575B38AA8835";
	/* 77 digits, as P-256's scalars have, and 63 */
	static const char decimal[] =
		"57896044618658097711785492504343953926634992332820282019728792"
		"003956564819968";
	static const char *const others[] = {
		"31415926535897932384626433832795028841971693",
		"314159265358979323846264338327950288419716939937510582097494459",
		"00000000000000000000000000000000000000000000000a",
		"00c4eb671abe19b8cd6f575B38AA883", "abcdefabcdefabcdefabcdefabcdefabcdef"
	};
	uint8_t p[RANDOM_BLOCK + 64] = { 0 };
	uint16_t owners[RANDOM_BLOCK];
	for (size_t at = 0; at < RANDOM_BLOCK; at++) {
		mem_zero(owners, sizeof(owners));
		mem_copy(p + at, key, 32);
		size_t covered = random_find_hex(
			(struct random_block){ p, RANDOM_BLOCK, sizeof(p), owners, 7 });
		assert_int_equal(covered, at + 32);
		for (size_t i = 0; i < RANDOM_BLOCK; i++)
			assert_int_equal(owners[i], i >= at && i < at + 32 ? 7 : 0);
		mem_zero(p + at, 32);
	}
	mem_copy(p + 50, decimal, sizeof(decimal));
	struct random_block long_one = { p, RANDOM_BLOCK, sizeof(p), owners, 7 };
	assert_int_equal(random_find_hex(long_one), 50 + sizeof(decimal) - 1);
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		mem_zero(p, sizeof(p));
		mem_copy(p + 50, others[i], str_from_c(others[i]).n);
		assert_int_equal(random_find_hex((struct random_block){ p, RANDOM_BLOCK, sizeof(p),
									owners, 7 }),
				 0);
	}
}

static bool is_digit(uint8_t c)
{
	return c && strchr("0123456789abcdefABCDEF", c);
}

/* Runs of digits of any length, dense and rare, in blocks of any size: what is found of them is what
 * the plainest way finds. What goes over the end of what is there counts as it stands. */
static void hex_is_found_as_plainly(void **state)
{
	(void)state;
	static const char digits[] = "0123456789abcdefABCDEF";
	static uint8_t p[RANDOM_BLOCK + 256];
	static uint16_t owners[RANDOM_BLOCK], plain[RANDOM_BLOCK];
	for (unsigned round = 0; round < 400; round++) {
		size_t n = 16 * (1 + any_below(RANDOM_BLOCK / 16)), there = n + any_below(256),
		       covered = 0;
		for (size_t at = 0; at < there;) {
			for (size_t run = any_below(70); run && at < there; run--)
				p[at++] = (uint8_t)digits[any_below(22)];
			for (size_t gap = 1 + any_below(round + 1); gap && at < there; gap--)
				p[at++] = (uint8_t)(':' + any_below(6));
		}
		mem_zero(owners, sizeof(owners));
		mem_zero(plain, sizeof(plain));
		for (size_t from = 0, to = 0; from < n; from = to + 1) {
			for (to = from; to < there && is_digit(p[to]); to++)
				;
			size_t kinds = 0, letters = 0;
			for (unsigned d = 0; d < 16; d++) {
				bool any = false;
				for (size_t i = from; i < to; i++)
					any |= (p[i] | 0x20) == (digits[d] | 0x20);
				kinds += any;
				letters += any && d > 9;
			}
			if (to - from < (letters ? 32 : 64) || kinds < 8 || letters == kinds)
				continue;
			for (size_t i = from; i < to && i < n; i++)
				plain[i] = 7;
			covered = to;
		}
		assert_int_equal(random_find_hex((struct random_block){ p, n, there, owners, 7 }),
				 covered);
		assert_memory_equal(owners, plain, n * sizeof(plain[0]));
	}
}

/* Of digits without end each block looks at its own and a little more. */
static void endless_hex_is_found_in_parts(void **state)
{
	enum { AHEAD = 4096 };
	(void)state;
	static uint8_t p[64 * 1024];
	static uint16_t owners[sizeof(p)];
	for (size_t i = 0; i < sizeof(p); i++)
		p[i] = (uint8_t)("0123456789abcdef"[i % 16]);
	for (size_t at = 0; at < sizeof(p); at += 4096) {
		struct random_block b = { p + at, 4096, sizeof(p) - at, owners + at, 7 };
		size_t covered = random_find_hex(b), left = sizeof(p) - at;
		assert_int_equal(covered, left < 4096 + AHEAD ? left : 4096 + AHEAD);
	}
	for (size_t i = 0; i < sizeof(p); i++)
		assert_int_equal(owners[i], 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernels_agree),
		cmocka_unit_test(counts_agree),
		cmocka_unit_test(keys_are_gone),
		cmocka_unit_test(keys_in_hex_are_gone),
		cmocka_unit_test(pointers_stay),
		cmocka_unit_test(what_is_no_key_stays),
		cmocka_unit_test(many_mappings),
		cmocka_unit_test(hex_is_found_as_plainly),
		cmocka_unit_test(endless_hex_is_found_in_parts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
