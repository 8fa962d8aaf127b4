/* The follower: what a verified log has is live, and nothing else; a log that contradicts itself is
 * found out, damaged files are not taken for that; no clock makes a token be forgotten that may
 * still come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "log_kit.h"
#include "tail.h"

enum { T0 = 1795400000, TTL = 3600, MOST = 1 << 20 };

#define MUST(e) assert_false(failed(e))

static struct tail tail;
static struct kit_log kit;
static struct live *live;
static uint8_t room[KIT_NOTE];

static int begin(void **unused)
{
	(void)unused;
	kit_open(&kit);
	MUST(live_new(MOST, &live));
	tail_init(&tail, &kit.verifier, TTL, live);
	return 0;
}

static int end(void **unused)
{
	(void)unused;
	tail_done(&tail);
	live_done(&live);
	kit_close(&kit);
	return 0;
}

static bool knows(uint64_t number, int64_t exp_s)
{
	uint8_t id[LIVE_ID_SIZE];
	kit_identity(number, id);
	struct live_print p = live_print_of(live, id, exp_s);
	return live_has(live, &p);
}

static ch_err head_at(int64_t time_s)
{
	uint64_t size = 0;
	return tail_head(&tail, kit_head(&kit, time_s, room), &size);
}

/* To the end, however often it must be called. */
static ch_err run(int64_t now_s)
{
	for (;;) {
		ch_err e = tail_run(&tail, &kit.tiles, now_s, 16);
		if (ch_code_of(e) != CH_E_BUSY)
			return e;
	}
}

static void follow(int64_t now_s)
{
	MUST(head_at(now_s));
	MUST(run(now_s));
	assert_true(tail.started);
	assert_int_equal(tail.believed.size, kit.size);
}

/* Tokens from..to, one a second from iat on. */
static void add_tokens(uint64_t from, uint64_t to, int64_t iat_s, int64_t ttl_s)
{
	for (uint64_t i = from; i < to; i++)
		kit_add(&kit, i, iat_s + (int64_t)(i - from), iat_s + (int64_t)(i - from) + ttl_s);
}

static void test_grows_with_the_log(void **unused)
{
	(void)unused;
	follow(T0);
	assert_int_equal(live_count(live), 0);
	for (uint64_t n = 0; n < 1200; n += 1 + n / 7) {
		while (kit.size < n)
			kit_add(&kit, kit.size, T0, T0 + 300);
		assert_false(knows(n - 1, T0 + 300) && n > 0 && tail.believed.size < n);
		follow(T0 + 1);
		for (uint64_t i = 0; i < n; i++)
			assert_true(knows(i, T0 + 300));
		assert_false(knows(n, T0 + 300));
		assert_true(tail_covers(&tail, T0 + 300));
	}
}

static void test_a_slow_source_gives_the_same(void **unused)
{
	(void)unused;
	kit.slow = true;
	tail.max_ttl_s = 4000;
	add_tokens(0, 3000, T0, 4000);
	follow(T0 + 3000);
	assert_int_equal(live_count(live), 3000);
	add_tokens(3000, 3777, T0 + 3000, 4000);
	follow(T0 + 3777);
	assert_int_equal(live_count(live), 3777);
}

/* A day's tokens; only the last hour of them lives, and only that is read. */
static void test_begins_where_tokens_live(void **unused)
{
	(void)unused;
	add_tokens(0, 15000, T0, TTL);
	kit.asked = 0;
	kit.slow = true;
	follow(T0 + 15000);
	assert_true(kit.asked / 2 < 60);
	for (uint64_t i = 0; i < 15000; i++)
		if (T0 + (int64_t)i + TTL > T0 + 15000)
			assert_true(knows(i, T0 + (int64_t)i + TTL));
	assert_in_range(live_count(live), TTL, TTL + 4 * TAIL_SLACK_S);
	assert_false(tail_covers(&tail, T0 + 15000 - TAIL_SLACK_S));
	assert_true(tail_covers(&tail, T0 + 15001));
}

