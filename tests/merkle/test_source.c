/* Proofs and edges out of tiles: what they say is what the plain tree says, on random sizes, and
 * a source that lies or fails gets nowhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rand.h"
#include "plain.h"

static uint64_t below(uint64_t n)
{
	uint64_t v = 0;
	rand_fill(&v, sizeof(v));
	return v % n;
}

static void try_inclusion(struct plain_log *l, uint64_t index, uint64_t size)
{
	const struct merkle_hash *leaves = plain_leaves();
	struct merkle_proof p = { 0 }, wanted = { 0 };
	assert_false(failed(merkle_prove_inclusion(&l->s, index, size, &p)));
	plain_path(index, leaves, size, &wanted);
	assert_true(plain_same(&p, &wanted));
}

static void try_consistency(struct plain_log *l, uint64_t old, uint64_t size)
{
	struct merkle_proof p = { 0 }, wanted = { 0 };
	assert_false(failed(merkle_prove_consistency(&l->s, old, size, &p)));
	if (old > 0)
		plain_proof(old, plain_leaves(), size, true, &wanted);
	assert_true(plain_same(&p, &wanted));
}

static void try_edge(struct plain_log *l, uint64_t size)
{
	struct merkle_edge e = { 0 }, wanted = { 0 };
	for (uint64_t i = 0; i < size; i++)
		merkle_edge_add(&wanted, &plain_leaves()[i]);
	assert_false(failed(merkle_edge_at(&l->s, size, &e)));
	assert_int_equal(e.n, wanted.n);
	assert_int_equal(e.size, wanted.size);
	assert_memory_equal(e.h, wanted.h, e.n * sizeof(e.h[0]));
}

/* A log has the partial tiles of its heads alone; what ends before is in wider ones. */
static ch_err get_newest(struct tile_source *s, const struct tile_id *t, struct wr *ret_tile)
{
	struct plain_log all = plain_log_of(5000);
	struct tile_id have;
	(void)s;
	if (!tile_of(5000, t->level, t->n, &have) || have.width != t->width)
		return ch_fail(CH_E_NOT_FOUND, "no such tile", t->n);
	return tile_fetch(&all.s, t, ret_tile);
}

static void test_edges_within(void **state)
{
	struct tile_source newest = { get_newest };
	struct merkle_edge wanted = { 0 }, e;
	(void)state;
	for (uint64_t at = 0; at < 5000; at++) {
		if (at % 61 == 0 || at % TILE_WIDTH == 0) {
			assert_false(failed(merkle_edge_within(&newest, at, 5000, &e)));
			assert_int_equal(e.size, at);
			assert_memory_equal(e.h, wanted.h, e.n * sizeof(e.h[0]));
		}
		merkle_edge_add(&wanted, &plain_leaves()[at]);
	}
	assert_int_equal(ch_code_of(merkle_edge_within(&newest, 5001, 5000, &e)), CH_E_RANGE);
}

static void test_every_small_size(void **state)
{
	struct plain_log l = plain_log_of(600);
	(void)state;
	for (uint64_t size = 0; size < 40; size++) {
		try_edge(&l, size);
		for (uint64_t k = 0; k < size; k++) {
			try_inclusion(&l, k, size);
			try_consistency(&l, k, size);
		}
		try_consistency(&l, size, size);
	}
}

/* Around the edges of tiles, and of tiles of tiles. */
static void test_random_sizes(void **state)
{
	static const uint64_t around[] = { 255,   256,   257,   511,   512,   513,
					   65535, 65536, 65537, 65791, 65792, 65793 };
	struct plain_log l = plain_log_of(PLAIN_MAX);
	(void)state;
	for (size_t i = 0; i < 24; i++) {
		uint64_t size = i < COUNT_OF(around) ? around[i] : 1 + below(PLAIN_MAX);
		l.no_partials = i % 2;
		try_edge(&l, size);
		try_inclusion(&l, below(size), size);
		try_inclusion(&l, size - 1, size);
		try_consistency(&l, below(size), size);
		try_consistency(&l, size - 1, size);
	}
}

