/* Memory that was calm is not searched for text again: what is masked is what is masked without
 * knowing that, wherever memory changed meanwhile. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>

#include <cmocka.h>

#include "base/rand.h"
#include "calm.h"
#include "made_values.h"
#include "masker_internal.h"
#include "plain_masker.h"
#include "text_kit.h"

enum { ADDR = 0x7f5500000000, SIZE = 900 * 1024, SECOND = 300 * 1024 + 4096, ROUNDS = 24 };

/* Two segments that touch. */
static struct core_load loads[] = {
	{ ADDR, SECOND, SECOND, 0, CORE_READ | CORE_WRITE, false },
	{ ADDR + SECOND, SIZE - SECOND, SIZE - SECOND, 0, CORE_READ | CORE_WRITE, false },
};
static struct core_map map = { .loads = loads, .n = 2 };
static uint8_t memory[SIZE], with[SIZE], without[SIZE];
static bool blind[SIZE / CALM_PAGE]; /* pages that cannot be read */

static ch_err read_memory(struct core_memory *m, uint64_t addr, void *to, size_t n, size_t *ret_n)
{
	(void)m;
	assert_true(addr >= ADDR && addr + n <= ADDR + SIZE);
	size_t at = (size_t)(addr - ADDR), end = at;
	while (end < at + n && !blind[end / CALM_PAGE])
		end += CALM_PAGE - end % CALM_PAGE;
	*ret_n = end < at + n ? end - at : n;
	mem_copy(to, memory + at, *ret_n);
	return CH_DONE;
}

static ch_err next_memory(struct core_memory *m, uint64_t addr, uint64_t end, uint64_t *ret_from,
			  uint64_t *ret_to)
{
	(void)m;
	*ret_from = addr;
	*ret_to = end;
	return CH_DONE;
}

static size_t below(size_t n)
{
	return any_below((unsigned)n);
}

/* Numbers, pointers, words, noise; pages and more of zeros. */
static void fill_memory(void)
{
	static const char words[] = "a thing of 97, delivered on day 365; \"row\": [1.5, 2.25] ";
	mem_zero(memory, SIZE);
	for (size_t at = 0; at + 4096 <= SIZE;) {
		size_t n = 8 + 8 * below(500), kind = below(6);
		for (size_t i = 0; i < n && kind < 3; i++)
			memory[at + i] = kind == 0   ? (uint8_t)(i % 8 ? 0 : i)
					 : kind == 1 ? (uint8_t)words[i % (sizeof(words) - 1)]
						     : (uint8_t)(i * 131 + (i >> 3) * 17 + at);
		if (kind == 3)
			at += below(24) * 4096;
		at += n;
	}
}

/* One secret of the kinds that there are, at a place near an edge or at any. */
static void plant_one(size_t i)
{
	static struct planted one;
	static const size_t edges[] = { 0, SECOND, 64 * 1024, 512 * 1024 };
	plant(&text_finds[i % text_finds_count()], 200, &one);
	size_t room = SIZE - one.n, at = below(room);
	if (below(2)) {
		size_t edge = below(2) ? edges[below(COUNT_OF(edges))] : 65536 * below(13);
		edge += below(one.n + 300);
		at = edge > one.n && edge - one.n < room ? edge - one.n : at;
	}
	mem_copy(memory + at, one.p, one.n);
}

static struct calm *hunted(void)
{
	AUTO(values_done) struct values *values = NULL;
	AUTO(publics_done) struct publics *publics = NULL;
	struct core_memory source = { read_memory, next_memory };
	struct finder *text = NULL;
	struct calm *calm = NULL;
	uint64_t unread = 1;
	assert_false(failed(values_new(&values)));
	assert_false(failed(publics_new(&publics)));
	assert_false(failed(calm_new(&calm)));
	assert_false(failed(finder_text_new(&text)));
	struct hunt h = {
		.map = &map, .memory = &source, .values = values, .publics = publics, .calm = calm
	};
	assert_false(failed(hunt_run(&h, &text, 1, &unread)));
	for (size_t i = 0; i < COUNT_OF(blind); i++)
		unread -= blind[i] ? CALM_PAGE : 0;
	assert_int_equal(unread, 0);
	text->free(text);
	return calm;
}