/* For a while the signer's clock was a day behind: what it signed then lies between what lives. */
static void test_a_wrong_clock_in_the_log_hides_nothing(void **unused)
{
	(void)unused;
	add_tokens(0, 3000, T0, TTL);
	add_tokens(3000, 4200, T0 - 86400, TTL);
	add_tokens(4200, 4300, T0 + 3000, TTL);
	follow(T0 + 3100);
	for (uint64_t i = 0; i < 3000; i++)
		if (T0 + (int64_t)i + TTL > T0 + 3100)
			assert_true(knows(i, T0 + (int64_t)i + TTL));
	assert_true(knows(4299, T0 + 3099 + TTL));
}

static void add_bundles(uint64_t n, int64_t iat_s)
{
	for (uint64_t i = 0; i < n * TILE_WIDTH; i++)
		kit_add(&kit, kit.size, iat_s, iat_s + TTL);
}

/* The same, where steps that double would go from what it signed to what is truly old. */
static void test_what_lives_is_not_stepped_over(void **unused)
{
	(void)unused;
	add_bundles(27, T0 - 100000);
	add_bundles(12, T0);
	add_bundles(18, T0 - 86400);
	add_bundles(1, T0 + 10);
	follow(T0 + 10);
	for (uint64_t i = 27; i < 39; i++) {
		assert_true(knows(i * TILE_WIDTH, T0 + TTL));
		assert_true(knows(i * TILE_WIDTH + TILE_WIDTH - 1, T0 + TTL));
	}
}

static void test_pruned_entries_are_not_missed(void **unused)
{
	(void)unused;
	add_tokens(0, 15000, T0, TTL);
	kit.gone = 20;
	follow(T0 + 15000);
	assert_true(knows(14999, T0 + 14999 + TTL));
}

/* It was cut off, and what it had not read is gone: all of that has expired. */
static void test_it_starts_over_behind_a_prune(void **unused)
{
	(void)unused;
	add_tokens(0, 1000, T0, TTL);
	follow(T0 + 1000);
	add_tokens(1000, 15000, T0 + 1000, TTL);
	kit.gone = 20; /* bundles */
	follow(T0 + 15000);
	assert_false(tail.broken);
	for (uint64_t i = 15000 - TTL; i < 15000; i++)
		assert_true(knows(i, T0 + (int64_t)i + TTL));
	assert_false(tail_covers(&tail, T0 + 15000 - TAIL_SLACK_S));
	assert_true(tail_covers(&tail, T0 + 15001));
	add_tokens(15000, 15100, T0 + 15000, TTL);
	follow(T0 + 15100);
}

/* Some of it has not: nothing is said to be absent. */
static void test_what_may_live_is_not_passed_over(void **unused)
{
	(void)unused;
	add_tokens(0, 1000, T0, TTL);
	follow(T0 + 1000);
	add_tokens(1000, 3000, T0 + 1000, TTL);
	kit.gone = 6;
	MUST(head_at(T0 + 3000));
	assert_int_equal(ch_code_of(run(T0 + 3000)), CH_E_NOT_FOUND);
	assert_false(tail.broken);
	assert_int_equal(tail.believed.size, 1000);
	assert_true(knows(999, T0 + 999 + TTL));
	kit.gone = 0;
	MUST(run(T0 + 3000));
	assert_int_equal(live_count(live), 3000);
}

/* Nor is another tree gone over to, behind what was pruned. */
static void test_behind_a_prune_it_is_the_same_tree(void **unused)
{
	(void)unused;
	add_tokens(0, 1000, T0, TTL);
	follow(T0 + 1000);
	add_tokens(1000, 15000, T0 + 1000, TTL);
	kit.entries[5] = kit.entries[6];
	kit.gone = 20;
	MUST(head_at(T0 + 15000));
	assert_true(failed(run(T0 + 15000)));
	assert_int_equal(tail.believed.size, 1000);
	assert_false(knows(14999, T0 + 14999 + TTL));
}

