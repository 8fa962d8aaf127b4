/* Paths, widths and bundles: there and back, one spelling each, nothing of a wrong form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "plain.h"

static str path_of_tile(const struct tile_id *t)
{
	static uint8_t room[TILE_PATH_MAX];
	struct wr w = wr_of(room, sizeof(room));
	tile_path_write(&w, t);
	assert_false(failed(wr_done(&w)));
	return wr_text(&w);
}

static void there_and_back(struct tile_id t)
{
	struct tile_id back = { 0 };
	assert_false(failed(tile_path_read(path_of_tile(&t), &back)));
	assert_true(t.n == back.n && t.width == back.width && t.level == back.level &&
		    t.entries == back.entries);
}

static void test_paths(void **state)
{
	static const uint64_t numbers[] = { 0,
					    1,
					    9,
					    99,
					    999,
					    1000,
					    1001,
					    999999,
					    1000000,
					    UINT64_C(999999999999),
					    UINT64_C(1) << 54,
					    MERKLE_SIZE_MAX / TILE_WIDTH };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		for (unsigned width = 1; width <= TILE_WIDTH; width++) {
			there_and_back((struct tile_id){ numbers[i], width, 0, true });
			there_and_back((struct tile_id){ numbers[i], width, (uint8_t)(width % 64),
							 false });
		}
	const struct tile_id bundle = { 1234067, 7, 0, true };
	assert_true(str_eq(path_of_tile(&bundle), LIT("tile/entries/x001/x234/067.p/7")));
}

static void test_no_paths(void **state)
{
	static const char *const bad[] = {
		"",
		"tile",
		"tile/",
		"tile/0",
		"tile/0/",
		"tile/0/0",
		"tile/0/00",
		"tile/0/0000",
		"tile/00/000",
		"tile/64/000",
		"tile/-1/000",
		"tile/x/000",
		"tile/entry/000",
		"tile/0/000/",
		"tile/0/000/000",
		"tile/0/x000/000",
		"tile/0/x000",
		"tile/0/x001/x000",
		"tile/0/x01/000",
		"tile/0/001.p",
		"tile/0/001.p/",
		"tile/0/001.p/0",
		"tile/0/001.p/00",
		"tile/0/001.p/01",
		"tile/0/001.p/256",
		"tile/0/001.p/7/",
		"tile/0/001.p/7.p/7",
		"tile/0/x001.p/7",
		"tile/0/001.q/7",
		"/tile/0/001",
		"tile//0/001",
		"tile/0/../../checkpoint",
		"tile/0/..",
		"tile/0/x..",
		"tile/0/.p/1",
		"tile/0/x037/x000/x000/x000/x000/000",
		"tile/0/x001/x000/x000/x000/x000/x000/000",
		"tile/8/0/001",
		"tile/0/001 ",
		"tile/0/0\n1",
	};
	struct tile_id t = { .n = 77 };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(ch_code_of(tile_path_read(str_from_c(bad[i]), &t)), CH_E_SYNTAX);
		assert_int_equal(t.n, 77);
	}
	assert_true(failed(tile_path_read((str){ "tile/0/001\0", 11 }, &t)));
}

/* What reads after a flipped bit is a path of its own; a prefix never reads as the whole. */
static void test_path_mutants(void **state)
{
	char text[] = "tile/entries/x001/x234/067.p/71";
	const size_t n = sizeof(text) - 1;
	struct tile_id t;
	(void)state;
	for (size_t i = 0; i < 8 * n; i++) {
		text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
		if (!failed(tile_path_read((str){ text, n }, &t)))
			assert_true(str_eq(path_of_tile(&t), (str){ text, n }));
		text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
	}
	for (size_t k = 0; k < n; k++)
		if (!failed(tile_path_read((str){ text, k }, &t)))
			assert_true(str_eq(path_of_tile(&t), (str){ text, k }));
}

/* The example of c2sp.org/tlog-tiles: 70,000 entries. */
static void test_widths(void **state)
{
	struct tile_id t;
	(void)state;
	assert_int_equal(tile_hashes(70000, 0), 70000);
	assert_int_equal(tile_hashes(70000, 1), 273);
	assert_int_equal(tile_hashes(70000, 2), 1);
	assert_int_equal(tile_hashes(70000, 3), 0);
	assert_int_equal(tile_hashes(UINT64_MAX, 8), 0);
	assert_true(tile_of(70000, 0, 272, &t) && t.width == 256);
	assert_true(tile_of(70000, 0, 273, &t) && t.width == 112);
	assert_false(tile_of(70000, 0, 274, &t));
	assert_true(tile_of(70000, 1, 1, &t) && t.width == 17);
	assert_true(tile_of(70000, 2, 0, &t) && t.width == 1);
	assert_false(tile_of(70000, 3, 0, &t));
	assert_true(tile_of(256, 0, 0, &t) && t.width == 256);
	assert_false(tile_of(256, 0, 1, &t));
	assert_true(tile_of(256, 1, 0, &t) && t.width == 1);
	assert_false(tile_of(0, 0, 0, &t));
}

