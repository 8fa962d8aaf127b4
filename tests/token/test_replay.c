/* The store of used proofs: what is noted is used until it ends, however many threads ask;
 * and its two stated chances, computed from its shape. */
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/rw.h"
#include "replay_internal.h"

enum { NOW = 1700000000 };

static void storage_done(void **p)
{
	free(*p);
	*p = NULL;
}

static struct replay *store_of(size_t proofs, void **ret_storage)
{
	struct replay *r = NULL;
	size_t n = replay_size(proofs);
	assert_int_equal(n % 64, 0);
	*ret_storage = aligned_alloc(64, n);
	assert_non_null(*ret_storage);
	memset(*ret_storage, 0xa5, n);
	assert_false(failed(replay_init(*ret_storage, n, proofs, &r)));
	return r;
}

static enum replay_answer noted(struct replay *r, uint64_t jti, int64_t until_s, int64_t now_s)
{
	uint8_t text[8];
	struct wr w = wr_of(text, sizeof(text));
	wr_u64(&w, jti);
	return replay_note(r, bytes_of_str(LIT("the thumbprint of a client's key")), wr_bytes(&w),
			   until_s, now_s);
}

/* As another process does that maps the same memory. */
static void a_store_that_is_there(void **state)
{
	AUTO(storage_done) void *storage = NULL;
	struct replay *r = store_of(100, &storage), *same = NULL;
	size_t n = replay_size(100);
	(void)state;
	assert_int_equal(noted(r, 1, NOW + 60, NOW), REPLAY_NEW);
	assert_false(failed(replay_attach(storage, n, 100, &same)));
	assert_int_equal(noted(same, 1, NOW + 60, NOW), REPLAY_USED);
	assert_int_equal(noted(same, 2, NOW + 60, NOW), REPLAY_NEW);
	assert_int_equal(noted(r, 2, NOW + 60, NOW), REPLAY_USED);
	same = NULL;
	assert_int_equal(ch_code_of(replay_attach(storage, n, 5000, &same)), CH_E_MISMATCH);
	assert_int_equal(ch_code_of(replay_attach(storage, n - 1, 100, &same)), CH_E_MISMATCH);
	assert_int_equal(ch_code_of(replay_attach(storage, n, 0, &same)), CH_E_MISMATCH);
	memset(storage, 0, n);
	assert_int_equal(ch_code_of(replay_attach(storage, n, 100, &same)), CH_E_MISMATCH);
	assert_null(same);
}

static void used_until_it_ends(void **state)
{
	AUTO(storage_done) void *storage = NULL;
	struct replay *r = store_of(100, &storage);
	bytes k = bytes_of_str(LIT("key")), j = bytes_of_str(LIT("jti"));
	(void)state;
	assert_false(replay_has(r, k, j, NOW));
	assert_int_equal(replay_note(r, k, j, NOW + 60, NOW), REPLAY_NEW);
	assert_true(replay_has(r, k, j, NOW) && replay_has(r, k, j, NOW + 59));
	assert_false(replay_has(r, k, j, NOW + 60) || replay_has(r, j, k, NOW));
	assert_int_equal(replay_note(r, k, j, NOW + 60, NOW), REPLAY_USED);
	assert_int_equal(replay_note(r, k, j, NOW + 90, NOW + 30), REPLAY_USED);
	assert_int_equal(replay_note(r, k, j, NOW + 60, NOW + 59), REPLAY_USED);
	/* a clock that is behind */
	assert_int_equal(replay_note(r, k, j, NOW + 60, NOW - 3600), REPLAY_USED);
	assert_int_equal(replay_note(r, k, j, NOW + 120, NOW + 60), REPLAY_NEW);
	assert_int_equal(replay_note(r, k, j, NOW + 120, NOW + 60), REPLAY_USED);
}

