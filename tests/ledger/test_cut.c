/* Power cuts. What a ledger has synced is remembered, file by file and name by name; then it
 * dies at its n-th sync, and the disk is put together from what was synced alone, with more or less
 * of the rest. The ledger that starts on that must have every entry that a signer was told of, and
 * must go on from the head that was signed last. */
#include "kit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

enum { DIED = 77, PATH = 400 };

static struct kit kit;
static char log_root[PATH], synced_root[PATH]; /* of the child */
static int dies_at, syncs;                     /* of the child */
static size_t step = 7, byte_step = 7 * 13;

int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);

/* --- the disk that survives: DIR/data/INODE, DIR/names/FOLDER's inode --- */

static void copy_file(const char *from, const char *to)
{
	uint8_t room[1 << 16];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n = 0;
	if (in < 0 || out < 0)
		_exit(9);
	while ((n = read(in, room, sizeof(room))) > 0)
		if (write(out, room, (size_t)n) != n)
			_exit(9);
	(void)close(in);
	(void)close(out);
}

static void remember_names(int fd, unsigned long inode)
{
	char to[PATH + 64], of[64];
	(void)snprintf(of, sizeof(of), "/proc/self/fd/%d", fd);
	(void)snprintf(to, sizeof(to), "%s/names-%lu", synced_root, inode);
	DIR *d = opendir(of);
	FILE *out = fopen(to, "w");
	if (!d || !out)
		_exit(9);
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		if (e->d_name[0] != '.')
			(void)fprintf(out, "%lu %d %s\n", (unsigned long)e->d_ino,
				      e->d_type == DT_DIR, e->d_name);
	(void)fclose(out);
	(void)closedir(d);
}

static int sync_and_remember(int fd)
{
	struct stat st;
	char from[64], to[PATH + 64];
	if (++syncs == dies_at)
		_exit(DIED);
	if (fstat(fd, &st) != 0)
		_exit(9);
	if (S_ISDIR(st.st_mode)) {
		remember_names(fd, (unsigned long)st.st_ino);
		return 0;
	}
	(void)snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
	(void)snprintf(to, sizeof(to), "%s/data-%lu", synced_root, (unsigned long)st.st_ino);
	copy_file(from, to);
	return 0;
}

int __wrap_fsync(int fd)
{
	return dies_at ? sync_and_remember(fd) : __real_fsync(fd);
}

int __wrap_fdatasync(int fd)
{
	return dies_at ? sync_and_remember(fd) : __real_fdatasync(fd);
}

/* --- after the cut --- */

/* A file that was never synced has its size and no content, or is as it was: both can be. */
static void revive_file(const char *live, const char *to, unsigned long inode, bool keeps)
{
	char data[PATH + 64];
	(void)snprintf(data, sizeof(data), "%s/data-%lu", synced_root, inode);
	if (access(data, F_OK) == 0) {
		copy_file(data, to);
	} else if (keeps && access(live, F_OK) == 0) {
		copy_file(live, to);
	} else {
		int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		struct stat st;
		assert_true(fd >= 0);
		if (stat(live, &st) == 0)
			assert_int_equal(ftruncate(fd, st.st_size), 0);
		(void)close(fd);
	}
}

static void revive(const char *live, const char *to, unsigned long inode, bool keeps)
{
	char names[PATH + 64], line[300];
	assert_int_equal(mkdir(to, 0755), 0);
	(void)snprintf(names, sizeof(names), "%s/names-%lu", synced_root, inode);
	FILE *in = fopen(names, "r");
	while (in && fgets(line, sizeof(line), in)) {
		unsigned long of = 0;
		int is_folder = 0;
		char name[200], below[PATH * 2], out[PATH * 2];
		if (sscanf(line, "%lu %d %199s", &of, &is_folder, name) != 3)
			fail_msg("a name");
		(void)snprintf(below, sizeof(below), "%.390s/%.199s", live, name);
		(void)snprintf(out, sizeof(out), "%.390s/%.199s", to, name);
		if (is_folder)
			revive(below, out, of, keeps);
		else
			revive_file(below, out, of, keeps);
	}
	if (in)
		(void)fclose(in);
}

static void cut_power(bool keeps)
{
	char to[PATH], old[PATH];
	struct stat st;
	(void)snprintf(to, sizeof(to), "%.100s/revived", kit.folder);
	(void)snprintf(old, sizeof(old), "%.100s/dead", kit.folder);
	assert_false(failed(dir_remove(AT_FDCWD, to)));
	assert_false(failed(dir_remove(AT_FDCWD, old)));
	assert_int_equal(stat(kit.log, &st), 0);
	revive(kit.log, to, (unsigned long)st.st_ino, keeps);
	assert_int_equal(rename(kit.log, old), 0);
	kit.boot.id[1]++;
	assert_int_equal(rename(to, kit.log), 0);
}