/* A log that lies with its key: any size, and entries without end. */
static void test_what_is_read_is_bounded(void **unused)
{
	(void)unused;
	tail.read_max = 1000;
	add_tokens(0, 900, T0, TTL);
	follow(T0 + 900);
	add_tokens(900, 2500, T0 + 900, TTL);
	MUST(head_at(T0 + 2500));
	assert_int_equal(ch_code_of(run(T0 + 2500)), CH_E_LIMIT);
	assert_null(tail.staged);
	assert_int_equal(tail.believed.size, 900);
	assert_true(knows(899, T0 + 899 + TTL));
	/* much was issued while it was cut off, of which little lives: that it goes over to */
	add_tokens(2500, 9000, T0 + 2500, TTL);
	tail.read_max = 5000;
	kit.asked = 0;
	follow(T0 + 9000);
	assert_true(knows(8999, T0 + 8999 + TTL));
	/* the same at a start */
	tail.read_max = 1000;
	tail.started = false;
	add_tokens(9000, 9001, T0 + 9000, TTL);
	MUST(head_at(T0 + 9001));
	assert_int_equal(ch_code_of(run(T0 + 9001)), CH_E_LIMIT);
	assert_int_equal(live_count(live), 0);
}

static void test_what_is_kept_is_bounded(void **unused)
{
	(void)unused;
	struct live *small = NULL;
	MUST(live_new(1000, &small));
	tail.live = small;
	add_tokens(0, 600, T0, TTL);
	follow(T0 + 600);
	/* longer than any token here may live: no gate takes one, and nothing is kept of it */
	add_tokens(600, 3000, T0, TTL + 1);
	follow(T0 + 600);
	assert_int_equal(live_count(small), 600);
	add_tokens(3000, 3401, T0, TTL);
	MUST(head_at(T0 + 601));
	assert_int_equal(ch_code_of(run(T0 + 601)), CH_E_LIMIT);
	assert_int_equal(live_count(small), 600);
	tail.live = live;
	live_free(small);
}

/* What may live is missing: nothing is believed. */
static void test_missing_entries_are(void **unused)
{
	(void)unused;
	add_tokens(0, 3000, T0, TTL);
	kit.gone = 2;
	MUST(head_at(T0 + 3000));
	assert_int_equal(ch_code_of(run(T0 + 3000)), CH_E_NOT_FOUND);
	assert_false(tail.started || tail.broken);
	kit.gone = 0;
	MUST(run(T0 + 3000));
	assert_int_equal(live_count(live), 3000);
}

static void test_only_access_tokens_are_live(void **unused)
{
	(void)unused;
	kit_add_typ(&kit, 1, T0, T0 + 300, LOG_TYP_JWT);
	kit_add(&kit, 2, T0, T0 + 300);
	follow(T0);
	assert_false(knows(1, T0 + 300));
	assert_true(knows(2, T0 + 300));
}

static void test_unsigned_heads_change_nothing(void **unused)
{
	(void)unused;
	uint64_t size = 0;
	add_tokens(0, 10, T0, TTL);
	str note = kit_head(&kit, T0, room);
	for (size_t i = 0; i < note.n; i++) {
		room[i] ^= 1;
		assert_true(failed(tail_head(&tail, note, &size)));
		room[i] ^= 1;
		assert_true(failed(tail_head(&tail, str_sub(note, 0, i), &size)));
	}
	assert_false(tail.has_head || tail.broken);
	MUST(tail_head(&tail, note, &size));
	assert_int_equal(size, 10);
}

static void test_damaged_entries_are_no_fork(void **unused)
{
	(void)unused;
	add_tokens(0, 300, T0, TTL);
	follow(T0);
	add_tokens(300, 600, T0, TTL);
	kit.damaged = true;
	MUST(head_at(T0 + 1));
	assert_int_equal(ch_code_of(run(T0 + 1)), CH_E_LOG);
	assert_false(tail.broken);
	assert_true(knows(299, T0 + 299 + TTL));
	assert_false(knows(301, T0 + 1 + TTL));
	kit.damaged = false;
	MUST(run(T0 + 1));
	assert_true(knows(301, T0 + 1 + TTL));
}