/* Both halves count, and where one ends and the other begins. */
static void key_and_jti(void **state)
{
	AUTO(storage_done) void *storage = NULL;
	struct replay *r = store_of(100, &storage);
	static const str pairs[][2] = {
		{ LIT("key"), LIT("jti") }, { LIT("key"), LIT("jtj") }, { LIT("kez"), LIT("jti") },
		{ LIT("keyj"), LIT("ti") }, { LIT("ke"), LIT("yjti") }, { LIT("keyjti"), LIT("") },
		{ LIT(""), LIT("keyjti") }, { LIT("jti"), LIT("key") },
	};
	(void)state;
	for (int expected = REPLAY_NEW; expected <= REPLAY_USED; expected++)
		for (size_t i = 0; i < COUNT_OF(pairs); i++)
			assert_int_equal(replay_note(r, bytes_of_str(pairs[i][0]),
						     bytes_of_str(pairs[i][1]), NOW + 60, NOW),
					 expected);
}

static void times_out_of_range(void **state)
{
	AUTO(storage_done) void *storage = NULL;
	struct replay *r = store_of(1, &storage);
	static const int64_t untils[] = {
		NOW, NOW - 1, 0, -1, INT64_MIN, INT64_MAX, NOW + REPLAY_KEPT_MAX_S + 1
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(untils); i++)
		assert_int_equal(noted(r, i, untils[i], NOW), REPLAY_FULL);
	assert_int_equal(noted(r, 1, NOW + 1, INT64_MIN), REPLAY_FULL);
	assert_int_equal(noted(r, 1, NOW + REPLAY_KEPT_MAX_S, NOW), REPLAY_NEW);
}

/* Where the seconds in a slot wrap. */
static void seconds_wrap(void **state)
{
	AUTO(storage_done) void *storage = NULL;
	struct replay *r = store_of(100, &storage);
	const int64_t turn = INT64_C(13) << REPLAY_UNTIL_BITS;
	(void)state;
	for (int64_t now = turn - 70, i = 0; now < turn + 70; now++, i++) {
		assert_int_equal(noted(r, i, now + 60, now), REPLAY_NEW);
		assert_int_equal(noted(r, i, now + 60, now + 59), REPLAY_USED);
		if (i >= 60)
			assert_int_equal(noted(r, i - 60, now + 60, now), REPLAY_NEW);
	}
}

/* No room: refused, and what is there is not forgotten; room again when it has ended. */
static void full(void **state)
{
	AUTO(storage_done) void *storage = NULL;
	struct replay *r = store_of(1, &storage);
	(void)state;
	assert_int_equal(r->n_sets, 1);
	for (size_t i = 0; i < REPLAY_WAYS; i++)
		assert_int_equal(noted(r, i, NOW + 60 + i, NOW), REPLAY_NEW);
	assert_int_equal(noted(r, 1000, NOW + 60, NOW), REPLAY_FULL);
	for (size_t i = 0; i < REPLAY_WAYS; i++)
		assert_int_equal(noted(r, i, NOW + 60, NOW), REPLAY_USED);
	assert_int_equal(noted(r, 1000, NOW + 120, NOW + 60), REPLAY_NEW);
	assert_int_equal(noted(r, 1001, NOW + 120, NOW + 60), REPLAY_FULL);
}

static void sizes(void **state)
{
	AUTO(storage_done) void *storage = aligned_alloc(64, 1 << 20);
	struct replay *r = NULL;
	size_t n = replay_size(1000);
	(void)state;
	assert_int_equal(replay_size(0), 0);
	assert_int_equal(replay_size(((size_t)1 << 28) + 1), 0);
	assert_int_equal(replay_size(SIZE_MAX), 0);
	assert_true(replay_size((size_t)1 << 28) > (size_t)1 << 32);
	assert_true(replay_size(1000000) <= 32 * 1000000 + 1024);
	assert_int_equal(ch_code_of(replay_init(storage, n - 1, 1000, &r)), CH_E_RANGE);
	assert_int_equal(ch_code_of(replay_init(storage, 1 << 20, 0, &r)), CH_E_RANGE);
	assert_int_equal(ch_code_of(replay_init((uint8_t *)storage + 8, n, 1000, &r)), CH_E_USAGE);
	assert_null(r);
	assert_false(failed(replay_init(storage, n, 1000, &r)));
}