/* A proof asks for few tiles: at most two a level. */
static void test_few_tiles(void **state)
{
	struct plain_log l = plain_log_of(PLAIN_MAX);
	struct merkle_proof p;
	(void)state;
	assert_false(failed(merkle_prove_inclusion(&l.s, 12345, PLAIN_MAX, &p)));
	assert_in_range(l.asked, 1, 6);
}

static void test_no_such(void **state)
{
	struct plain_log l = plain_log_of(1000);
	struct merkle_proof p = { .n = 77 };
	(void)state;
	assert_int_equal(ch_code_of(merkle_prove_inclusion(&l.s, 5, 5, &p)), CH_E_RANGE);
	assert_int_equal(ch_code_of(merkle_prove_consistency(&l.s, 6, 5, &p)), CH_E_RANGE);
	assert_int_equal(ch_code_of(merkle_prove_inclusion(&l.s, 0, UINT64_MAX, &p)), CH_E_RANGE);
	assert_int_equal(ch_code_of(merkle_prove_inclusion(&l.s, 0, 2000, &p)), CH_E_NOT_FOUND);
	assert_int_equal(p.n, 77);
}

static void test_missing_tile(void **state)
{
	const struct tile_id gone = { .n = 1, .width = TILE_WIDTH };
	struct plain_log l = plain_log_of(1000);
	struct merkle_proof p;
	(void)state;
	l.missing = &gone;
	assert_int_equal(ch_code_of(merkle_prove_inclusion(&l.s, 300, 1000, &p)), CH_E_NOT_FOUND);
	assert_false(failed(merkle_prove_inclusion(&l.s, 100, 1000, &p)));
}

/* A source whose tiles are of a wrong size. */
struct liar {
	struct tile_source s;
	size_t n;
};

static ch_err lie(struct tile_source *s, const struct tile_id *t, struct wr *ret_tile)
{
	(void)t;
	for (size_t i = 0; i < ((struct liar *)s)->n; i++)
		wr_u8(ret_tile, 0);
	return CH_DONE;
}

static void test_wrong_sizes(void **state)
{
	static uint8_t room[TILE_ROOM_MAX];
	const size_t sizes[] = { 0, 1, 31, 32, 6 * 32, 7 * 32 - 1, 7 * 32 + 1, TILE_SIZE_MAX };
	struct liar l = { .s = { lie } };
	const struct tile_id partial = { .width = 7 }, bundle = { .width = 7, .entries = true };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		struct wr w = wr_of(room, sizeof(room));
		l.n = sizes[i];
		assert_int_equal(ch_code_of(tile_fetch(&l.s, &partial, &w)), CH_E_MISMATCH);
		w = wr_of(room, sizeof(room));
		assert_int_equal(ch_code_of(tile_fetch(&l.s, &bundle, &w)), CH_E_MISMATCH);
	}
	struct wr small = wr_of(room, 100);
	l.n = 7 * 32;
	assert_int_equal(ch_code_of(tile_fetch(&l.s, &partial, &small)), CH_E_FULL);
}

/* A partial bundle that is gone is the beginning of the full one. */
static void test_cut_bundle(void **state)
{
	static uint8_t room[2 * TILE_ROOM_MAX], wanted_room[TILE_ROOM_MAX];
	struct plain_log l = plain_log_of(1000), all = plain_log_of(1000);
	(void)state;
	l.no_partials = true;
	for (unsigned width = 1; width < TILE_WIDTH; width += 25) {
		struct tile_id t = { .n = 2, .width = width, .entries = true };
		struct wr w = wr_of(room, sizeof(room)), v = wr_of(wanted_room, TILE_ROOM_MAX);
		assert_false(failed(tile_fetch(&l.s, &t, &w)));
		assert_false(failed(tile_fetch(&all.s, &t, &v)));
		assert_true(bytes_eq(wr_bytes(&w), wr_bytes(&v)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_small_size), cmocka_unit_test(test_edges_within),
		cmocka_unit_test(test_random_sizes),     cmocka_unit_test(test_few_tiles),
		cmocka_unit_test(test_no_such),          cmocka_unit_test(test_missing_tile),
		cmocka_unit_test(test_wrong_sizes),      cmocka_unit_test(test_cut_bundle),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