static uint64_t mask(const struct calm *calm, uint8_t *p, size_t step)
{
	AUTO(values_done) struct values *values = NULL;
	AUTO(report_done) struct report *report = NULL;
	AUTO(masker_done) struct masker *masker = NULL;
	assert_false(failed(values_new(&values)));
	assert_false(failed(report_new(&report)));
	struct masker_setup s = { .level = LEVEL_FULL,
				  .map = &map,
				  .values = values,
				  .calm_or_null = calm,
				  .report = report };
	assert_false(failed(masker_new(&s, &masker)));
	mem_zero(masker->key, sizeof(masker->key));
	mem_copy(p, memory, SIZE);
	assert_false(failed(mask_in_pieces(masker, ADDR, p, SIZE, step)));
	return report_bytes(report);
}

/* A secret over the edge of what was looked at may be two to one of them, and be marked as such;
 * and a mark may have a byte in common with what it hides. */
static void assert_same_is_masked(size_t from, size_t to)
{
	size_t run = 0;
	for (size_t i = from; i < to; i++) {
		bool same = (with[i] == memory[i]) == (without[i] == memory[i]);
		run = same ? 0 : run + 1;
		assert_true(run < 4);
	}
}

static size_t calm_cells(const struct calm *calm)
{
	size_t n = 0;
	for (size_t at = 0, size = 0; at < SIZE; at += size) {
		const struct core_load *load = core_map_at(&map, ADDR + at);
		size = calm_left(load, ADDR + at);
		n += calm_is(calm, load, ADDR + at, (bytes){ memory + at, size });
	}
	return n;
}

static void as_without(void **state)
{
	(void)state;
	size_t calm_ones = 0, masked = 0;
	for (size_t round = 0; round < ROUNDS; round++) {
		fill_memory();
		for (size_t i = 0; i < round % 7; i++)
			plant_one(below(1000));
		struct calm *calm = hunted();
		/* memory changes */
		for (size_t i = 0; i < round % 4; i++)
			plant_one(below(1000));
		if (round % 3 == 2)
			memory[below(SIZE)] ^= 1;
		calm_ones += calm_cells(calm);
		size_t step = round % 2 ? 1 + below(200000) : 448 * 1024;
		uint64_t n = mask(NULL, without, step);
		assert_int_equal(mask(calm, with, step), n);
		assert_same_is_masked(0, SIZE);
		masked += n;
		calm_done(&calm);
	}
	assert_true(calm_ones > 4 * ROUNDS);
	assert_true(masked > 0);
}

/* What lies over an edge, and of which a hunt saw only what is before it, or behind it. */
static void over_an_edge(size_t edge, size_t cut, const struct planted *one)
{
	static uint8_t before[SIZE];
	mem_copy(before, memory, SIZE);
	for (unsigned side = 0; side < 2; side++) {
		uint8_t *from = memory + edge - cut;
		mem_copy(from, one->p, one->n);
		mem_zero(side ? from : memory + edge, side ? cut : one->n - cut);
		struct calm *calm = hunted();
		mem_copy(from, one->p, one->n);
		(void)mask(NULL, without, 448 * 1024);
		(void)mask(calm, with, 448 * 1024);
		/* beside the secret, one that is looked at in two parts may look like more */
		assert_same_is_masked((size_t)(from - memory) + one->from,
				      (size_t)(from - memory) + one->to);
		calm_done(&calm);
		mem_copy(memory, before, SIZE);
	}
}