/* --- a session that ends with a death --- */

struct session {
	int signer, reader;
	uint64_t seq, told; /* entries that signers were told of */
};

static bool lives(void)
{
	struct pollfd p = { .fd = kit.control, .events = POLLIN };
	return poll(&p, 1, 0) == 0;
}

static bool append(struct session *s, size_t n)
{
	uint8_t room[LEDGER_APPEND_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct ledger_appended a = { 0 };
	bytes message;
	ledger_append_begin(&w, ++s->seq);
	for (size_t i = 0; i < n; i++) {
		uint8_t entry[LOG_ENTRY_MAX];
		const struct ledger_item item = { .entry = kit_entry(s->told + i, entry) };
		assert_true(ledger_append_add(&w, &item));
	}
	if (failed(channel_send(s->signer, wr_bytes(&w), NULL)) ||
	    failed(channel_wait(s->signer, POLLIN, 60000)) ||
	    failed(channel_recv(s->signer, room, sizeof(room), &message, NULL)))
		return false;
	assert_false(failed(ledger_appended_read(message, &a)));
	assert_int_equal(a.code, CH_OK);
	assert_int_equal(a.first_index, s->told);
	s->told += n;
	return true;
}

/* Asks for a head, signs what comes. */
static bool ask(struct session *s)
{
	uint8_t room[LEDGER_LOG_HEAD_MAX];
	struct wr w = wr_of(room, sizeof(room));
	const struct log_ask q = { .req = 1, .is_fresh = true };
	bytes message;
	log_ask_write(&w, &q);
	if (failed(channel_send(s->reader, wr_bytes(&w), NULL)))
		return false;
	while (failed(channel_wait(s->reader, POLLIN, 1)) && lives())
		kit_sign(&kit, 2, 1);
	return !failed(channel_recv(s->reader, room, sizeof(room), &message, NULL));
}

static void stop(void)
{
	(void)control_stop(kit.control);
	while (lives())
		kit_sign(&kit, 5, 1);
	kit_reap(&kit);
}

/* How many entries signers were told of; *ret_died: before the end. */
static uint64_t live_and_die(int at, bool *ret_died)
{
	struct session s = { .signer = -1, .reader = -1 };
	dies_at = at;
	syncs = 0;
	if (kit_start(&kit) == CH_OK) {
		s.signer = kit_attach(&kit, "main");
		s.reader = kit_connect(&kit);
		for (size_t i = 0; i < 14 && append(&s, 22); i++)
			if (i % 5 == 4 && !ask(&s))
				break;
		stop();
	}
	dies_at = 0;
	(void)close(s.signer);
	(void)close(s.reader);
	*ret_died = WIFEXITED(kit.status) && WEXITSTATUS(kit.status) == DIED;
	return s.told;
}

/* The ledger of a machine that has power again. */
static void goes_on(uint64_t told, int at)
{
	enum ch_code code = kit_start(&kit);
	if (code != CH_OK)
		fail_msg("cut at sync %d: does not start: %s", at, ch_code_text(code));
	int signer = kit_attach(&kit, "main"), reader = kit_connect(&kit);
	/* a batch that was on disk, and nobody was told of, may be there as well */
	struct head h = kit_ask(&kit, reader, true);
	if (h.size < told || h.size > told + 22)
		fail_msg("cut at sync %d: %llu entries of %llu", at, (unsigned long long)h.size,
			 (unsigned long long)told);
	assert_int_equal(kit_append(signer, 1, h.size, 3), h.size);
	assert_int_equal(kit_ask(&kit, reader, true).size, h.size + 3);
	assert_int_equal(kit_stop(&kit), 0);
	kit_check_log(&kit);
	assert_int_equal(kit_damaged(&kit), 0);
	(void)close(signer);
	(void)close(reader);
}

static void begin_anew(void)
{
	assert_false(failed(dir_remove(AT_FDCWD, kit.log)));
	assert_false(failed(dir_remove(AT_FDCWD, synced_root)));
	assert_int_equal(mkdir(kit.log, 0755), 0);
	assert_int_equal(mkdir(synced_root, 0755), 0);
	kit.signed_last = (struct head){ 0 };
	merkle_empty(&kit.signed_last.root);
}

static void any_sync(void **state)
{
	(void)state;
	bool died = true;
	int at = 1;
	for (; died; at += (int)step) {
		begin_anew();
		uint64_t told = live_and_die(at, &died);
		if (getenv("KIT_TELL"))
			print_message("at %d told %llu signed %llu\n", at, (unsigned long long)told,
				      (unsigned long long)kit.signed_last.size);
		cut_power(at % 2 == 0);
		goes_on(told, at);
	}
	print_message("power was cut at every %zu. of %d syncs\n", step, at);
	assert_true(at > 40);
}

/* --- the last frame, byte by byte --- */

enum { SEGMENT = 1 << 20 };
static uint8_t synced[SEGMENT], live[SEGMENT], made[SEGMENT];

static size_t load(const char *path, uint8_t to[static SEGMENT])
{
	size_t n = 0;
	mem_wipe(to, SEGMENT);
	assert_false(failed(file_read(AT_FDCWD, path, to, SEGMENT, &n)));
	return n;
}

static void try_disk(const char *segment, size_t n, uint64_t told, struct head last, size_t at)
{
	kit_restore(&kit, "cut");
	kit.signed_last = last;
	assert_false(failed(file_replace(AT_FDCWD, segment, (bytes){ made, n }, 0600)));
	goes_on(told, (int)at);
}

/* Where the two differ first; SEGMENT: nowhere. */
static size_t differ_from(void)
{
	size_t at = 0;
	while (at < SEGMENT && synced[at] == live[at])
		at++;
	return at;
}

static size_t differ_to(void)
{
	size_t at = SEGMENT;
	while (synced[at - 1] == live[at - 1])
		at--;
	return at;
}

/* What was written last is on disk up to any byte, or from any byte on; where it made the file
 * larger, the file has the size of then, or of what is there. In turns: each has its own
 * exhaustive test in tests/chain. */
static void any_byte_of(const char *segment, uint64_t told, size_t before, size_t after)
{
	struct head last = kit.signed_last;
	size_t from = differ_from(), to = differ_to(), cuts = 0;
	kit_save(&kit, "cut");
	for (size_t n = from; n <= to; n += byte_step, cuts++) {
		bool is_end = cuts % 3 == 2;
		size_t least = n > before ? n : before;
		mem_copy(made, is_end ? live : synced, SEGMENT);
		mem_copy(made + from, (is_end ? synced : live) + from, n - from);
		try_disk(segment, cuts % 3 == 1 ? least : after, told, last, n);
	}
	print_message("%zu cuts within the last write, of %zu bytes\n", cuts, to - from);
}

/* Dies in the middle of appending, with heads before: with the first frame and the room behind it, and
 * with one that finds its room. */
static void any_byte(void **state)
{
	(void)state;
	char segment[PATH], kept[PATH];
	size_t grown = 0, in_room = 0;
	bool died = true;
	(void)snprintf(segment, sizeof(segment), "%.200s/journal/%020d.chain", kit.log, 0);
	(void)snprintf(kept, sizeof(kept), "%.200s/segment", kit.folder);
	kit.config.segment_bytes = SEGMENT; /* one */
	for (int at = 2; died && (grown == 0 || in_room == 0); at++) {
		begin_anew();
		uint64_t told = live_and_die(at, &died);
		if (access(segment, F_OK) != 0)
			continue;
		copy_file(segment, kept);
		cut_power(false);
		if (access(segment, F_OK) != 0)
			continue;
		size_t before = load(segment, synced), after = load(kept, live);
		size_t *tried = before < after ? &grown : &in_room;
		if (!died || differ_from() == SEGMENT || *tried > 0 ||
		    (before == after && told < 100))
			continue;
		(*tried)++;
		any_byte_of(segment, told, before, after);
	}
	assert_true(grown > 0 && in_room > 0);
}

static int open_all(void **state)
{
	*state = &kit;
	kit_open(&kit, kit_fast_folder());
	kit.is_quiet = !getenv("KIT_TELL");
	kit.config.segment_bytes = 16 * 1024;
	kit.boot.id[0] = 1;
	(void)snprintf(log_root, sizeof(log_root), "%.200s", kit.log);
	(void)snprintf(synced_root, sizeof(synced_root), "%.100s/synced", kit.folder);
	return 0;
}

static int close_all(void **state)
{
	kit_close(*state);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "--every") == 0)
		step = byte_step = (size_t)atoi(argv[2]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(any_sync, open_all, close_all),
		cmocka_unit_test_setup_teardown(any_byte, open_all, close_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