static void test_damage_at_the_start(void **unused)
{
	(void)unused;
	add_tokens(0, 300, T0, TTL);
	kit.damaged = true;
	MUST(head_at(T0 + 1));
	assert_int_equal(ch_code_of(run(T0 + 1)), CH_E_LOG);
	assert_false(tail.started || tail.broken);
	assert_int_equal(live_count(live), 0);
}

/* The log is signed anew with another entry in the middle. */
static void rewrite(uint64_t at, uint64_t size)
{
	uint64_t old = kit.size;
	kit.size = at;
	kit_add(&kit, 999999, T0, T0 + TTL);
	for (uint64_t i = at + 1; i < size && i < old; i++)
		kit.size++;
	for (uint64_t i = kit.size; i < size; i++)
		kit_add(&kit, i, T0, T0 + TTL);
}

static void test_another_tree_of_the_same_size(void **unused)
{
	(void)unused;
	add_tokens(0, 700, T0, TTL);
	follow(T0);
	rewrite(5, 700);
	assert_int_equal(ch_code_of(head_at(T0 + 1)), CH_E_MISMATCH);
	assert_true(tail.broken);
	assert_true(failed(run(T0 + 1)));
	assert_true(failed(head_at(T0 + 2)));
}

static void test_a_larger_tree_that_is_another(void **unused)
{
	(void)unused;
	add_tokens(0, 700, T0, TTL);
	follow(T0);
	rewrite(5, 900);
	MUST(head_at(T0 + 1));
	assert_int_equal(ch_code_of(run(T0 + 1)), CH_E_MISMATCH);
	assert_true(tail.broken);
	assert_false(knows(800, T0 + TTL));
}

static void test_a_shorter_log(void **unused)
{
	(void)unused;
	add_tokens(0, 700, T0, TTL);
	follow(T0 + 10);
	kit.size = 600;
	MUST(head_at(T0 + 10)); /* as old as ours: a copy from before */
	assert_false(tail.broken);
	assert_int_equal(ch_code_of(head_at(T0 + 11)), CH_E_MISMATCH);
	assert_true(tail.broken);
}

static void test_a_copy_of_an_earlier_head(void **unused)
{
	(void)unused;
	uint64_t size = 0;
	uint8_t before[KIT_NOTE];
	add_tokens(0, 100, T0, TTL);
	str note = kit_head(&kit, T0 + 50, before);
	MUST(tail_head(&tail, note, &size));
	add_tokens(100, 200, T0, TTL);
	MUST(head_at(T0 + 20)); /* the signer's clock was set back */
	MUST(tail_head(&tail, note, &size));
	assert_false(tail.broken);
	assert_int_equal(tail.newest.size, 200);
}

static void test_the_age_of_a_head(void **unused)
{
	(void)unused;
	add_tokens(0, 10, T0, TTL);
	follow(T0);
	assert_int_equal(tail.believed.time_s, T0);
	MUST(head_at(T0 + 7));
	assert_int_equal(tail.believed.time_s, T0 + 7);
	assert_false(tail_busy(&tail));
	MUST(head_at(T0 + 3));
	assert_int_equal(tail.believed.time_s, T0 + 7);
}

/* Set ahead, then right again: what was forgotten meanwhile is read again. */
static void test_a_clock_that_jumps(void **unused)
{
	(void)unused;
	add_tokens(0, 2000, T0, TTL);
	follow(T0 + 2000);
	kit_add(&kit, 2000, T0 + 2000, T0 + 2000 + TTL);
	MUST(head_at(T0 + 90000)); /* the log's too, else the slower one counts */
	MUST(run(T0 + 90000));
	MUST(run(T0 + 90000));
	assert_false(tail_covers(&tail, T0 + 2000 + TTL));
	kit_add(&kit, 2001, T0 + 2001, T0 + 2001 + TTL);
	follow(T0 + 2001);
	assert_true(tail_covers(&tail, T0 + 2001 + TTL));
	for (uint64_t i = 0; i < 2000; i++)
		if (T0 + (int64_t)i + TTL > T0 + 2001)
			assert_true(knows(i, T0 + (int64_t)i + TTL));
}

