/* Writing a chain, reading it back, segments, retention, the lock. */
#include "kit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_round_trip(void **state)
{
	struct chain c;
	struct chain_opened o;
	struct chain_report report;
	(void)state;
	kit_open(&c, &o);
	assert_true(o.created);
	assert_int_equal(o.next_seq, 0);
	kit_batch(&c, 3, CHAIN_LATER);
	kit_batch(&c, 1, CHAIN_NOW);
	kit_batch(&c, 1000, CHAIN_LATER);
	struct chain_head head = chain_head(&c);
	chain_close(&c);
	assert_int_equal(kit_read_all(), 1004);
	assert_int_equal(kit_verify(&report), CH_OK);
	assert_int_equal(report.records, 1004);
	assert_int_equal(report.frames, 3);
	assert_int_equal(report.segments, 1);
	assert_int_equal(report.head.seq, 1004);
	assert_memory_equal(report.head.hash, head.hash, CHAIN_HASH_SIZE);
	assert_int_equal(report.first_ms, NOW_MS);
	assert_int_equal(report.last_ms, NOW_MS + 1003);
	kit_open(&c, &o);
	assert_false(o.created);
	assert_int_equal(o.next_seq, 1004);
	assert_int_equal(o.cut_bytes, 0);
	kit_batch(&c, 2, CHAIN_NOW);
	chain_close(&c);
	assert_int_equal(kit_read_all(), 1006);
}

static void test_empty(void **state)
{
	struct chain c;
	struct chain_opened o;
	struct chain_report report;
	(void)state;
	assert_int_equal(kit_verify(&report), CH_E_NOT_FOUND);
	kit_open(&c, &o);
	assert_false(failed(chain_write(&c, NOW_MS, CHAIN_NOW)));
	assert_false(failed(chain_rotate(&c, NOW_MS)));
	chain_close(&c);
	assert_int_equal(kit_read_all(), 0);
	assert_int_equal(kit_verify(&report), CH_OK);
	assert_int_equal(report.records, 0);
	assert_int_equal(report.segments, 1);
	chain_close(&c); /* twice is fine */
}

static void test_limits_of_a_batch(void **state)
{
	static const uint8_t large[CHAIN_PAYLOAD_MAX + 1];
	struct chain c;
	struct chain_opened o;
	(void)state;
	kit_open(&c, &o);
	assert_int_equal(ch_code_of(chain_add(&c, 1, 0, (bytes){ large, sizeof(large) })),
			 CH_E_RANGE);
	ch_err e = CH_DONE;
	size_t n = 0;
	while (!failed(e = chain_add(&c, 1, 0, (bytes){ large, CHAIN_PAYLOAD_MAX })))
		n++;
	assert_int_equal(ch_code_of(e), CH_E_FULL);
	assert_int_equal(n,
			 (CHAIN_FRAME_MAX - FRAME_OVERHEAD) / (CHAIN_PAYLOAD_MAX + RECORD_HEADER));
	assert_false(failed(chain_write(&c, NOW_MS, CHAIN_LATER)));
	for (n = 0; !failed(chain_add(&c, 1, 0, (bytes){ NULL, 0 }));)
		n++;
	assert_int_equal(n, CHAIN_RECORDS_MAX);
	chain_drop(&c);
	assert_int_equal(chain_waiting(&c), 0);
	chain_close(&c);
}

static void test_bad_config(void **state)
{
	struct chain c;
	struct chain_opened o;
	struct chain_config bad[] = { kit_config(), kit_config(), kit_config(), kit_config() };
	(void)state;
	bad[0].ref.purpose = (str){ 0 };
	bad[1].ref.cap = CHAIN_ROOM_MIN - 1;
	bad[2].limits.segment_bytes = 10;
	bad[3].limits.total_bytes = 20 * 1024 * 1024; /* less than two segments */
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(ch_code_of(chain_open(&c, &bad[i], NOW_MS, &o)), CH_E_RANGE);
	kit_open(&c, &o);
	chain_close(&c);
	bad[0].ref.purpose = LIT("another");
	assert_int_equal(ch_code_of(chain_open(&c, &bad[0], NOW_MS, &o)), CH_E_MISMATCH);
}