/* --- the walk over what is new: all of it, once --- */

static bool is_new(uint64_t old, uint64_t size, const struct tile_id *t)
{
	struct tile_id before, now;
	bool had = tile_of(old, t->level, t->n, &before);
	return tile_of(size, t->level, t->n, &now) && now.width == t->width &&
	       (!had || before.width < now.width);
}

static void walk_all(uint64_t old, uint64_t size)
{
	struct tile_walk w = tile_walk_of(old, size);
	struct tile_id t;
	size_t count = 0, wanted = 0;
	unsigned last = 0;
	uint64_t last_n = 0;
	while (tile_walk_next(&w, &t)) {
		unsigned rank = t.entries ? 0 : t.level + 1U;
		assert_true(is_new(old, size, &t));
		assert_true(count == 0 || rank > last || (rank == last && t.n > last_n));
		last = rank;
		last_n = t.n;
		count++;
	}
	for (unsigned level = 0; level < 4; level++)
		for (uint64_t n = 0; tile_of(size, level, n, &t); n++)
			wanted += is_new(old, size, &t) ? level == 0 ? 2 : 1 : 0;
	assert_int_equal(count, wanted);
}

static void test_walk(void **state)
{
	static const uint64_t sizes[] = { 0,   1,    2,     255,   256,   257,   511,
					  512, 1000, 65535, 65536, 65537, 65792, 70000 };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(sizes); i++)
		for (size_t k = i; k < COUNT_OF(sizes); k++)
			walk_all(sizes[i], sizes[k]);
}

static void test_roots_of_tiles(void **state)
{
	static uint8_t room[TILE_SIZE_MAX + MERKLE_HASH_SIZE];
	struct merkle_hash root, wanted;
	(void)state;
	mem_copy(room, plain_leaves(), TILE_SIZE_MAX);
	for (size_t n = 1; n <= TILE_WIDTH; n++) {
		assert_false(failed(tile_root((bytes){ room, n * MERKLE_HASH_SIZE }, &root)));
		plain_root(plain_leaves(), n, &wanted);
		assert_true(merkle_eq(&root, &wanted));
	}
	assert_int_equal(ch_code_of(tile_root((bytes){ room, 0 }, &root)), CH_E_RANGE);
	assert_int_equal(ch_code_of(tile_root((bytes){ room, 33 }, &root)), CH_E_RANGE);
	assert_int_equal(ch_code_of(tile_root(BYTES_OF(room), &root)), CH_E_RANGE);
}

/* --- bundles --- */

static bytes bundle_of(unsigned width)
{
	static uint8_t room[TILE_ROOM_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct plain_log l = plain_log_of(PLAIN_MAX);
	const struct tile_id t = { 1, width, 0, true };
	assert_false(failed(tile_fetch(&l.s, &t, &w)));
	return wr_bytes(&w);
}

static void test_bundles(void **state)
{
	static uint8_t tile[TILE_SIZE_MAX];
	bytes entries[TILE_WIDTH];
	(void)state;
	for (unsigned width = 1; width <= TILE_WIDTH; width += 51) {
		struct wr w = wr_of(tile, sizeof(tile));
		bytes b = bundle_of(width);
		assert_false(failed(bundle_read(b, width, entries)));
		assert_true(str_starts(str_of_bytes(entries[0]), LIT("entry 256")));
		assert_false(failed(bundle_tile(b, width, &w)));
		assert_memory_equal(tile, plain_leaves() + TILE_WIDTH, width * MERKLE_HASH_SIZE);
	}
}

static void test_broken_bundles(void **state)
{
	static uint8_t tile[TILE_SIZE_MAX];
	bytes entries[TILE_WIDTH];
	bytes b = bundle_of(5);
	(void)state;
	for (size_t n = 0; n < b.n; n++) {
		ch_err e = bundle_read((bytes){ b.p, n }, 5, entries);
		assert_int_equal(ch_code_of(e), CH_E_TRUNCATED);
	}
	assert_int_equal(ch_code_of(bundle_read(b, 4, entries)), CH_E_TRAILING);
	assert_int_equal(ch_code_of(bundle_read(b, 6, entries)), CH_E_TRUNCATED);
	struct wr w = wr_of(tile, 5 * MERKLE_HASH_SIZE - 1);
	assert_int_equal(ch_code_of(bundle_tile(b, 5, &w)), CH_E_FULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),        cmocka_unit_test(test_no_paths),
		cmocka_unit_test(test_path_mutants), cmocka_unit_test(test_widths),
		cmocka_unit_test(test_walk),         cmocka_unit_test(test_roots_of_tiles),
		cmocka_unit_test(test_bundles),      cmocka_unit_test(test_broken_bundles),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
