/* The walk shows finders all memory that is not zero, once, and cuts nothing apart; so it does
 * with a second thread, which has half of it and finders of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "beside/beside.h"
#include "redact/finder.h"

enum { BASE = 0x10000, SIZE = 2 * 1024 * 1024, KB = 1024, PAGE = 4096 };

/* Memory at BASE of which a part may be unreadable or skipped. */
struct fake {
	struct core_memory memory;
	uint8_t p[SIZE];
	uint64_t hole_from, hole_to, gap_from, gap_to;
	size_t most; /* bytes a read */
};

static ch_err fake_read(struct core_memory *m, uint64_t addr, void *to, size_t n, size_t *ret_n)
{
	struct fake *f = (struct fake *)m;
	assert_true(addr >= BASE && addr + n <= BASE + SIZE);
	n = n < f->most ? n : f->most;
	if (addr >= f->hole_from && addr < f->hole_to)
		n = 0;
	else if (addr < f->hole_from && addr + n > f->hole_from)
		n = f->hole_from - addr;
	mem_copy(to, f->p + (addr - BASE), n);
	*ret_n = n;
	return CH_DONE;
}

static ch_err fake_next(struct core_memory *m, uint64_t addr, uint64_t end, uint64_t *ret_from,
			uint64_t *ret_to)
{
	struct fake *f = (struct fake *)m;
	bool before = addr < f->gap_from;
	*ret_from = addr >= f->gap_from && addr < f->gap_to ? f->gap_to : addr;
	*ret_to = before && f->gap_from < end ? f->gap_from : end;
	return CH_DONE;
}

/* Notes what it is shown. */
struct watcher {
	struct finder finder;
	uint8_t times[SIZE]; /* how often a byte was shown as new */
	uint64_t last_end;
	unsigned windows, ends;
	uint64_t needle; /* address of 32 KiB that are to be seen in one piece; 0: none */
	bool seen_whole;
};

static ch_err watch(struct finder *f, struct hunt *h, const struct window *w)
{
	struct watcher *s = (struct watcher *)f;
	struct fake *m = (struct fake *)h->memory;
	uint64_t from = w->addr - BASE;
	assert_true(w->n <= WINDOW_SIZE && w->seen < w->n && w->addr % 8 == 0);
	assert_true(w->addr >= w->load->addr);
	assert_true(w->addr + w->n <= w->load->addr + w->load->file_size);
	assert_memory_equal(w->p, m->p + from, w->n);
	assert_true(!w->seen || !s->windows || w->addr + w->seen == s->last_end);
	for (size_t i = w->seen; i < w->n; i++)
		s->times[from + i]++;
	s->seen_whole |= w->addr <= s->needle && s->needle + WINDOW_OVERLAP <= w->addr + w->n;
	s->last_end = w->addr + w->n;
	s->windows++;
	return CH_DONE;
}

static ch_err finish(struct finder *f, struct hunt *h)
{
	(void)h;
	((struct watcher *)f)->ends++;
	return CH_DONE;
}

static struct fake fake;
static struct watcher watcher, later; /* of the second thread */
static struct beside *beside;         /* or NULL */

static int fresh(void **state)
{
	(void)state;
	mem_zero(&fake, sizeof(fake));
	mem_zero(&watcher, sizeof(watcher));
	mem_zero(&later, sizeof(later));
	fake.memory = (struct core_memory){ fake_read, fake_next };
	fake.most = SIZE;
	watcher.finder = (struct finder){ LIT("watch"), watch, finish, NULL, NULL };
	later.finder = watcher.finder;
	for (size_t i = 0; i < SIZE; i++)
		fake.p[i] = (uint8_t)(i * 7 + i / 251) | 1;
	return 0;
}