static void over_every_edge(void **state)
{
	(void)state;
	static struct planted one;
	fill_memory();
	for (size_t i = 0; i < text_finds_count(); i++) {
		plant(&text_finds[i], 200, &one);
		size_t n = one.to - one.from;
		over_an_edge(5 * CALM_CELL, one.from, &one);
		over_an_edge(SECOND, one.from + n / 2, &one);
		over_an_edge(5 * CALM_CELL, one.from + below(n), &one);
		over_an_edge(5 * CALM_CELL, one.from > 3 ? one.from - below(3) : 1, &one);
	}
}

/* One byte of it, whichever; a page in another's place; memory that was not seen. */
static void what_changed_is_not_calm(void **state)
{
	(void)state;
	enum { CELL = 2 * CALM_CELL };
	const struct core_load *load = &loads[0];
	fill_memory();
	rand_fill(memory + CELL, CALM_CELL);
	mem_zero(memory + CELL + 4 * CALM_PAGE, CALM_PAGE);
	struct calm *calm = NULL;
	bytes b = { memory + CELL, CALM_CELL };
	assert_false(failed(calm_new(&calm)));
	assert_false(calm_is(calm, load, ADDR + CELL, b));
	calm_see(calm, load, ADDR, (bytes){ memory, CELL + 5000 });
	assert_false(calm_is(calm, load, ADDR + CELL, b));
	calm_see(calm, load, ADDR + CELL, (bytes){ memory + CELL, 5000 });
	/* pages are seen whole, or they are another's */
	assert_false(calm_is(calm, load, ADDR + CELL, b));
	calm_done(&calm);
	assert_false(failed(calm_new(&calm)));
	calm_see(calm, load, ADDR, (bytes){ memory, CELL + 2 * CALM_PAGE });
	calm_see(calm, load, ADDR + CALM_CELL, (bytes){ memory + CALM_CELL, 2 * CALM_CELL });
	assert_true(calm_is(calm, load, ADDR + CELL, b));
	/* zeros need not be seen */
	assert_true(calm_is(calm, load, ADDR + CELL, b));
	for (size_t i = 0; i < CALM_CELL; i += 1 + below(40)) {
		uint8_t bit = (uint8_t)(1 << below(8));
		memory[CELL + i] ^= bit;
		assert_false(calm_is(calm, load, ADDR + CELL, b));
		memory[CELL + i] ^= bit;
	}
	uint8_t page[CALM_PAGE];
	mem_copy(page, memory + CELL, CALM_PAGE);
	mem_copy(memory + CELL, memory + CELL + CALM_PAGE, CALM_PAGE);
	mem_copy(memory + CELL + CALM_PAGE, page, CALM_PAGE);
	assert_false(calm_is(calm, load, ADDR + CELL, b));
	mem_copy(memory + CELL + CALM_PAGE, memory + CELL, CALM_PAGE);
	mem_copy(memory + CELL, page, CALM_PAGE);
	assert_true(calm_is(calm, load, ADDR + CELL, b));
	calm_disturb(calm, ADDR + CELL + 7, ADDR + CELL + 8);
	assert_false(calm_is(calm, load, ADDR + CELL, b));
	calm_done(&calm);
}

static bool is_there(size_t at)
{
	return blind[at / CALM_PAGE] || !bytes_are_zero((bytes){ memory + at, CALM_PAGE });
}

/* From any place to any end: the first page with anything, and as far as there is something. */
static void assert_next(const struct calm *calm, size_t at, size_t end)
{
	uint64_t from = 0, to = 0;
	size_t first = at, last = 0;
	while (first < end && !is_there(first / CALM_PAGE * CALM_PAGE))
		first = first / CALM_PAGE * CALM_PAGE + CALM_PAGE;
	first = first < end ? first : end;
	for (last = first; last < end && is_there(last / CALM_PAGE * CALM_PAGE);)
		last = last / CALM_PAGE * CALM_PAGE + CALM_PAGE;
	assert_true(calm_next(calm, ADDR + at, ADDR + end, &from, &to));
	assert_int_equal(from, ADDR + first);
	assert_int_equal(to, ADDR + (last < end ? last : end));
}

