/* The packer as a process: what it leaves in its file, says, and ends with, whatever becomes
 * of those it works with; and what its walls do. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "beside/beside.h"
#include "crypto/small.h"
#include "dumpstore/records.h"
#include "dumpstore/sealed.h"
#include "packer_internal.h"
#include "sandbox/spawn.h"
#include "walls.h"

enum { CORE = 8 * 1024 * 1024 + 77, MARK_EVERY = 4096 };

static struct dump_public_key to;
static struct secret *ours;
static const char *program;
static uint8_t core[CORE];
static uint8_t room[RECORD_HEADER_SIZE + RECORD_MAX];
static const str mark = { "PLAIN-BYTES-OF-A-CORE", 21 };

static void ok(ch_err e)
{
	assert_int_equal(ch_code_of(e), CH_OK);
}

/* One packer and the other ends of its descriptors. */
struct run {
	pid_t pid;
	int records, file, report;
	struct record_writer w;
};

static void run_start(struct run *r, int file, uint64_t size_max)
{
	uint8_t config[PACKER_CONFIG_MAX];
	struct wr out = wr_of(config, sizeof(config));
	struct packer_config c = { .zstd_level = 1, .size_max = size_max };
	int records[2], report[2], boot = -1, exe = -1;
	mem_copy(c.public_key, to.p, sizeof(to.p));
	packer_config_write(&out, &c);
	ok(boot_make(LIT("packer"), wr_bytes(&out), &boot));
	ok(spawn_open(program, &exe));
	assert_int_equal(pipe2(records, O_CLOEXEC), 0);
	assert_int_equal(pipe2(report, O_CLOEXEC), 0);
	const struct spawn s = { .program = exe,
				 .name = "chancery-packer",
				 .gate = -1,
				 .fds = { boot, -1, records[0], file, report[1] },
				 .n_fds = 5 };
	ok(spawn_role(&s, &r->pid));
	(void)close(boot);
	(void)close(exe);
	(void)close(records[0]);
	(void)close(report[1]);
	r->records = records[1];
	r->report = report[0];
	r->file = file;
	record_writer_init(&r->w, r->records, room);
}

