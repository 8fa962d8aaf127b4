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
#include "random_text.h"

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

/* Of keys that end within a word, whatever is behind it, at most one in 4,000 is left by the size
 * of what a process has reserved: its pages may be none that a key could point to. */
static void reserved_memory_is_no_target(void **state)
{
	(void)state;
	struct core_load some[] = { loads[0],
				    { (uint64_t)1 << 40, (uint64_t)1 << 46, 0, 0, 0, false },
				    loads[1] };
	struct core_map all = { .loads = some, .n = COUNT_OF(some) };
	struct random_rule rule;
	unsigned left = 0, rounds = 20000;
	random_rule_init(&rule, &all);
	for (unsigned round = 0; round < rounds; round++) {
		uint8_t p[256] = { 0 };
		uint16_t owners[256] = { 0 };
		rand_fill(p + 102, 32);
		left += !random_find(&rule, (struct random_block){ p, 256, 256, owners, 1 });
	}
	assert_in_range(left, 0, rounds / 4000);
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
		many[i] = (struct core_load){ .addr = addr, .mem_size = 4096, .flags = CORE_READ };
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

/* The same numbers in each run. */
static uint64_t seed = 1;

static unsigned drawn_below(unsigned below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 20) % below);
}

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char small_hex[] = "0123456789abcdef", base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static size_t find_text(const uint8_t *p, size_t n, size_t there, uint16_t *owners)
{
	size_t judged[RANDOM_WIDTHS] = { 0 };
	mem_zero(owners, n * sizeof(*owners));
	return random_find_text((struct random_block){ p, n, there, owners, 7 }, judged);
}

static void put_wide(uint8_t *p, const char *text, size_t n, size_t width)
{
	for (size_t i = 0; i < n; i++) {
		mem_zero(p + i * width, width);
		p[i * width] = (uint8_t)text[i];
	}
}

/* Of n letters of `of`, drawn: are 16 in a row left? */
static bool is_left(const char *of, size_t n, size_t width)
{
	uint8_t p[512] = { 0 };
	uint16_t owners[512];
	char value[64];
	unsigned kinds = (unsigned)str_from_c(of).n;
	size_t at = 8 + drawn_below(64), run = 0;
	for (size_t i = 0; i < n; i++)
		value[i] = of[drawn_below(kinds)];
	put_wide(p + at, value, n, width);
	find_text(p, sizeof(p), sizeof(p), owners);
	for (size_t i = 0; i < n; i++) {
		run = owners[at + i * width] ? 0 : run + 1;
		if (run == 16)
			return true;
	}
	return false;
}