static uint64_t run(size_t file_size)
{
	struct finder no_functions = { .name = LIT("none") };
	struct finder *finders[] = { &no_functions, &watcher.finder };
	struct finder *too[] = { &no_functions, &later.finder };
	const struct hunt_helper helper = { beside, &fake.memory, too };
	struct core_load loads[] = {
		{ BASE, SIZE / 2, SIZE / 2, 0, CORE_READ, false },
		{ BASE + SIZE / 2, SIZE / 2, file_size, SIZE / 2, CORE_READ, false },
	};
	struct core_map map = { .loads = loads, .n = 2 };
	struct hunt h = { .map = &map, .memory = &fake.memory };
	h.helper = beside ? &helper : NULL;
	uint64_t unread = 99;
	later.needle = watcher.needle;
	assert_false(failed(hunt_run(&h, finders, 2, &unread)));
	assert_true(watcher.ends == 1 && later.ends == 0);
	watcher.windows += later.windows;
	watcher.seen_whole |= later.seen_whole;
	for (size_t i = 0; i < SIZE; i++)
		watcher.times[i] = (uint8_t)(watcher.times[i] + later.times[i]);
	return unread;
}

static void assert_shown(size_t from, size_t to, unsigned times)
{
	for (size_t i = from; i < to; i++)
		assert_int_equal(watcher.times[i], times);
}

static void all_of_it_once(void **state)
{
	(void)state;
	watcher.needle = BASE + WINDOW_SIZE - 5000;
	assert_int_equal(run(SIZE / 2), 0);
	assert_shown(0, SIZE, 1);
	assert_true(watcher.seen_whole);
	assert_in_range(watcher.windows, 4, 6);
}

static void short_reads_change_nothing(void **state)
{
	(void)state;
	fake.most = 1000;
	watcher.needle = BASE + WINDOW_SIZE - 5000;
	assert_int_equal(run(SIZE / 2), 0);
	assert_shown(0, SIZE, 1);
	assert_true(watcher.seen_whole);
}

static void only_what_the_core_has(void **state)
{
	(void)state;
	assert_int_equal(run(3 * PAGE), 0);
	assert_shown(0, SIZE / 2 + 3 * PAGE, 1);
	assert_shown(SIZE / 2 + 3 * PAGE, SIZE, 0);
}

static void unreadable_pages_are_counted(void **state)
{
	(void)state;
	fake.hole_from = BASE + 100 * KB;
	fake.hole_to = BASE + 108 * KB;
	assert_int_equal(run(SIZE / 2), 8 * KB);
	assert_shown(0, 100 * KB, 1);
	assert_shown(100 * KB, 108 * KB, 0);
	assert_shown(108 * KB, SIZE, 1);
}

static void long_zeros_are_left_out(void **state)
{
	(void)state;
	mem_zero(fake.p + 64 * KB, 200 * KB);
	mem_zero(fake.p + 1280 * KB, 16 * KB);
	watcher.needle = BASE + 1272 * KB;
	assert_int_equal(run(SIZE / 2), 0);
	assert_shown(0, 64 * KB, 1);
	assert_shown(64 * KB, 264 * KB, 0);
	assert_shown(264 * KB, SIZE, 1);
	assert_true(watcher.seen_whole);
}

static void what_memory_skips_is_not_read(void **state)
{
	(void)state;
	mem_zero(fake.p + 64 * KB, 200 * KB);
	fake.gap_from = fake.hole_from = BASE + 64 * KB;
	fake.gap_to = fake.hole_to = BASE + 264 * KB;
	assert_int_equal(run(SIZE / 2), 0);
	assert_shown(0, 64 * KB, 1);
	assert_shown(64 * KB, 264 * KB, 0);
	assert_shown(264 * KB, SIZE, 1);
}

static void short_gaps_are_shown_without_a_read(void **state)
{
	(void)state;
	mem_zero(fake.p + 64 * KB, 4 * KB);
	fake.gap_from = fake.hole_from = BASE + 64 * KB;
	fake.gap_to = fake.hole_to = BASE + 68 * KB;
	watcher.needle = BASE + 50 * KB;
	assert_int_equal(run(SIZE / 2), 0);
	assert_shown(0, SIZE, 1);
	assert_true(watcher.seen_whole);
}

static void nothing_but_zeros(void **state)
{
	(void)state;
	mem_zero(fake.p, SIZE);
	assert_int_equal(run(SIZE / 2), 0);
	assert_int_equal(watcher.windows, 0);
}