static int file_new(void)
{
	int fd = memfd_create("dump", MFD_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* The wait status, once the rest of what it says was read. */
static int run_end(struct run *r)
{
	uint8_t rest[4096];
	int status = 0;
	fd_close(&r->records);
	while (read(r->report, rest, sizeof(rest)) > 0)
		;
	fd_close(&r->report);
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	return status;
}

static int exit_of(struct run *r)
{
	int status = run_end(r);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static uint64_t size_of(int fd)
{
	struct stat st = { 0 };
	assert_int_equal(fstat(fd, &st), 0);
	return (uint64_t)st.st_size;
}

static void core_make(void)
{
	uint64_t x = 88172645463325252U;
	for (size_t i = 0; i < CORE; i++) {
		x = x * 6364136223846793005U + 1442695040888963407U;
		core[i] = (uint8_t)(x >> 56);
	}
	for (size_t i = 0; i + MARK_EVERY < CORE; i += MARK_EVERY)
		mem_copy(core + i, mark.p, mark.n);
}

static ch_err put_core(struct run *r)
{
	TRY(record_put(&r->w, (bytes){ core, CORE }));
	TRY(record_fill(&r->w, 0, UINT64_C(1) << 40));
	TRY(record_progress(&r->w, 1, 2));
	return record_report(&r->w, bytes_of_str(LIT("{\"whole\":true}")));
}

static bool has_plain(int fd)
{
	size_t n = size_of(fd);
	if (n == 0)
		return false;
	uint8_t *p = mmap(NULL, n, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(p != MAP_FAILED);
	bool found = memmem(p, n, mark.p, mark.n) != NULL;
	(void)munmap(p, n);
	return found;
}

static ch_err open_file(int fd, uint64_t *ret_core_n, char *report)
{
	AUTO(sealed_reader_done) struct sealed_reader *reader = NULL;
	struct sealed_piece p;
	uint64_t n = 0;
	ch_err e = CH_DONE;
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	TRY(sealed_reader_new(fd, ours, &reader));
	for (;;) {
		e = sealed_next(reader, &p);
		if (failed(e) || p.is_report)
			break;
		if (!p.is_fill && n + p.n <= CORE)
			assert_memory_equal(p.data.p, core + n, p.n);
		n += p.n;
	}
	TRY(e);
	mem_copy(report, p.data.p, p.data.n);
	*ret_core_n = n;
	return CH_DONE;
}

static void test_packs(void **state)
{
	struct run r;
	struct record said;
	char report[64] = { 0 };
	uint64_t n = 0;
	AUTO(fd_close) int file = file_new();
	(void)state;
	run_start(&r, file, 0);
	ok(put_core(&r));
	ok(record_end(&r.w, true, 42));
	ok(record_read(r.report, room, &said));
	assert_int_equal(said.type, RECORD_REPORT);
	assert_true(bytes_eq(said.data, bytes_of_str(LIT("{\"whole\":true}"))));
	ok(record_read(r.report, room, &said));
	assert_int_equal(said.type, RECORD_END);
	assert_true(said.whole && said.secrets == 42);
	assert_int_equal(exit_of(&r), PACKER_DONE);
	ok(open_file(file, &n, report));
	assert_int_equal(n, CORE + (UINT64_C(1) << 40));
	assert_string_equal(report, "{\"whole\":true}");
	assert_false(has_plain(file));
}

static void test_core_is_not_whole(void **state)
{
	struct run r;
	struct record said;
	AUTO(fd_close) int file = file_new();
	(void)state;
	run_start(&r, file, 0);
	ok(put_core(&r));
	ok(record_end(&r.w, false, 1));
	ok(record_read(r.report, room, &said));
	assert_int_equal(said.type, RECORD_REPORT);
	ok(record_read(r.report, room, &said));
	assert_true(said.type == RECORD_END && !said.whole);
	assert_int_equal(exit_of(&r), PACKER_DONE);
	assert_int_equal(size_of(file), 0);
}

static void test_worker_is_gone(void **state)
{
	struct run r;
	(void)state;
	for (size_t before = 0; before < 2; before++) {
		AUTO(fd_close) int file = file_new();
		run_start(&r, file, 0);
		if (before)
			ok(put_core(&r));
		assert_int_equal(exit_of(&r), PACKER_CUT);
		assert_int_equal(size_of(file), 0);
	}
}

static void test_worker_says_nonsense(void **state)
{
	static const uint8_t nonsense[] = { 9, 0, 0, 0, 1, 0 };
	struct run r;
	AUTO(fd_close) int file = file_new();
	(void)state;
	run_start(&r, file, 0);
	ok(put_core(&r));
	ok(fd_write_all(r.records, BYTES_OF(nonsense)));
	assert_int_equal(exit_of(&r), PACKER_BREACH);
	assert_int_equal(size_of(file), 0);
}

static void test_report_too_long(void **state)
{
	struct run r;
	AUTO(fd_close) int file = file_new();
	(void)state;
	run_start(&r, file, 0);
	ok(record_report(&r.w, (bytes){ core, DUMP_REPORT_MAX }));
	ok(record_report(&r.w, (bytes){ core, 1 }));
	assert_int_equal(exit_of(&r), PACKER_BREACH);
	assert_int_equal(size_of(file), 0);
}

/* E_GONE is fine: it ended while we wrote. */
static void put_or_gone(struct run *r)
{
	ch_err e = put_core(r);
	if (!failed(e))
		e = record_end(&r->w, true, 0);
	assert_true(!failed(e) || ch_code_of(e) == CH_E_GONE);
}

static void test_too_large(void **state)
{
	struct run r;
	AUTO(fd_close) int file = file_new();
	(void)state;
	run_start(&r, file, 3 * 1024 * 1024);
	put_or_gone(&r);
	assert_int_equal(exit_of(&r), PACKER_TOO_LARGE);
	assert_int_equal(size_of(file), 0);
}

/* The last frame makes it too large. */
static void test_too_large_at_the_end(void **state)
{
	struct run r;
	AUTO(fd_close) int file = file_new();
	(void)state;
	run_start(&r, file, 200);
	ok(record_put(&r.w, (bytes){ core, 1000 }));
	ok(record_end(&r.w, true, 0));
	assert_int_equal(exit_of(&r), PACKER_TOO_LARGE);
	assert_int_equal(size_of(file), 0);
}

/* Killed after each megabyte that it took: what stands in the file does not open. */
static void test_killed(void **state)
{
	enum { MIB = 1024 * 1024 };
	struct run r;
	char report[64];
	uint64_t n = 0;
	(void)state;
	for (size_t taken = 0; taken < CORE / MIB; taken++) {
		AUTO(fd_close) int file = file_new();
		run_start(&r, file, 0);
		/* a pipe holds 64 KiB: all before that was taken */
		ok(record_put(&r.w, (bytes){ core, taken * MIB }));
		assert_int_equal(kill(r.pid, SIGKILL), 0);
		assert_true(WIFSIGNALED(run_end(&r)));
		assert_false(has_plain(file));
		assert_true(failed(open_file(file, &n, report)));
		/* one that is gathered, and as many as are on their way */
		assert_true(size_of(file) >= (taken > 5 ? (taken - 5) * MIB : 0));
	}
}

/* The one who started it dies: so does it, and an unnamed file is gone with both. */
static void test_starter_dies(void **state)
{
	struct run r;
	int status = 0, ends[2];
	pid_t child = 0, got = 0;
	(void)state;
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		run_start(&r, file_new(), 0);
		/* it works by then: a pipe does not hold that much */
		(void)!failed(record_put(&r.w, (bytes){ core, CORE }));
		(void)!write(ends[1], &r.pid, sizeof(r.pid));
		(void)pause();
	}
	assert_int_equal(read(ends[0], &got, sizeof(got)), sizeof(got));
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	for (int i = 0; i < 1000 && kill(got, 0) == 0; i++)
		(void)usleep(10000);
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)got);
	char exe[256];
	/* gone, or a corpse that init has not buried yet */
	assert_true(readlink(path, exe, sizeof(exe)) < 0);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

/* A file system of two megabytes that is mounted nowhere; -1 for who may not. */
static int small_disk(void)
{
	AUTO(fd_close) int context = fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (context < 0 || fsconfig(context, FSCONFIG_SET_STRING, "size", "2m", 0) != 0 ||
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0)
		return -1;
	return fsmount(context, FSMOUNT_CLOEXEC, 0);
}

static void test_disk_full(void **state)
{
	AUTO(fd_close) int disk = small_disk();
	struct run r;
	(void)state;
	if (disk < 0)
		skip();
	AUTO(fd_close) int file = openat(disk, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	assert_true(file >= 0);
	run_start(&r, file, 0);
	put_or_gone(&r);
	assert_int_equal(exit_of(&r), PACKER_DISK_FULL);
	assert_int_equal(size_of(file), 0);
}

static void test_bad_start(void **state)
{
	int boot = -1, exe = -1, status = 0;
	pid_t pid = 0;
	(void)state;
	ok(boot_make(LIT("packer"), bytes_of_str(LIT("short")), &boot));
	ok(spawn_open(program, &exe));
	AUTO(fd_close) int file = file_new();
	ok(fd_write_all(file, bytes_of_str(LIT("x"))));
	const struct spawn s = { .program = exe,
				 .name = "chancery-packer",
				 .gate = -1,
				 .fds = { boot, -1, -1, file, -1 },
				 .n_fds = 5 };
	ok(spawn_role(&s, &pid));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), PACKER_BREACH);
	assert_int_equal(size_of(file), 0);
	(void)close(boot);
	(void)close(exe);
}

/* --- its walls --- */

static int forbidden_open(void)
{
	return open_code("/etc/passwd", O_RDONLY);
}

static int forbidden_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) < 0;
}