/* How much of what was drawn is left by chance: docs/COREDUMP.md has these figures. */
static void drawn_text_is_gone(void **state)
{
	(void)state;
	static const struct {
		const char *of;
		size_t n;
		unsigned rounds, most;
	} forms[] = {
		{ letters, 43, 300000, 3 },   { letters, 64, 20000, 1 },
		{ letters, 40, 300000, 5 },   { letters, 32, 50000, 15 },
		{ letters, 27, 20000, 30 },   { letters, 22, 20000, 130 },
		{ letters, 16, 10000, 600 },  { small_hex, 64, 20000, 0 },
		{ small_hex, 32, 200000, 2 }, { small_hex, 16, 20000, 300 },
		{ base32, 32, 10000, 3 },     { base32, 52, 20000, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		unsigned left = 0;
		for (unsigned round = 0; round < forms[i].rounds; round++)
			left += is_left(forms[i].of, forms[i].n, (size_t)1 << round % 3);
		assert_in_range(left, 0, forms[i].most);
	}
}

/* What somebody named or counted is no secret, however long. */
static void names_stay(void **state)
{
	(void)state;
	static const char *const names[] = {
		"CamelCaseLongIdentifierNames",
		"getOwnPropertyDescriptors",
		"org/apache/commons/lang3/builder/ReflectionToStringBuilder",
		"Ljava/util/concurrent/ConcurrentHashMap",
		"_ZN2v88internal8compiler20JSCallReducerAssemblerC2EPNS1_4NodeE",
		"_ZNSt6vectorINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEESaIS5_EED2Ev",
		"/usr/lib/x86_64-linux-gnu/gconv/gconv-modules",
		"EVP_PKEY_CTX_set_rsa_keygen_pubexp",
		"X509_STORE_CTX_get_verify_callback",
		"SSL_CTX_set_tlsext_ticket_key_evp_cb",
		"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
		"UnicodeEncodeErrorHandlerWithFallback2",
		"2026-11-23/requests/4711/delivered",
		"0000000000000000000000000000000a",
		"31415926535897932384626433832795028841971693",
		"314159265358979323846264338327950288419716939937510582097494459",
		"00007f3a1c2b4d50",
		"249/0x00007f8c5c1c0678",
		"7f3a1c2b4000-7f3a1c2d5000",
		"6fa459ea-ee8a-3ca4-894e-db77e160355e",
		"abcdefabcdefabcdefabcdefabcdefabcdef",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"------------------------------------------------------------",
	};
	uint8_t p[512] = { 0 };
	uint16_t owners[512];
	for (size_t i = 0; i < COUNT_OF(names) * 3; i++) {
		const char *name = names[i / 3];
		mem_zero(p, sizeof(p));
		put_wide(p + 8 + i, name, str_from_c(name).n, (size_t)1 << i % 3);
		if (find_text(p, sizeof(p), sizeof(p), owners))
			fail_msg("%s is masked", name);
	}
}

/* A key in hex is gone at every offset and over every edge, wherever its block ends. */
static void keys_in_hex_are_gone(void **state)
{
	(void)state;
	static const char key[] = "00c4eb671abe19b8cd6f575B38AA8835";
	/* 77 digits, as P-256's scalars have */
	static const char decimal[] =
		"57896044618658097711785492504343953926634992332820282019728792"
		"003956564819968";
	uint8_t p[RANDOM_BLOCK + 64] = { 0 };
	uint16_t owners[RANDOM_BLOCK];
	for (size_t i = 0; i < 3 * RANDOM_BLOCK; i++) {
		size_t n = RANDOM_BLOCK - 8 * (i % 2), at = i % RANDOM_BLOCK, size = 16 + i % 17;
		mem_copy(p + at, key, size);
		size_t covered = find_text(p, n, sizeof(p), owners);
		assert_int_equal(covered, at < n ? at + size : 0);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(owners[k], k >= at && k < at + size ? 7 : 0);
		mem_zero(p + at, size);
	}
	mem_copy(p + 50, decimal, sizeof(decimal));
	assert_int_equal(find_text(p, RANDOM_BLOCK, sizeof(p), owners), 50 + sizeof(decimal) - 1);
}

static uint8_t any_byte(unsigned round)
{
	static const char some[] = "0123456789abcdefABCDEFxyzXYZ+-/_\0\0\0\0\0\0.)*,:@[`{";
	return (uint8_t)some[any_below(round % 2 ? 22 : sizeof(some) - 1)];
}

static void letter_kernels_agree(void **state)
{
	(void)state;
	letter_kernel *kernels[] = { letter_kernel_sse2, letter_kernel_best() };
	for (unsigned round = 0; round < 2000; round++) {
		struct letter_masks a[4] = { 0 }, b[4] = { 0 };
		size_t n = any_below(sizeof(a) / sizeof(a[0]) * 64) + 1;
		uint8_t *p = malloc(n); /* what is behind must not be touched */
		for (size_t i = 0; i < n; i++)
			p[i] = round < 256 ? (uint8_t)(round + i) : any_byte(round);
		letter_kernel_plain(p, n, a);
		kernels[round % 2](p, n, b);
		assert_memory_equal(a, b, sizeof(a));
		free(p);
	}
}

/* Whether anything in a run was drawn is whether any piece's sum comes up to the least. */
static void sums_are_found_as_plainly(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		uint8_t p[80];
		size_t n = 2 + any_below(78), at = 0;
		int most = 0;
		for (size_t i = 0; i < n; i++)
			p[i] = (uint8_t)(any_below(3) ? "etaionsr"[any_below(8)]
						      : "GHIJKLMNOPQRSTUVWXYZghijklmnopqrstuvwxyz-_"
								[any_below(42)]);
		for (size_t from = 0; from < n; from++) {
			int sum = 0;
			for (size_t i = from; i + 1 < n; i++) {
				sum += letters_weight(p[i], p[i + 1]);
				most = sum > most ? sum : most;
			}
		}
		struct letter_piece piece = { 0, 0 };
		bool found = drawn_letters_next(&(struct letter_run){ p, n, 1 }, &at, &piece);
		assert_int_equal(found, most >= DRAWN_SUM_MIN);
		assert_true(!found || (piece.from < piece.to && piece.to <= n && at <= n));
	}
}

/* Runs of any length and width, dense and rare, in blocks of any size: the same as in one block. */
static void blocks_are_as_one(void **state)
{
	(void)state;
	enum { SIZE = 3 * RANDOM_BLOCK, WHOLE = RANDOM_BLOCK };
	static uint8_t p[SIZE + 8];
	static uint16_t owners[SIZE + 8], once[WHOLE];
	for (unsigned round = 0; round < 300; round++) {
		for (size_t at = 0; at < SIZE;) {
			size_t width = (size_t)1 << any_below(3), gap = any_below(round + 1);
			for (size_t run = any_below(70); run && at + 4 < SIZE; run--) {
				mem_zero(p + at, 4);
				p[at] = any_byte(round);
				at += width;
			}
			while (gap-- && at < SIZE)
				p[at++] = (uint8_t)(':' + any_below(6));
			at += at + 4 >= SIZE ? 4 : 0;
		}
		size_t judged[RANDOM_WIDTHS] = { 0 }, n = 0;
		mem_zero(owners, sizeof(owners));
		for (size_t at = 0; at < WHOLE; at += n) {
			size_t covered = 0;
			n = 8 * (1 + any_below(100));
			n = n < WHOLE - at ? n : WHOLE - at;
			covered = random_find_text(
				(struct random_block){ p + at, n, SIZE - at, owners + at, 7 },
				judged);
			for (size_t i = n; i < covered && at + i < WHOLE; i++)
				owners[at + i] = 7;
			for (size_t w = 0; w < RANDOM_WIDTHS; w++)
				judged[w] = judged[w] > n ? judged[w] - n : 0;
		}
		find_text(p, WHOLE, SIZE, once);
		assert_memory_equal(owners, once, sizeof(once));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernels_agree),
		cmocka_unit_test(counts_agree),
		cmocka_unit_test(keys_are_gone),
		cmocka_unit_test(keys_in_hex_are_gone),
		cmocka_unit_test(drawn_text_is_gone),
		cmocka_unit_test(names_stay),
		cmocka_unit_test(letter_kernels_agree),
		cmocka_unit_test(blocks_are_as_one),
		cmocka_unit_test(sums_are_found_as_plainly),
		cmocka_unit_test(pointers_stay),
		cmocka_unit_test(what_is_no_key_stays),
		cmocka_unit_test(many_mappings),
		cmocka_unit_test(reserved_memory_is_no_target),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
