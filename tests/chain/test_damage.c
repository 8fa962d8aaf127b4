/* What a crash leaves and what damage is: every truncation, every flipped byte. */
#include "kit.h"

#include <fcntl.h>
#include <unistd.h>

enum { FILE_CAP = 64 * 1024 };
static uint8_t whole[FILE_CAP], other[FILE_CAP];

static ch_err open_again(struct chain *c, struct chain_opened *o)
{
	struct chain_config config = kit_config();
	return chain_open(c, &config, NOW_MS, o);
}

/* A segment of batches of three records; where each frame begins is in at[], then the end. */
static size_t make(size_t frames, enum chain_sync sync, uint64_t *at)
{
	struct chain c;
	struct chain_opened o;
	kit_open(&c, &o);
	for (size_t i = 0; i < frames; i++) {
		at[i] = c.end;
		kit_batch(&c, 3, sync);
	}
	at[frames] = c.end;
	chain_close(&c);
	return kit_load(0, whole, sizeof(whole));
}

static void test_every_truncation(void **state)
{
	struct chain c;
	struct chain_opened o;
	struct chain_report report;
	uint64_t at[5];
	(void)state;
	size_t n = make(4, CHAIN_NOW, at);
	for (size_t cut = 0; cut <= n; cut++) {
		size_t frames = 0;
		kit_store(0, whole, cut);
		if (cut < SEGMENT_HEADER) {
			assert_int_equal(ch_code_of(open_again(&c, &o)), CH_E_MISMATCH);
			assert_int_equal(kit_verify(&report), CH_E_MISMATCH);
			continue;
		}
		while (frames < 4 && at[frames + 1] <= cut)
			frames++;
		/* a reader sees the whole frames and says what is behind them */
		assert_int_equal(kit_verify(&report), CH_OK);
		assert_int_equal(report.records, 3 * frames);
		assert_int_equal(report.torn_bytes, cut - at[frames]);
		/* the writer cuts that off and goes on */
		assert_int_equal(ch_code_of(open_again(&c, &o)), CH_OK);
		assert_int_equal(o.cut_bytes, cut - at[frames]);
		assert_int_equal(o.next_seq, 3 * frames);
		kit_batch(&c, 2, CHAIN_LATER);
		chain_close(&c);
		assert_int_equal(kit_read_all(), 3 * frames + 2);
	}
}

/* Each frame was durable before the next was written: only in the last one can it have been
 * a crash. */
static void test_every_flip(void **state)
{
	struct chain c;
	struct chain_opened o;
	struct chain_report report;
	uint64_t at[5];
	(void)state;
	size_t n = make(4, CHAIN_NOW, at);
	for (size_t i = 0; i < n; i++) {
		mem_copy(other, whole, n);
		other[i] ^= (uint8_t)(1 << i % 8);
		kit_store(0, other, n);
		enum ch_code code = kit_verify(&report);
		assert_true(code == CH_E_MISMATCH || code == CH_E_UNSUPPORTED);
		assert_int_equal(report.fault.segment, 0);
		assert_true(report.fault.offset <= i);
		code = ch_code_of(open_again(&c, &o));
		if (i >= at[3]) {
			assert_int_equal(code, CH_OK);
			assert_int_equal(o.cut_bytes, at[4] - at[3]);
			assert_int_equal(o.cut.offset, at[3]);
			chain_close(&c);
			continue;
		}
		assert_true(code == CH_E_MISMATCH || code == CH_E_UNSUPPORTED);
		assert_true(o.fault.offset <= i);
		/* and nothing was touched */
		assert_int_equal(kit_load(0, other, sizeof(other)), n);
	}
}

/* In a finished segment any change is damage, however little of it was synced. */
static void test_flips_in_a_finished_segment(void **state)
{
	struct chain c;
	struct chain_opened o;
	uint64_t at[4];
	(void)state;
	size_t n = make(3, CHAIN_LATER, at);
	kit_open(&c, &o);
	assert_false(failed(chain_rotate(&c, NOW_MS)));
	kit_batch(&c, 1, CHAIN_LATER);
	chain_close(&c);
	for (size_t i = 0; i < n; i++) {
		mem_copy(other, whole, n);
		other[i] ^= 0x80;
		kit_store(0, other, n);
		enum ch_code code = ch_code_of(open_again(&c, &o));
		assert_true(code == CH_E_MISMATCH || code == CH_E_UNSUPPORTED);
		assert_int_equal(o.fault.segment, 0);
	}
	for (size_t cut = 0; cut < n; cut++) {
		kit_store(0, whole, cut);
		assert_int_equal(ch_code_of(open_again(&c, &o)), CH_E_MISMATCH);
		struct chain_report report;
		assert_int_equal(kit_verify(&report), CH_E_MISMATCH);
	}
	kit_store(0, whole, n);
	assert_int_equal(ch_code_of(open_again(&c, &o)), CH_OK);
	chain_close(&c);
}