static ch_err say_key(struct finder *f, struct hunt *h)
{
	static const uint8_t key[32] = "a key of thirty-two bytes, this";
	struct value one = { VALUE_HMAC_KEY, false, BYTES_OF(key), LIT("test"), BASE };
	(void)f;
	return values_add(h->values, &one);
}

/* The states of an HMAC key are values as well: two for each of three hashes. */
static void states_of_hmac_keys(void **state)
{
	(void)state;
	struct finder finder = { .name = LIT("test"), .end = say_key }, *finders[] = { &finder };
	struct core_map map = { 0 };
	struct hunt h = { .map = &map, .memory = &fake.memory };
	uint64_t unread = 0;
	assert_false(failed(values_new(&h.values)));
	assert_false(failed(hunt_run(&h, finders, 1, &unread)));
	assert_int_equal(values_count(h.values), 7);
	assert_int_equal(values_at(h.values, 1)->is.n, 32);
	assert_int_equal(values_at(h.values, 6)->is.n, 64);
	/* of states there are none */
	assert_false(failed(hunt_run(&h, finders, 1, &unread)));
	assert_int_equal(values_count(h.values), 7);
	values_done(&h.values);
}

static ch_err say_seed(struct finder *f, struct hunt *h)
{
	/* RFC 8032, section 7.1, test 1 */
	static const uint8_t seed[32] = { 0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60,
					  0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
					  0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19,
					  0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60 };
	struct value one = { VALUE_ED25519_SEED, false, BYTES_OF(seed), LIT("test"), BASE };
	(void)f;
	return values_add(h->values, &one);
}

/* What an Ed25519 seed becomes, whoever found it: scalar, its inside, and prefix. */
static void hash_of_seeds(void **state)
{
	(void)state;
	struct finder finder = { .name = LIT("test"), .end = say_seed }, *finders[] = { &finder };
	struct core_map map = { 0 };
	struct hunt h = { .map = &map, .memory = &fake.memory };
	uint64_t unread = 0;
	/* of SHA-512 of the seed: the first nine bytes, and eight of its second half */
	static const uint8_t sha512[] = { 0x35, 0x7c, 0x83, 0x86, 0x4f, 0x28, 0x33, 0xcb, 0x42,
					  0x9b, 0x4f, 0x0a, 0xfe, 0x28, 0x0b, 0x74, 0x6a };
	assert_false(failed(values_new(&h.values)));
	assert_false(failed(hunt_run(&h, finders, 1, &unread)));
	assert_int_equal(values_count(h.values), 4);
	assert_int_equal(values_at(h.values, 1)->is.n, 32);
	assert_int_equal(values_at(h.values, 2)->is.n, 30);
	assert_int_equal(values_at(h.values, 3)->is.n, 32);
	assert_memory_equal(values_at(h.values, 1)->is.p + 1, values_at(h.values, 2)->is.p, 30);
	assert_memory_equal(values_at(h.values, 2)->is.p, sha512 + 1, 8);
	assert_memory_equal(values_at(h.values, 3)->is.p, sha512 + 9, 8);
	values_done(&h.values);
}

static int helped(void **state)
{
	(void)state;
	return failed(beside_new(&beside));
}

static int alone(void **state)
{
	(void)state;
	beside_done(&beside);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(hash_of_seeds, fresh),
		cmocka_unit_test_setup(all_of_it_once, fresh),
		cmocka_unit_test_setup(short_reads_change_nothing, fresh),
		cmocka_unit_test_setup(only_what_the_core_has, fresh),
		cmocka_unit_test_setup(unreadable_pages_are_counted, fresh),
		cmocka_unit_test_setup(long_zeros_are_left_out, fresh),
		cmocka_unit_test_setup(what_memory_skips_is_not_read, fresh),
		cmocka_unit_test_setup(short_gaps_are_shown_without_a_read, fresh),
		cmocka_unit_test_setup(nothing_but_zeros, fresh),
		cmocka_unit_test_setup(states_of_hmac_keys, fresh),
	};
	int by_one = cmocka_run_group_tests(tests, NULL, NULL);
	return by_one + cmocka_run_group_tests_name("beside", tests, helped, alone);
}