static void test_one_fast_clock_forgets_nothing(void **unused)
{
	(void)unused;
	add_tokens(0, 100, T0, TTL);
	MUST(head_at(T0 + 100));
	MUST(run(T0 + 1000000));
	assert_int_equal(live_count(live), 100);
	assert_true(tail_covers(&tail, T0 + TTL));
}

static void test_witnesses(void **unused)
{
	(void)unused;
	struct private_key *keys[3] = { NULL };
	struct note_key w[3];
	static const str names[] = { { "one.test", 8 }, { "two.test", 8 }, { "three.test", 10 } };
	uint64_t size = 0;
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		struct key_parts parts;
		MUST(private_key_generate(ALG_EDDSA, &keys[i]));
		MUST(private_key_public(keys[i], &parts));
		MUST(note_key_make(names[i], NOTE_COSIGNATURE, parts.x, &w[i]));
		MUST(tail_witness(&tail, &w[i]));
	}
	add_tokens(0, 10, T0, TTL);
	MUST(head_at(T0));
	assert_int_equal(tail_witnessed_s(&tail, 1), INT64_MIN);
	MUST(tail_head(&tail, kit_witnessed(&kit, T0 + 1, &w[0], keys[0], room), &size));
	MUST(run(T0 + 1));
	assert_int_equal(tail_witnessed_s(&tail, 1), T0 + 1);
	assert_int_equal(tail_witnessed_s(&tail, 2), INT64_MIN);
	/* a head from before, which was cosigned meanwhile */
	str before = kit_witnessed(&kit, T0 + 5, &w[2], keys[2], room);
	uint8_t other[KIT_NOTE];
	add_tokens(10, 700, T0, TTL);
	MUST(tail_head(&tail, kit_head(&kit, T0 + 6, other), &size));
	MUST(tail_cosigned(&tail, before));
	MUST(run(T0 + 6));
	assert_int_equal(tail.believed.size, 700);
	assert_int_equal(tail_witnessed_s(&tail, 1), T0 + 5);
	assert_int_equal(tail_witnessed_s(&tail, 2), T0 + 1);
	/* a line of a witness that is none of its key's */
	assert_true(
		failed(tail_head(&tail, kit_witnessed(&kit, T0 + 6, &w[1], keys[0], room), &size)));
	/* what witnesses were shown is another tree */
	uint64_t whole = kit.size;
	struct kit_entry kept = kit.entries[3];
	kit.size = 20;
	kit.entries[3] = kit.entries[4];
	str shown = kit_witnessed(&kit, T0 + 5, &w[1], keys[1], room);
	kit.size = whole;
	kit.entries[3] = kept;
	MUST(tail_cosigned(&tail, shown));
	assert_int_equal(ch_code_of(run(T0 + 8)), CH_E_MISMATCH);
	assert_false(tail.broken);
	assert_int_equal(tail_witnessed_s(&tail, 3), INT64_MIN);
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		private_key_free(keys[i]);
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(grows_with_the_log),
		T(a_slow_source_gives_the_same),
		T(begins_where_tokens_live),
		T(a_wrong_clock_in_the_log_hides_nothing),
		T(what_lives_is_not_stepped_over),
		T(pruned_entries_are_not_missed),
		T(missing_entries_are),
		T(it_starts_over_behind_a_prune),
		T(what_may_live_is_not_passed_over),
		T(behind_a_prune_it_is_the_same_tree),
		T(what_is_read_is_bounded),
		T(what_is_kept_is_bounded),
		T(only_access_tokens_are_live),
		T(unsigned_heads_change_nothing),
		T(damaged_entries_are_no_fork),
		T(damage_at_the_start),
		T(another_tree_of_the_same_size),
		T(a_larger_tree_that_is_another),
		T(a_shorter_log),
		T(a_copy_of_an_earlier_head),
		T(the_age_of_a_head),
		T(a_clock_that_jumps),
		T(one_fast_clock_forgets_nothing),
		T(witnesses),
	};
	if (failed(crypto_init(NULL)))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