/* A power cut may keep later pages and lose earlier ones of what was never synced. */
static void test_unsynced_hole(void **state)
{
	struct chain c;
	struct chain_opened o;
	uint64_t at[5];
	(void)state;
	size_t n = make(4, CHAIN_LATER, at);
	mem_copy(other, whole, n);
	for (size_t i = at[1]; i < at[2]; i++)
		other[i] = 0;
	kit_store(0, other, n);
	assert_int_equal(ch_code_of(open_again(&c, &o)), CH_OK);
	assert_int_equal(o.next_seq, 3);
	assert_int_equal(o.cut_bytes, at[4] - at[1]);
	assert_int_equal(o.cut_records, 6);
	chain_close(&c);
	assert_int_equal(kit_read_all(), 3);
}

/* A record that holds a copy of a frame, even of one of this very chain, is not taken for
 * one when the end is torn. */
static void test_imitated_frame(void **state)
{
	struct chain c;
	struct chain_opened o;
	uint64_t at[4];
	(void)state;
	size_t n = make(3, CHAIN_NOW, at);
	kit_open(&c, &o);
	uint64_t torn_at = c.end;
	assert_false(failed(chain_add(&c, 1, 0, (bytes){ whole, n })));
	assert_false(failed(chain_add(&c, 1, 0, (bytes){ whole + at[2], at[3] - at[2] })));
	assert_false(failed(chain_write(&c, NOW_MS, CHAIN_LATER)));
	chain_close(&c);
	size_t m = kit_load(0, other, sizeof(other));
	kit_store(0, other, m - 1);
	assert_int_equal(ch_code_of(open_again(&c, &o)), CH_OK);
	assert_int_equal(o.cut.offset, torn_at);
	assert_int_equal(o.next_seq, 9);
	chain_close(&c);
}

/* Garbage of any kind behind the end is no more than a torn end. */
static void test_garbage_behind(void **state)
{
	struct chain c;
	struct chain_opened o;
	uint64_t at[3];
	(void)state;
	size_t n = make(2, CHAIN_NOW, at);
	for (size_t extra = 1; extra < 5000; extra = extra * 3 + 1) {
		mem_copy(other, whole, n);
		for (size_t i = 0; i < extra; i++)
			other[n + i] = (uint8_t)(i * 151 + extra);
		kit_store(0, other, n + extra);
		assert_int_equal(ch_code_of(open_again(&c, &o)), CH_OK);
		assert_int_equal(o.cut_bytes, extra);
		assert_int_equal(o.next_seq, 6);
		chain_close(&c);
	}
}

static void segments_of_two(uint64_t *ret_second)
{
	struct chain c;
	struct chain_opened o;
	kit_open(&c, &o);
	kit_batch(&c, 5, CHAIN_LATER);
	assert_false(failed(chain_rotate(&c, NOW_MS)));
	*ret_second = c.segment_first;
	kit_batch(&c, 5, CHAIN_LATER);
	assert_false(failed(chain_rotate(&c, NOW_MS)));
	kit_batch(&c, 5, CHAIN_LATER);
	chain_close(&c);
}

static void remove_segment(uint64_t segment)
{
	struct path name;
	int dir = open(kit_folder(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	segment_name(&name, segment);
	assert_int_equal(unlinkat(dir, name.p, 0), 0);
	(void)close(dir);
}

static void test_missing_segment(void **state)
{
	struct chain c;
	struct chain_opened o;
	struct chain_report report;
	uint64_t second = 0;
	(void)state;
	segments_of_two(&second);
	remove_segment(second);
	assert_int_equal(kit_verify(&report), CH_E_MISMATCH);
	assert_int_equal(ch_code_of(open_again(&c, &o)), CH_E_MISMATCH);
}

static void test_foreign_segment(void **state)
{
	struct chain c;
	struct chain_opened o;
	struct chain_report report;
	uint64_t second = 0;
	(void)state;
	segments_of_two(&second);
	size_t n = kit_load(second, whole, sizeof(whole));
	for (uint64_t s = 0; s <= 2 * second; s += second)
		remove_segment(s);
	segments_of_two(&second);
	assert_int_equal(kit_verify(&report), CH_OK);
	kit_store(second, whole, n); /* the same records, of another chain */
	assert_int_equal(kit_verify(&report), CH_E_MISMATCH);
	assert_int_equal(report.fault.segment, second);
	assert_int_equal(ch_code_of(open_again(&c, &o)), CH_E_MISMATCH);
	n = kit_load(0, whole, sizeof(whole)); /* a name that is not its own */
	kit_store(second, whole, n);
	assert_int_equal(kit_verify(&report), CH_E_MISMATCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kit_test(test_every_truncation),
		kit_test(test_every_flip),
		kit_test(test_flips_in_a_finished_segment),
		kit_test(test_unsynced_hole),
		kit_test(test_imitated_frame),
		kit_test(test_garbage_behind),
		kit_test(test_missing_segment),
		kit_test(test_foreign_segment),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