/* A new proof is taken for a used one when its fingerprint is that of one of at most 64 in
 * its set: 64 in 2^37. Each bit of the fingerprint must do its part, so each is counted. */
static void false_refusals(void **state)
{
	AUTO(storage_done) void *storage = NULL;
	enum { PROOFS = 4096 };
	struct replay *r = store_of(PROOFS, &storage);
	size_t ones[REPLAY_PRINT_BITS] = { 0 }, there = 0;
	(void)state;
	assert_true(ldexp(REPLAY_WAYS, -REPLAY_PRINT_BITS) < 1e-9);
	for (uint64_t i = 0; i < PROOFS; i++)
		assert_int_equal(noted(r, i, NOW + 60, NOW), REPLAY_NEW);
	for (size_t i = 0; i < r->n_sets * REPLAY_WAYS; i++) {
		uint64_t slot = r->sets[i / REPLAY_WAYS].slots[i % REPLAY_WAYS];
		if (!slot)
			continue;
		there++;
		assert_int_equal(slot & ((UINT64_C(1) << REPLAY_UNTIL_BITS) - 1),
				 (NOW + 60) & ((1 << REPLAY_UNTIL_BITS) - 1));
		for (size_t b = 0; b < REPLAY_PRINT_BITS; b++)
			ones[b] += slot >> (REPLAY_UNTIL_BITS + b) & 1;
	}
	assert_int_equal(there, PROOFS);
	/* ten standard deviations of 32 */
	for (size_t b = 0; b < REPLAY_PRINT_BITS; b++)
		assert_in_range(ones[b], PROOFS / 2 - 320, PROOFS / 2 + 320);
}

/* The chance that any set gets more than it holds: Poisson's tail, times the sets. */
static double overflow_chance(double proofs)
{
	double mean = REPLAY_PER_SET, tail = 0;
	for (int k = REPLAY_WAYS + 1; k < 4 * REPLAY_WAYS; k++)
		tail += exp(-mean + k * log(mean) - lgamma(k + 1.0));
	return tail * (proofs / mean + 1);
}

static void holds_what_it_says(void **state)
{
	AUTO(storage_done) void *storage = NULL;
	enum { PROOFS = 200000 };
	struct replay *r = store_of(PROOFS, &storage);
	size_t most = 0, turned_away = 0;
	(void)state;
	assert_true(overflow_chance(1 << 28) < 1e-12);
	for (uint64_t i = 0; i < PROOFS; i++)
		turned_away += noted(r, i, NOW + 60, NOW) != REPLAY_NEW;
	assert_int_equal(turned_away, 0);
	for (size_t i = 0; i < r->n_sets; i++) {
		size_t taken = 0;
		for (size_t k = 0; k < REPLAY_WAYS; k++)
			taken += r->sets[i].slots[k] != 0;
		most = taken > most ? taken : most;
	}
	/* some 40 of 64 when they are spread evenly */
	assert_in_range(most, REPLAY_PER_SET + 1, 56);
}

/* --- threads ----------------------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 400, SHARED = 64 };

struct crowd {
	struct replay *r;
	pthread_barrier_t *start;
	uint32_t number;
	uint8_t fresh[ROUNDS][SHARED];
};

static void *race(void *p)
{
	struct crowd *c = p;
	for (uint64_t round = 0; round < ROUNDS; round++) {
		(void)pthread_barrier_wait(c->start);
		for (uint64_t i = 0; i < SHARED; i++) {
			/* each thread in an order of its own, and one proof of its own between */
			uint64_t jti = (i + c->number * SHARED / THREADS) % SHARED;
			int64_t at = NOW + (int64_t)round;
			c->fresh[round][jti] = noted(c->r, round << 32 | jti, at + 40, at) ==
					       REPLAY_NEW;
			(void)noted(c->r, round << 32 | (c->number + 1) << 16 | jti, at + 2, at);
		}
	}
	return NULL;
}

/* Every proof is shown by four threads at once, old ones end meanwhile, and there is room
 * enough: none is new twice. With one clock for all, each is new once. */
