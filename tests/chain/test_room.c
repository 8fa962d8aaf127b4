/* Room ahead of the last frame: what a crash leaves in it, byte by byte, holes, flips, and that closed
 * segments have none. */
#include "kit.h"

#include <unistd.h>

enum { FILE_CAP = 64 * 1024, AHEAD = 4096, BATCHES = 4 };
static uint8_t whole[FILE_CAP], other[FILE_CAP];

static int begin(void **state)
{
	kit_ahead = AHEAD;
	return kit_begin(state);
}

static ch_err open_again(struct chain *c, struct chain_opened *o)
{
	struct chain_config config = kit_config();
	return chain_open(c, &config, NOW_MS, o);
}

/* As a crash leaves it; where each frame begins is in at[], then the end. */
static size_t make(enum chain_sync sync, uint64_t at[static BATCHES + 1])
{
	struct chain c;
	struct chain_opened o;
	kit_open(&c, &o);
	for (size_t i = 0; i < BATCHES; i++) {
		at[i] = c.end;
		kit_batch(&c, 3, sync);
	}
	at[BATCHES] = c.end;
	size_t n = kit_load(0, whole, sizeof(whole));
	assert_int_equal(n, c.room_end);
	chain_close(&c);
	assert_int_equal(kit_size(0), at[BATCHES]);
	return n;
}

/* With so many records, and it goes on. */
static void opens_with(uint64_t records, uint64_t most_cut)
{
	struct chain c;
	struct chain_opened o;
	assert_int_equal(ch_code_of(open_again(&c, &o)), CH_OK);
	assert_int_equal(o.next_seq, records);
	assert_true(o.cut_bytes <= most_cut);
	kit_batch(&c, 2, CHAIN_LATER);
	chain_close(&c);
	assert_int_equal(kit_read_all(), records + 2);
}

static void reads(uint64_t records)
{
	struct chain_report report;
	assert_int_equal(kit_verify(&report), CH_OK);
	assert_int_equal(report.records, records);
}

static void test_room(void **state)
{
	struct chain c;
	struct chain_opened o;
	(void)state;
	kit_open(&c, &o);
	kit_batch(&c, 1, CHAIN_NOW);
	size_t size = kit_size(0);
	assert_int_equal(size, c.end + AHEAD);
	for (size_t records = 1; c.end + 1000 < size; records++) {
		assert_int_equal(kit_size(0), size);
		assert_int_equal(kit_read_all(), records);
		kit_batch(&c, 1, CHAIN_NOW);
	}
	/* the next room begins where this one ends */
	while (c.room_end == size)
		kit_batch(&c, 1, CHAIN_LATER);
	uint64_t records = c.next_seq;
	assert_int_equal(c.room_end, c.end + AHEAD);
	reads(records);
	size_t n = kit_load(0, whole, sizeof(whole));
	chain_close(&c);
	kit_store(0, whole, n);
	opens_with(records, 0);
}

/* Of the last frame any number of bytes, then the zeros that were there before. */
static void test_every_byte_of_a_frame(void **state)
{
	uint64_t at[BATCHES + 1];
	(void)state;
	size_t n = make(CHAIN_NOW, at);
	for (size_t k = at[3]; k <= at[4]; k++) {
		mem_copy(other, whole, n);
		mem_wipe(other + k, n - k);
		kit_store(0, other, n);
		/* a reader cannot tell half a frame's hash from a damaged one */
		if (k <= at[4] - CHAIN_HASH_SIZE && (k == at[3] || k >= at[3] + FRAME_HEADER))
			reads(k == at[4] ? 12 : 9);
		opens_with(k == at[4] ? 12 : 9, k - at[3]);
	}
}

/* The end of it without its beginning, as pages may come to the disk in any order. */
static void test_every_hole(void **state)
{
	uint64_t at[BATCHES + 1];
	struct chain_report report;
	(void)state;
	size_t n = make(CHAIN_NOW, at);
	for (size_t k = at[3] + 1; k < at[4]; k++) {
		mem_copy(other, whole, n);
		mem_wipe(other + at[3], k - at[3]);
		kit_store(0, other, n);
		/* its first bytes are zero anyhow */
		if (bytes_eq((bytes){ other, n }, (bytes){ whole, n }))
			continue;
		assert_int_equal(kit_verify(&report), CH_E_MISMATCH);
		opens_with(9, at[4] - at[3]);
	}
}

/* The room's own zeros may be on the disk only in part, and the file of any size. */
static void test_every_size(void **state)
{
	uint64_t at[BATCHES + 1];
	(void)state;
	size_t n = make(CHAIN_NOW, at);
	for (size_t cut = at[3]; cut <= n; cut += cut < at[4] + 40 ? 1 : 97) {
		size_t records = cut < at[4] ? 9 : 12;
		kit_store(0, whole, cut);
		reads(records);
		opens_with(records, at[4] - at[3]);
	}
}