static int forbidden_seek(void)
{
	return lseek(2, 0, SEEK_SET) == 0;
}

static int forbidden_read_at(void)
{
	uint8_t b;
	return pread(2, &b, 1, 0) == 0;
}

static int forbidden_link(void)
{
	return linkat(2, "", AT_FDCWD, "/tmp/x", AT_EMPTY_PATH) == 0;
}

static int forbidden_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	       MAP_FAILED;
}

static void *nothing(void *of)
{
	return of;
}

static int start_thread(void)
{
	pthread_t thread;
	return pthread_create(&thread, NULL, nothing, NULL);
}

static int memory(void)
{
	void *p = malloc(4 * 1024 * 1024);
	int r = p ? 0 : 1;
	free(p);
	return r;
}

static struct beside *beside;

static ch_err walls(const int *keep_fds, size_t n)
{
	TRY(confine(keep_fds, n, &beside));
	return beside ? CH_DONE : ch_fail(CH_E_INTERNAL, "there is no second thread", 0);
}

/* What the second thread is to do, and what came of it. */
struct errand {
	act_fn *act;
	int said;
};
static struct errand errand;

static ch_err run_errand(void *of, uint64_t job)
{
	struct errand *e = of;
	(void)job;
	e->said = e->act();
	return CH_DONE;
}

static int by_the_second_thread(void)
{
	beside_begin(beside, run_errand, &errand);
	beside_give(beside);
	return failed(beside_wait(beside, 0)) ? 1 : errand.said;
}

static void test_walls(void **state)
{
	act_fn *const works[] = { memory }, *const errands[] = { by_the_second_thread };
	act_fn *const kills[] = { forbidden_open,    forbidden_socket, forbidden_seek,
				  forbidden_read_at, forbidden_link,   forbidden_code,
				  start_process,     start_program,    be_dumpable,
				  signal_somebody,   start_thread };
	(void)state;
	if (!HAS_WALLS)
		skip();
	all_exit(walls, works, COUNT_OF(works), 0);
	all_are_killed(walls, kills, COUNT_OF(kills));
	errand.act = memory;
	all_exit(walls, errands, COUNT_OF(errands), 0);
	for (size_t i = 0; i < COUNT_OF(kills); i++) {
		errand.act = kills[i];
		all_are_killed(walls, errands, COUNT_OF(errands));
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packs),
		cmocka_unit_test(test_core_is_not_whole),
		cmocka_unit_test(test_worker_is_gone),
		cmocka_unit_test(test_worker_says_nonsense),
		cmocka_unit_test(test_report_too_long),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_too_large_at_the_end),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_starter_dies),
		cmocka_unit_test(test_disk_full),
		cmocka_unit_test(test_bad_start),
		cmocka_unit_test(test_walls),
	};
	if (argc < 2)
		return 2;
	program = argv[1];
	(void)signal(SIGPIPE, SIG_IGN);
	core_make();
	if (failed(crypto_small_init()) || failed(dump_key_new(&to, &ours)))
		return 3;
	int failures = cmocka_run_group_tests(tests, NULL, NULL);
	secret_done(&ours);
	return failures;
}