static void test_rights(void **state)
{
	struct chain c;
	struct chain_opened o;
	struct chain_config config = kit_config();
	struct stat st;
	struct path path;
	(void)state;
	config.mode = 0640;
	assert_false(failed(path_join(&path, str_from_c(kit_folder()), LIT("deep"), LIT("er"))));
	config.ref.path = path.p;
	assert_false(failed(chain_open(&c, &config, NOW_MS, &o)));
	chain_close(&c);
	assert_int_equal(stat(path.p, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0750);
	assert_false(failed(path_join(&path, str_from_c(path.p), LIT("00000000000000000000.chain"),
				      (str){ 0 })));
	assert_int_equal(stat(path.p, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
}

static void test_segments_by_size(void **state)
{
	struct chain c;
	struct chain_opened o;
	struct chain_report report;
	struct chain_config config = kit_config();
	(void)state;
	config.limits.segment_bytes = SEGMENT_SMALL;
	assert_false(failed(chain_open(&c, &config, NOW_MS, &o)));
	kit_batches(&c, 200, CHAIN_LATER);
	chain_close(&c);
	assert_int_equal(kit_verify(&report), CH_OK);
	assert_int_equal(report.records, 200);
	assert_in_range(report.segments, 4, 6);
	assert_true(report.bytes <= report.segments * SEGMENT_SMALL);
	assert_int_equal(kit_read_all(), 200);
	/* a batch larger than a segment gets one of its own */
	assert_false(failed(chain_open(&c, &config, NOW_MS, &o)));
	kit_batch(&c, 1000, CHAIN_LATER);
	kit_batch(&c, 1, CHAIN_LATER);
	chain_close(&c);
	assert_int_equal(kit_read_all(), 1201);
}

static void test_segments_by_age(void **state)
{
	struct chain c;
	struct chain_opened o;
	struct chain_report report;
	struct chain_config config = kit_config();
	(void)state;
	config.limits.segment_ms = 1000;
	assert_false(failed(chain_open(&c, &config, NOW_MS, &o)));
	assert_false(failed(chain_tidy(&c, NOW_MS + 5000))); /* empty: no new one */
	kit_batch(&c, 1, CHAIN_LATER);
	assert_false(failed(chain_tidy(&c, NOW_MS + 5000)));
	assert_int_equal(kit_verify(&report), CH_OK);
	assert_int_equal(report.segments, 2);
	kit_batch(&c, 1, CHAIN_LATER);
	assert_false(failed(chain_tidy(&c, NOW_MS + 5999)));
	assert_int_equal(kit_verify(&report), CH_OK);
	assert_int_equal(report.segments, 2);
	assert_int_equal(report.records, 2);
	chain_close(&c);
}

static void test_bound(void **state)
{
	struct chain c;
	struct chain_opened o;
	struct chain_report report;
	struct chain_config config = kit_config();
	(void)state;
	config.limits.segment_bytes = SEGMENT_SMALL;
	config.limits.total_bytes = 4 * SEGMENT_SMALL;
	assert_false(failed(chain_open(&c, &config, NOW_MS, &o)));
	for (int i = 0; i < 20; i++) {
		kit_batches(&c, 50, CHAIN_LATER);
		assert_int_equal(kit_verify(&report), CH_OK);
		assert_true(report.bytes <= config.limits.total_bytes);
	}
	assert_true(report.first_seq > 0);
	assert_int_equal(report.next_seq, 1000);
	assert_int_equal(report.before.seq, report.first_seq);
	assert_int_equal(kit_read_all(), 1000 - report.first_seq);
	struct chain_cursor k;
	ch_err e = cursor_open(&k, &kit_ref, 3);
	assert_int_equal(ch_code_of(e), CH_E_NOT_FOUND);
	assert_int_equal(e.detail, report.first_seq);
	chain_close(&c);
}

static void test_retention_by_age(void **state)
{
	struct chain c;
	struct chain_opened o;
	struct chain_report report;
	struct chain_config config = kit_config();
	(void)state;
	config.limits.keep_ms = 10000;
	config.limits.segment_ms = 1000;
	assert_false(failed(chain_open(&c, &config, NOW_MS, &o)));
	for (int s = 0; s < 30; s++) {
		kit_batch(&c, 1, CHAIN_LATER);
		assert_false(failed(chain_tidy(&c, NOW_MS + s * 1000)));
	}
	assert_int_equal(kit_verify(&report), CH_OK);
	assert_in_range(report.segments, 10, 13);
	assert_int_equal(report.next_seq, 30);
	uint64_t erased = 0;
	assert_false(failed(chain_erase(&kit_ref, NOW_MS + 25000, &erased)));
	assert_true(erased > 3);
	assert_int_equal(kit_verify(&report), CH_OK);
	assert_false(failed(chain_erase(&kit_ref, INT64_MAX - 1, &erased)));
	assert_int_equal(kit_verify(&report), CH_OK);
	assert_int_equal(report.segments, 1); /* the newest stays */
	kit_batch(&c, 1, CHAIN_LATER);        /* and the writer was not disturbed */
	assert_int_equal(kit_verify(&report), CH_OK);
	chain_close(&c);
}

static void test_two_writers(void **state)
{
	struct chain c, d;
	struct chain_opened o;
	struct chain_config config = kit_config();
	static uint8_t room[CHAIN_ROOM_MIN];
	(void)state;
	kit_open(&c, &o);
	config.ref.room = room;
	config.ref.cap = sizeof(room);
	assert_int_equal(ch_code_of(chain_open(&d, &config, NOW_MS, &o)), CH_E_BUSY);
	kit_batch(&c, 1, CHAIN_NOW);
	chain_close(&c);
	assert_int_equal(ch_code_of(chain_open(&d, &config, NOW_MS, &o)), CH_OK);
	chain_close(&d);
}

static void test_kept_head(void **state)
{
	struct chain c;
	struct chain_opened o;
	struct chain_report report;
	struct chain_config config = kit_config();
	(void)state;
	config.limits.segment_bytes = SEGMENT_SMALL;
	assert_false(failed(chain_open(&c, &config, NOW_MS, &o)));
	struct chain_head heads[100];
	for (size_t i = 0; i < COUNT_OF(heads); i++) {
		heads[i] = chain_head(&c);
		kit_batch(&c, 1, CHAIN_LATER);
	}
	chain_close(&c);
	for (size_t i = 0; i < COUNT_OF(heads); i++) {
		assert_false(failed(chain_verify(&kit_ref, &heads[i], &report)));
		heads[i].hash[7] ^= 1;
		assert_int_equal(ch_code_of(chain_verify(&kit_ref, &heads[i], &report)),
				 CH_E_MISMATCH);
		heads[i].hash[7] ^= 1;
	}
	struct chain_head beyond = { .seq = 101 };
	assert_int_equal(ch_code_of(chain_verify(&kit_ref, &beyond, &report)), CH_E_MISMATCH);
	uint64_t erased = 0;
	assert_false(failed(chain_erase(&kit_ref, INT64_MAX - 1, &erased)));
	assert_int_equal(ch_code_of(chain_verify(&kit_ref, &heads[0], &report)), CH_E_NOT_FOUND);
	assert_false(failed(chain_verify(&kit_ref, &heads[99], &report)));
}

/* A file that a crash left before its rename goes away, any other stays. */
static void test_foreign_files(void **state)
{
	struct chain c;
	struct chain_opened o;
	(void)state;
	kit_open(&c, &o);
	kit_batch(&c, 1, CHAIN_NOW);
	chain_close(&c);
	int dir = open(kit_folder(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	static const char *const names[] = { "00000000000000000001.chain.new-0123", "README",
					     "1.chain", "x0000000000000000001.chain" };
	for (size_t i = 0; i < COUNT_OF(names); i++)
		(void)close(openat(dir, names[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	kit_open(&c, &o);
	chain_close(&c);
	assert_int_equal(kit_read_all(), 1);
	for (size_t i = 0; i < COUNT_OF(names); i++)
		assert_int_equal(faccessat(dir, names[i], F_OK, 0), i == 0 ? -1 : 0);
	(void)close(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kit_test(test_round_trip),
		kit_test(test_empty),
		kit_test(test_limits_of_a_batch),
		kit_test(test_bad_config),
		kit_test(test_rights),
		kit_test(test_segments_by_size),
		kit_test(test_segments_by_age),
		kit_test(test_bound),
		kit_test(test_retention_by_age),
		kit_test(test_two_writers),
		kit_test(test_kept_head),
		kit_test(test_foreign_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
