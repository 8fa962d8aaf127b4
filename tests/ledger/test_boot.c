/* A ledger that was killed, and one whose machine went down: the first finds what it had written, and
 * does not make it again; the second does, and so does who misses a file. */
#include "kit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum { ENTRIES = 600, BATCH = 30, FULL = 512 };

static struct kit kit;

static uint64_t written_tiles(void)
{
	struct logwritten w = { .tiles = 0 };
	int fd = open(kit.log, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	ch_err e = logwritten_read(fd, &w);
	(void)close(fd);
	return failed(e) ? 0 : w.tiles;
}

/* Killed when it has noted that two tiles are full; nothing of them was synced. */
static int open_log(void **state)
{
	*state = &kit;
	kit_open(&kit, kit_fast_folder());
	kit.is_quiet = true;
	kit.boot.id[0] = 'a';
	kit.config.segment_bytes = 32 * 1024;
	kit_must_start(&kit);
	int signer = kit_attach(&kit, "main"), reader = kit_connect(&kit);
	uint64_t seq = 0;
	for (uint64_t at = 0; at < ENTRIES; at += BATCH)
		kit_append(signer, ++seq, at, BATCH);
	while (kit_ask(&kit, reader, true).size < ENTRIES || written_tiles() < FULL)
		kit_sign(&kit, 10, 1);
	(void)kill(kit.pid, SIGKILL);
	kit_reap(&kit);
	(void)close(signer);
	(void)close(reader);
	kit_save(&kit, "killed");
	return 0;
}

static int close_log(void **state)
{
	kit_close(*state);
	return 0;
}

static void path_of_bundle(char *to, size_t n)
{
	(void)snprintf(to, n, "%.200s/tile/entries/000", kit.log);
}

/* A bit of the first bundle; the size stays. */
static void flip_bundle(void)
{
	char path[300];
	uint8_t byte = 0;
	path_of_bundle(path, sizeof(path));
	int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, 30), 1);
	byte ^= 4;
	assert_int_equal(pwrite(fd, &byte, 1, 30), 1);
	(void)close(fd);
}

/* What the check finds damaged when a ledger has started on it, and gone on. */
static uint64_t damaged_after_start(void)
{
	kit_must_start(&kit);
	int signer = kit_attach(&kit, "main"), reader = kit_connect(&kit);
	struct head h = kit_ask(&kit, reader, true);
	assert_int_equal(h.size, ENTRIES);
	assert_int_equal(kit_append(signer, 1, ENTRIES, 3), ENTRIES);
	assert_int_equal(kit_ask(&kit, reader, true).size, ENTRIES + 3);
	assert_int_equal(kit_stop(&kit), 0);
	(void)close(signer);
	(void)close(reader);
	return kit_damaged(&kit);
}

static void again(struct head last)
{
	kit_restore(&kit, "killed");
	kit.signed_last = last;
}

static void test_boot(void **state)
{
	(void)state;
	char path[300];
	struct head last = kit.signed_last;
	assert_int_equal(damaged_after_start(), 0);
	/* of this boot: not even read */
	again(last);
	flip_bundle();
	assert_true(damaged_after_start() > 0);
	/* of another one, or of none that is known: made again */
	again(last);
	flip_bundle();
	kit.boot.id[0] = 'b';
	assert_int_equal(damaged_after_start(), 0);
	again(last);
	flip_bundle();
	kit.boot.id[0] = 0;
	assert_int_equal(damaged_after_start(), 0);
	/* not there, though it was written: the disk went away, and the machine did not */
	kit.boot.id[0] = 'a';
	path_of_bundle(path, sizeof(path));
	again(last);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(damaged_after_start(), 0);
	again(last);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(damaged_after_start(), 0);
}

static void test_note_is_damaged(void **state)
{
	(void)state;
	char path[300];
	struct head last = kit.signed_last;
	(void)snprintf(path, sizeof(path), "%.200s/written", kit.log);
	again(last);
	assert_int_equal(truncate(path, 50), 0);
	assert_int_equal(kit_damaged(&kit), 1);
	flip_bundle();
	assert_int_equal(damaged_after_start(), 0);
	again(last);
	assert_int_equal(truncate(path, 50), 0);
	assert_false(failed(kit_repair(&kit)));
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(damaged_after_start(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_boot, open_log, close_log),
		cmocka_unit_test_setup_teardown(test_note_is_damaged, open_log, close_log),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
