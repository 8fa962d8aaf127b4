/* Batches into chains: each record once, however often its batch comes, across restarts; gaps are
 * told; another chain of the gate begins anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "taken.h"

static char folder[] = "/tmp/chancery-taken-XXXXXX";
static struct collector_config config;
static struct taken taken;
static uint8_t room[REPORT_BATCH_MAX];

static void open_it(void)
{
	taken = (struct taken){ .dir_fd = -1 };
	assert_false(failed(taken_open(&taken, &config)));
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return 1;
	config = (struct collector_config){ .sightings = str_from_c(folder),
					    .total_mb = 4,
					    .keep_days = 30,
					    .n_gates = 2,
					    .gates = { { .name = LIT("a") },
						       { .name = LIT("b") } } };
	open_it();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	taken_close(&taken);
	AUTO(fd_close) int fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return failed(dir_remove(fd, folder + 5));
}

/* n records of lost sightings, which say their own number. */
static bytes batch(uint8_t id, uint64_t seq, uint16_t n)
{
	struct wr w = wr_of(room, sizeof(room));
	report_begin(&w, &(struct report_batch){ .chain = 0, .id = { id }, .seq = seq });
	for (uint64_t i = 0; i < n; i++) {
		uint8_t payload[8];
		struct wr p = wr_of(payload, sizeof(payload));
		wr_u64(&p, seq + i);
		assert_true(report_add(
			&w, &(struct report_record){ SIGHTING_LOST, 1000, BYTES_OF(payload) }));
	}
	report_end(&w, n);
	return wr_bytes(&w);
}

static struct taken_done take(size_t gate, bytes b)
{
	struct rd r;
	struct report_batch head;
	struct taken_done done = { 0 };
	assert_false(failed(report_open(b, &r, &head)));
	assert_false(failed(taken_batch(&taken, gate, &head, r, &done)));
	return done;
}

static uint64_t place(size_t gate, uint8_t id)
{
	uint64_t next = 77;
	const struct report_batch b = { .chain = 0, .id = { id } };
	assert_false(failed(taken_place(&taken, gate, &b, &next)));
	return next;
}

/* Numbers that the chain of a gate holds, in order. */
static size_t read_all(const char *name, uint64_t *ret, size_t cap)
{
	static uint8_t space[CHAIN_ROOM_MAX];
	struct chain_cursor k;
	struct chain_record record;
	bool got = true;
	size_t n = 0;
	const struct chain_ref ref = { taken.dir_fd, name, report_kept_purpose[0], space,
				       sizeof(space) };
	assert_false(failed(cursor_open(&k, &ref, CHAIN_OLDEST)));
	while (true) {
		struct report_kept t;
		assert_false(failed(cursor_next(&k, &record, &got)));
		if (!got)
			break;
		assert_false(failed(report_kept_read(record.payload, &t)));
		assert_int_equal(record.type, SIGHTING_LOST);
		assert_true(n < cap);
		ret[n++] = t.seq;
	}
	cursor_close(&k);
	return n;
}

static void each_record_once(void **state)
{
	uint64_t seqs[64] = { 0 };
	(void)state;
	assert_int_equal(place(0, 1), 0);
	assert_int_equal(take(0, batch(1, 0, 10)).records, 10);
	assert_int_equal(place(0, 1), 10);
	/* the answer was lost: it comes again, and then overlapping */
	assert_int_equal(take(0, batch(1, 0, 10)).repeated, 10);
	struct taken_done done = take(0, batch(1, 5, 10));
	assert_int_equal(done.repeated, 5);
	assert_int_equal(done.records, 5);
	assert_int_equal(done.gap, 0);
	taken_close(&taken);
	open_it();
	assert_int_equal(place(0, 1), 15);
	assert_int_equal(take(0, batch(1, 14, 2)).records, 1);
	assert_int_equal(read_all("a/signed", seqs, 64), 16);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(seqs[i], i);
}

static void a_gap_is_told(void **state)
{
	(void)state;
	struct taken_done done = take(0, batch(1, 30, 1));
	assert_int_equal(done.gap, 14);
	assert_int_equal(place(0, 1), 31);
}

/* A collector that lost what it had (a restore) and a gate that goes on from where it was. */
static void what_was_lost_is_asked_for(void **state)
{
	(void)state;
	taken_close(&taken);
	open_it();
	struct taken_done done = take(0, batch(1, 40, 5));
	assert_true(done.elsewhere);
	assert_int_equal(done.records, 0);
	assert_int_equal(done.gap, 0);
	/* that is the answer; the gate has erased a part of it */
	assert_int_equal(place(0, 1), 31);
	done = take(0, batch(1, 35, 10));
	assert_false(done.elsewhere);
	assert_int_equal(done.records, 10);
	assert_int_equal(done.gap, 4);
	assert_int_equal(place(0, 1), 45);
	/* what follows needs no question, nor does one chain's answer count for another's */
	taken_close(&taken);
	open_it();
	assert_int_equal(take(0, batch(1, 45, 1)).records, 1);
	assert_true(take(0, batch(9, 3, 1)).elsewhere);
	assert_int_equal(place(0, 9), 0);
	assert_int_equal(take(0, batch(9, 3, 1)).gap, 3);
}

static void chains_and_gates_are_apart(void **state)
{
	(void)state;
	assert_int_equal(place(1, 1), 0);
	assert_int_equal(take(1, batch(1, 0, 3)).records, 3);
	/* the gate began another chain */
	assert_int_equal(place(1, 2), 0);
	assert_int_equal(take(1, batch(2, 0, 2)).records, 2);
	assert_int_equal(place(1, 2), 2);
	assert_int_equal(place(0, 1), 31);
}

static void a_batch_is_taken_whole_or_not(void **state)
{
	struct rd r;
	struct report_batch head;
	struct taken_done done;
	uint64_t before = place(0, 1);
	bytes b = batch(1, before, 5);
	(void)state;
	/* the third record is no sighting */
	room[REPORT_BATCH_HEAD + 2 * (REPORT_RECORD_HEAD + 8) + 1] = 99;
	assert_false(failed(report_open(b, &r, &head)));
	assert_true(failed(taken_batch(&taken, 0, &head, r, &done)));
	assert_int_equal(place(0, 1), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_record_once),
		cmocka_unit_test(a_gap_is_told),
		cmocka_unit_test(chains_and_gates_are_apart),
		cmocka_unit_test(a_batch_is_taken_whole_or_not),
		cmocka_unit_test(what_was_lost_is_asked_for),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