static void test_every_flip(void **state)
{
	struct chain c;
	struct chain_opened o;
	struct chain_report report;
	uint64_t at[BATCHES + 1];
	(void)state;
	size_t n = make(CHAIN_NOW, at);
	for (size_t i = 0; i < n; i += i < at[4] + 40 ? 1 : 97) {
		mem_copy(other, whole, n);
		other[i] ^= (uint8_t)(1 << i % 8);
		kit_store(0, other, n);
		enum ch_code code = kit_verify(&report);
		assert_true(code == CH_E_MISMATCH || code == CH_E_UNSUPPORTED);
		code = ch_code_of(open_again(&c, &o));
		if (i >= at[3]) {
			assert_int_equal(code, CH_OK);
			assert_int_equal(o.next_seq, i < at[4] ? 9 : 12);
			chain_close(&c);
			continue;
		}
		assert_true(code == CH_E_MISMATCH || code == CH_E_UNSUPPORTED);
		assert_int_equal(kit_load(0, other, sizeof(other)), n);
	}
}

/* A frame that was durable, and is zeros now, is damage as long as there is one behind it. */
static void test_wiped_frames(void **state)
{
	struct chain c;
	struct chain_opened o;
	struct chain_report report;
	uint64_t at[BATCHES + 1];
	(void)state;
	size_t n = make(CHAIN_NOW, at);
	for (size_t i = 0; i < BATCHES - 1; i++) {
		mem_copy(other, whole, n);
		mem_wipe(other + at[i], at[i + 1] - at[i]);
		kit_store(0, other, n);
		assert_int_equal(kit_verify(&report), CH_E_MISMATCH);
		assert_int_equal(report.fault.offset, at[i]);
		assert_int_equal(ch_code_of(open_again(&c, &o)), CH_E_MISMATCH);
		assert_int_equal(o.fault.offset, at[i]);
	}
}

static void test_closed_segments_have_none(void **state)
{
	struct chain c;
	struct chain_opened o;
	struct chain_report report;
	(void)state;
	kit_open(&c, &o);
	kit_batch(&c, 3, CHAIN_NOW);
	uint64_t end = c.end;
	assert_false(failed(chain_rotate(&c, NOW_MS)));
	assert_int_equal(kit_size(0), end);
	kit_batch(&c, 2, CHAIN_NOW);
	chain_close(&c);
	assert_int_equal(kit_read_all(), 5);
	size_t n = kit_load(0, whole, sizeof(whole));
	mem_wipe(whole + n, AHEAD);
	for (size_t more = 1; more < AHEAD; more += 31) {
		kit_store(0, whole, n + more);
		assert_int_equal(kit_verify(&report), CH_E_MISMATCH);
		assert_int_equal(ch_code_of(open_again(&c, &o)), CH_E_MISMATCH);
	}
}

/* It ends with its segment, and a large batch has none. */
static void test_bounds(void **state)
{
	static uint8_t payload[AHEAD / 8];
	struct chain c;
	struct chain_opened o;
	struct chain_config config = kit_config();
	(void)state;
	config.limits.ahead_bytes = CHAIN_AHEAD_MAX + 1;
	assert_int_equal(ch_code_of(chain_open(&c, &config, NOW_MS, &o)), CH_E_RANGE);
	config.limits.ahead_bytes = AHEAD;
	config.limits.segment_bytes = SEGMENT_SMALL;
	assert_int_equal(ch_code_of(chain_open(&c, &config, NOW_MS, &o)), CH_OK);
	kit_batch(&c, 1, CHAIN_NOW);
	assert_int_equal(c.room_end, SEGMENT_SMALL);
	while (c.segment_first == 0)
		kit_batch(&c, 1, CHAIN_NOW);
	chain_close(&c);
	kit_open(&c, &o);
	assert_false(failed(chain_add(&c, 1, 0, BYTES_OF(payload))));
	assert_false(failed(chain_write(&c, NOW_MS, CHAIN_NOW)));
	assert_int_equal(c.room_end, c.end);
	chain_close(&c);
}

#define room_test(f) cmocka_unit_test_setup_teardown(f, begin, kit_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		room_test(test_room),
		room_test(test_every_byte_of_a_frame),
		room_test(test_every_hole),
		room_test(test_every_size),
		room_test(test_every_flip),
		room_test(test_wiped_frames),
		room_test(test_closed_segments_have_none),
		room_test(test_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
