/* What goes in time: the journal at the end of its retention, entries by pruning; the tree stays, and
 * the ledger goes on. Index files find every entry, and repair works without the journal. */
#include "kit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "logstore/check.h"
#include "logstore/state.h"

enum { DAY_MS = 24 * 3600 * 1000, LARGE = 66000, BATCH = 32 };

static struct kit kit;
static int64_t days_on; /* of the ledger's clock */

int64_t __real_clock_unix_ms(void);
int64_t __wrap_clock_unix_ms(void);

int64_t __wrap_clock_unix_ms(void)
{
	return __real_clock_unix_ms() + days_on * DAY_MS;
}

static int open_kit(void **state)
{
	*state = &kit;
	days_on = 0;
	kit_open(&kit, kit_fast_folder());
	kit.config.segment_bytes = 64 * 1024;
	return 0;
}

static int close_kit(void **state)
{
	kit_close(*state);
	return 0;
}

static void must(ch_err e)
{
	if (failed(e))
		fail_msg("%s (%llu)", e.site->what, (unsigned long long)e.detail);
}

/* From `at` on, many at a time; a head over all at the end. */
static uint64_t append(uint64_t at, uint64_t n)
{
	int signer = kit_attach(&kit, "main"), reader = kit_connect(&kit);
	uint64_t sent = 0, answered = 0, end = at + n;
	for (; at < end; at += BATCH) {
		kit_send(signer, ++sent, at, BATCH);
		kit_sign(&kit, 0, 1);
		for (; sent - answered > 8; answered++)
			assert_int_equal(kit_answer(signer).code, CH_OK);
	}
	for (; answered < sent; answered++)
		assert_int_equal(kit_answer(signer).code, CH_OK);
	assert_int_equal(kit_ask(&kit, reader, true).size, at);
	(void)close(signer);
	(void)close(reader);
	return at;
}

static size_t files_in(const char *name, const char *suffix)
{
	char path[256];
	size_t n = 0;
	(void)snprintf(path, sizeof(path), "%.150s/%s", kit.log, name);
	DIR *d = opendir(path);
	assert_non_null(d);
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		n += str_ends(str_from_c(e->d_name), str_from_c(suffix));
	(void)closedir(d);
	return n;
}

static void find(struct logstore *s, uint64_t i, uint64_t size, bool is_there)
{
	static uint8_t room[TILE_ROOM_MAX];
	uint8_t storage[LOG_ENTRY_MAX];
	struct log_entry e;
	uint64_t index = 0;
	bool found = false;
	must(log_entry_read(kit_entry(i, storage), &e));
	must(logstore_find(s, e.hash, size, room, &index, &found));
	assert_int_equal(found, is_there);
	if (found)
		assert_int_equal(index, i);
}

static void each_is_found(void **state)
{
	(void)state;
	AUTO(logstore_close) struct logstore s = { .dir_fd = -1 };
	kit_must_start(&kit);
	uint64_t size = append(0, 3008);
	must(logstore_open(AT_FDCWD, kit.log, &s));
	assert_true(files_in("index", ".index") > 3);
	for (uint64_t i = 0; i < size; i += 7)
		find(&s, i, size, true);
	find(&s, size - 1, size, true);
	find(&s, size, size, false);
	assert_int_equal(kit_stop(&kit), 0);
}

static void retention(void **state)
{
	(void)state;
	kit_must_start(&kit);
	uint64_t at = append(0, 3008);
	assert_int_equal(kit_stop(&kit), 0);
	size_t had = files_in("journal", ".chain");
	assert_true(had > 5);
	/* a day before it is over nothing goes; a day after, all but what still grows */
	days_on = JOURNAL_KEEP_DAYS - 1;
	kit_must_start(&kit);
	at = append(at, 320);
	assert_int_equal(kit_stop(&kit), 0);
	assert_true(files_in("journal", ".chain") >= had);
	/* a clock that is suddenly so much later may be wrong: nothing goes for that alone */
	days_on = JOURNAL_KEEP_DAYS + 2;
	kit_must_start(&kit);
	at = append(at, 1024);
	assert_int_equal(kit_stop(&kit), 0);
	assert_true(files_in("journal", ".chain") > had);
	/* but when the journal has gone on with it */
	kit_must_start(&kit);
	at = append(at, 320);
	assert_int_equal(kit_stop(&kit), 0);
	assert_true(files_in("journal", ".chain") < had);
	assert_int_equal(kit_damaged(&kit), 0);
	kit_check_log(&kit);
	/* what the journal does not have any more, bundles have: tiles and index files come back */
	char command[256];
	(void)snprintf(command, sizeof(command),
		       "cd %.100s && rm tile/0/003 state && rm -r index/* tile/1", kit.log);
	assert_int_equal(system(command), 0);
	assert_int_not_equal(kit_start(&kit), CH_OK);
	assert_true(kit_damaged(&kit) > 0);
	must(kit_repair(&kit));
	assert_int_equal(kit_damaged(&kit), 0);
	kit_must_start(&kit);
	at = append(at, 320);
	assert_int_equal(kit_stop(&kit), 0);
	assert_int_equal(kit_damaged(&kit), 0);
	kit_check_log(&kit);
}

static void pruning(void **state)
{
	(void)state;
	AUTO(logstore_close) struct logstore s = { .dir_fd = -1 };
	struct merkle_proof proof;
	uint64_t erased = 0, point = 0, minimum = 0;
	kit_must_start(&kit);
	uint64_t size = append(0, LARGE);
	assert_int_equal(kit_stop(&kit), 0);
	must(logstore_open(AT_FDCWD, kit.log, &s));
	/* entry i expires 3600 s after 1700000000 + i */
	must(logprune_point(&s, size, 1700003600 + 700, &point));
	assert_int_equal(point, 700);
	must(logprune_point(&s, size, 1600000000, &point));
	assert_int_equal(point, 0);
	size_t indices = files_in("index", ".index");
	assert_int_equal(ch_code_of(logprune(s.dir_fd, size + 1, size, &erased)), CH_E_RANGE);
	must(logprune(s.dir_fd, 60000, size, &erased));
	/* full tiles and bundles that end at or below it, and index files */
	assert_int_equal(erased, 2 * (60000 / 256) + indices - files_in("index", ".index"));
	assert_int_equal(ch_code_of(logprune(s.dir_fd, 59999, size, &erased)), CH_E_RANGE);
	must(logprune(s.dir_fd, 60000, size, &erased));
	assert_int_equal(erased, 0);
	must(logstore_minimum(&s, &minimum));
	assert_int_equal(minimum, 60000);
	assert_int_equal(kit_damaged(&kit), 0);
	must(merkle_prove_inclusion(&s.tiles, 60000, size, &proof));
	must(merkle_prove_consistency(&s.tiles, 60000, size, &proof));
	find(&s, 60001, size, true);
	find(&s, 5, size, false);
	kit_must_start(&kit);
	size = append(size, 320);
	assert_int_equal(kit_stop(&kit), 0);
	assert_int_equal(kit_damaged(&kit), 0);
	must(kit_repair(&kit));
	assert_int_equal(kit_damaged(&kit), 0);
	kit_must_start(&kit);
	(void)append(size, 32);
	assert_int_equal(kit_stop(&kit), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_is_found, open_kit, close_kit),
		cmocka_unit_test_setup_teardown(retention, open_kit, close_kit),
		cmocka_unit_test_setup_teardown(pruning, open_kit, close_kit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