/* Which pages there are is what a hunt saw: all but zeros, and what it could not read. */
static void pages_are_known(void **state)
{
	(void)state;
	for (size_t round = 0; round < ROUNDS; round++) {
		fill_memory();
		for (size_t i = 0; i < round % 5; i++)
			mem_zero(memory + below(9) * 65536, below(SIZE - 9 * 65536));
		for (size_t i = 0; i < COUNT_OF(blind); i++)
			blind[i] = round > ROUNDS / 2 && !below(20);
		struct calm *calm = hunted();
		for (size_t i = 0; i < 500; i++) {
			size_t side = below(2) * SECOND, size = side ? SIZE - SECOND : SECOND;
			size_t at = below(size), end = at + 1 + below(size - at);
			assert_next(calm, side + at, side + end);
		}
		calm_done(&calm);
	}
	mem_zero(blind, sizeof(blind));
}

/* What there is no room for is not taken for zeros. */
static void too_many_pages_are_not_known(void **state)
{
	(void)state;
	const struct core_load large = { ADDR, UINT64_C(1) << 40, UINT64_C(1) << 40, 0, 0, false };
	uint64_t from = 0, to = 0, at = ADDR;
	static const uint8_t one[8] = { 1 };
	struct calm *calm = NULL;
	assert_false(failed(calm_new(&calm)));
	for (size_t i = 0; i < CALM_CELLS_MAX; i++, at += CALM_CELL) {
		if (i % 2)
			calm_see(calm, &large, at, (bytes){ one, sizeof(one) });
		else
			calm_blind(calm, &large, at);
	}
	assert_true(calm_next(calm, ADDR + 5000, at, &from, &to));
	assert_int_equal(from, ADDR + CALM_CELL);
	assert_int_equal(to, ADDR + CALM_CELL + CALM_PAGE);
	calm_blind(calm, &large, at);
	assert_false(calm_next(calm, ADDR, at + CALM_CELL, &from, &to));
	calm_done(&calm);
}

/* Each cell that it touches, and no other. */
static void spans_disturb_what_they_touch(void **state)
{
	(void)state;
	rand_fill(memory, SIZE);
	for (size_t from = 0; from < SECOND; from += 9973) {
		for (size_t n = 1; n < 200000; n = n * 7 + 5) {
			struct calm *calm = NULL;
			assert_false(failed(calm_new(&calm)));
			calm_see(calm, &loads[0], ADDR, (bytes){ memory, SECOND });
			calm_see(calm, &loads[1], ADDR + SECOND,
				 (bytes){ memory + SECOND, SIZE - SECOND });
			calm_disturb(calm, ADDR + from, ADDR + from + n);
			for (size_t at = 0, size = 0; at < SIZE; at += size) {
				const struct core_load *load = core_map_at(&map, ADDR + at);
				size = calm_left(load, ADDR + at);
				bool touched = at < from + n && from < at + size;
				bytes b = { memory + at, size };
				assert_int_equal(calm_is(calm, load, ADDR + at, b), !touched);
			}
			calm_done(&calm);
		}
	}
}

static void fast_sums_are_plain(void **state)
{
	(void)state;
	uint8_t key[CALM_PAGE], p[CALM_PAGE + 8];
	rand_fill(key, sizeof(key));
	for (size_t n = 0; n <= CALM_PAGE; n += 8) {
		rand_fill(p, sizeof(p));
		mem_zero(p, below(n + 1));
		assert_true(calm_sum(key, p + n % 7, n) == calm_sum_plainly(key, p + n % 7, n));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_without),
		cmocka_unit_test(over_every_edge),
		cmocka_unit_test(what_changed_is_not_calm),
		cmocka_unit_test(spans_disturb_what_they_touch),
		cmocka_unit_test(pages_are_known),
		cmocka_unit_test(too_many_pages_are_not_known),
		cmocka_unit_test(fast_sums_are_plain),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