static void threads_race(void **state)
{
	AUTO(storage_done) void *storage = NULL;
	static struct crowd crowds[THREADS];
	pthread_barrier_t start;
	pthread_t threads[THREADS];
	struct replay *r = store_of(40 * SHARED * (THREADS + 1), &storage);
	(void)state;
	assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
	for (uint32_t i = 0; i < THREADS; i++) {
		crowds[i] = (struct crowd){ .r = r, .start = &start, .number = i };
		assert_int_equal(pthread_create(&threads[i], NULL, race, &crowds[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (size_t k = 0; k < ROUNDS * SHARED; k++) {
		size_t fresh = 0;
		for (size_t i = 0; i < THREADS; i++)
			fresh += crowds[i].fresh[k / SHARED][k % SHARED];
		assert_int_equal(fresh, 1);
	}
	(void)pthread_barrier_destroy(&start);
}

/* Two threads as close to each other as can be: they wait spinning, and race for a bare
 * set. */
enum { DUELS = 20000 };

struct duel {
	struct replay_set *set;
	_Atomic uint32_t *arrived;
	int64_t behind_s;
	uint8_t answer[DUELS];
};

static void meet(_Atomic uint32_t *arrived, uint32_t all)
{
	atomic_fetch_add(arrived, 1);
	for (size_t i = 0; atomic_load(arrived) < all; i++)
		if (i > 2000)
			(void)sched_yield();
}

static uint64_t word_of(uint64_t print, int64_t until_s)
{
	return print << REPLAY_UNTIL_BITS |
	       ((uint64_t)until_s & ((UINT64_C(1) << REPLAY_UNTIL_BITS) - 1));
}

/* One proof a second, each kept for 20, so that in every round one slot ends: for a clock
 * that is behind, not yet. */
static void *fight(void *p)
{
	struct duel *d = p;
	for (uint32_t i = 0; i < DUELS; i++) {
		int64_t at = NOW + (int64_t)i;
		meet(d->arrived, 2 * (i + 1));
		d->answer[i] =
			(uint8_t)replay_set_note(d->set, word_of(i + 1, at + 20), at - d->behind_s);
	}
	return NULL;
}

struct score {
	size_t once, never;
};

static struct score duels_with(int64_t behind_s)
{
	static struct duel sides[2];
	static struct replay_set set;
	static _Atomic uint32_t arrived;
	struct score s = { 0 };
	pthread_t threads[2];
	memset(&set, 0, sizeof(set));
	arrived = 0;
	for (int i = 0; i < 2; i++) {
		sides[i] = (struct duel){ &set, &arrived, .behind_s = i * behind_s };
		assert_int_equal(pthread_create(&threads[i], NULL, fight, &sides[i]), 0);
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (size_t k = 0; k < DUELS; k++) {
		size_t fresh = 0;
		for (int i = 0; i < 2; i++) {
			assert_int_not_equal(sides[i].answer[k], REPLAY_FULL);
			fresh += sides[i].answer[k] == REPLAY_NEW;
		}
		assert_in_range(fresh, 0, 1);
		s.once += fresh;
		s.never += !fresh;
	}
	return s;
}

static void two_with_one_clock(void **state)
{
	struct score s = duels_with(0);
	(void)state;
	assert_int_equal(s.once, DUELS);
}

static void two_with_other_clocks(void **state)
{
	struct score s = duels_with(1);
	(void)state;
	print_message("of %d proofs %zu were new to neither of two\n", DUELS, s.never);
	assert_true(s.once > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_store_that_is_there),
		cmocka_unit_test(used_until_it_ends),
		cmocka_unit_test(key_and_jti),
		cmocka_unit_test(times_out_of_range),
		cmocka_unit_test(seconds_wrap),
		cmocka_unit_test(full),
		cmocka_unit_test(sizes),
		cmocka_unit_test(false_refusals),
		cmocka_unit_test(holds_what_it_says),
		cmocka_unit_test(threads_race),
		cmocka_unit_test(two_with_one_clock),
		cmocka_unit_test(two_with_other_clocks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
