/* What the kernel lists of a process, line by line; and pages that are made to exist in memory that is
 * reserved, without a byte of it being changed. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/userfaultfd.h>

#include "base/clock.h"
#include "base/file.h"
#include "stones.h"

#define GIB (UINT64_C(1) << 30)
#define SIZE (64 * GIB)

static void test_lines(void **unused)
{
	(void)unused;
	struct mapping m = { 0 };
	assert_true(maps_line(LIT("7f00-8f00 rw-p 00001000 fd:1f 131 /a b\\012c"), &m));
	assert_true(m.from == 0x7f00 && m.to == 0x8f00 && m.offset == 0x1000 && m.inode == 131);
	assert_true(m.major == 0xfd && m.minor == 0x1f && m.writable && !m.shared);
	assert_true(maps_line(LIT("ffffffffff600000-ffffffffff601000 --xs 0 0:0 0"), &m));
	assert_true(m.from == 0xffffffffff600000 && !m.writable && m.shared && m.inode == 0);
	static const char *const bad[] = {
		"",
		"7f00",
		"7f00-8f00",
		"7f00-7f00 rw-p 0 0:0 0",
		"8f00-7f00 rw-p 0 0:0 0",
		"7g00-8f00 rw-p 0 0:0 0",
		"7f00-10000000000000000 rw-p 0 0:0 0",
		"7f00-8f00 rw- 0 0:0 0",
		"7f00-8f00 rw-p x 0:0 0",
		"7f00-8f00 rw-p 0 0 0",
		"7f00-8f00 rw-p 0 100000000:0 0",
		"7f00-8f00 rw-p 0 0:0 a",
		"7f00-8f00 rw-p 0 0:0 ",
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(maps_line(str_from_c(bad[i]), &m));
}

struct seen {
	size_t n;
	uint64_t last;
};

static void see(void *of, const struct mapping *m)
{
	struct seen *s = of;
	assert_true(m->from >= s->last);
	s->last = m->to;
	s->n++;
}

/* A folder that looks like that of a process. */
static struct seen walk_text(const char *text, size_t n)
{
	char dir[] = "/tmp/chancery-test-XXXXXX";
	struct seen s = { 0 };
	assert_non_null(mkdtemp(dir));
	AUTO(fd_close) int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	AUTO(fd_close) int file = openat(fd, "maps", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_false(failed(fd_write_all(file, (bytes){ (const uint8_t *)text, n })));
	assert_false(failed(maps_walk(fd, see, &s)));
	assert_false(failed(dir_remove(AT_FDCWD, dir)));
	return s;
}

/* Names of whatever length, over every edge of what is read at a time. */
static void test_long_names(void **unused)
{
	(void)unused;
	enum { LINES = 40, NAME = 33000 };
	char *text = malloc(LINES * (NAME + 64));
	size_t n = 0;
	assert_non_null(text);
	for (unsigned i = 0; i < LINES; i++) {
		n += (size_t)snprintf(text + n, 64, "%x000-%x000 rw-p 0 0:0 7 ", i + 1, i + 2);
		size_t name = i % 3 == 0 ? NAME - i : i * 101;
		memset(text + n, i % 2 ? ' ' : '7', name);
		n += name;
		text[n++] = '\n';
	}
	assert_int_equal(walk_text(text, n).n, LINES);
	/* cut anywhere: whole lines before it count */
	for (size_t cut = 0; cut < 300; cut++)
		assert_in_range(walk_text(text + n - 300, cut).n, 0, 1);
	free(text);
}

static void test_own(void **unused)
{
	(void)unused;
	struct seen s = { 0 };
	AUTO(fd_close) int self = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_false(failed(maps_walk(self, see, &s)));
	assert_true(s.n > 10);
	AUTO(fd_close) int none = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(ch_code_of(maps_walk(none, see, &s)), CH_E_IO);
}

static void test_choice(void **unused)
{
	(void)unused;
	struct stones s = { .n = 0 };
	const uint64_t at = UINT64_C(0x10) << 40;
	static const struct mapping none[] = {
		{ .from = 4096, .to = 8 * GIB, .writable = true },
		{ .from = 0, .to = SIZE, .inode = 7, .writable = true },
		{ .from = 0, .to = SIZE, .shared = true, .writable = true },
	};
	for (size_t i = 0; i < COUNT_OF(none); i++)
		stones_choose(&s, &none[i]);
	assert_int_equal(s.n, 0);
	stones_choose(&s, &(struct mapping){ .from = at, .to = at + SIZE, .writable = true });
	assert_int_equal(s.n, 4);
	for (size_t i = 0; i < s.n; i++)
		assert_true(s.all[i].at == at + (4 * GIB << i) && s.all[i].writable);
	for (size_t i = 0; i < STONES_MAX; i++)
		stones_choose(&s, &(struct mapping){ .from = 0, .to = UINT64_C(1) << 47 });
	assert_int_equal(s.n, STONES_MAX);
	assert_false(s.all[STONES_MAX - 1].writable);
}

/* A child with the same memory, which waits. */
struct child {
	struct crash c;
	int says[2], hears[2], stream[2];
	uint8_t *wide, *shut;
};

static uint8_t *reserve(void)
{
	uint8_t *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(p != MAP_FAILED);
	assert_int_equal(madvise(p, SIZE, MADV_NOHUGEPAGE), 0);
	p[0] = 'f';
	p[8 * GIB] = 'o';
	return p;
}

/* 0: no byte of both has changed */
static int judge(const struct child *a)
{
	if (mprotect(a->shut, SIZE, PROT_READ) != 0)
		return 2;
	for (uint64_t at = 0; at < SIZE; at += 4 * GIB) {
		uint8_t is = at == 0 ? 'f' : at == 8 * GIB ? 'o' : 0;
		if (a->wide[at] != is || a->shut[at] != is)
			return 1;
	}
	return 0;
}

static void begin(struct child *a, void (*before)(struct child *a))
{
	crash_init(&a->c);
	assert_int_equal(pipe(a->says) | pipe(a->hears) | pipe(a->stream), 0);
	a->wide = reserve();
	a->shut = reserve();
	assert_int_equal(mprotect(a->shut, SIZE, PROT_NONE), 0);
	a->c.pid = fork();
	assert_true(a->c.pid >= 0);
	if (a->c.pid == 0) {
		char b = 0;
		fd_close(&a->hears[1]);
		if (before)
			before(a);
		(void)!write(a->says[1], "", 1);
		_exit(read(a->hears[0], &b, 1) == 1 ? judge(a) : 3);
	}
	char path[64], b = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d", (int)a->c.pid);
	a->c.proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	a->c.core = a->stream[0];
	assert_true(a->c.proc >= 0 && read(a->says[0], &b, 1) == 1);
}

static int end(struct child *a)
{
	int status = 0;
	assert_int_equal(write(a->hears[1], "", 1), 1);
	assert_int_equal(waitpid(a->c.pid, &status, 0), a->c.pid);
	int *const fds[] = { &a->says[0], &a->says[1], &a->hears[0], &a->hears[1], &a->stream[1] };
	for (size_t i = 0; i < COUNT_OF(fds); i++)
		fd_close(fds[i]);
	crash_done(&a->c);
	(void)munmap(a->wide, SIZE);
	(void)munmap(a->shut, SIZE);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static size_t present(const struct child *a, const uint8_t *p)
{
	size_t n = 0;
	AUTO(fd_close) int fd = openat(a->c.proc, "pagemap", O_RDONLY | O_CLOEXEC);
	for (uint64_t at = 0; at < SIZE; at += 4 * GIB) {
		uint64_t entry = 0;
		assert_int_equal(pread(fd, &entry, 8, (off_t)(((uintptr_t)p + at) / 4096 * 8)), 8);
		n += entry >> 63;
	}
	return n;
}

static void test_pages_come_and_nothing_changes(void **unused)
{
	(void)unused;
	struct child a;
	begin(&a, NULL);
	assert_int_equal(present(&a, a.wide), 2);
	assert_int_equal(present(&a, a.shut), 2);
	assert_int_equal(write(a.stream[1], "h", 1), 1);
	assert_false(failed(stones_lay(&a.c)));
	/* at 4, 16 and 32 GiB */
	assert_int_equal(present(&a, a.wide), 5);
	size_t shut = present(&a, a.shut);
	assert_true(shut == 5 ||
		    shut == 2); /* 2: the kernel is hardened (proc_mem.force_override) */
	char b = 0;
	assert_true(read(a.c.core, &b, 1) == 1 && b == 'h');
	assert_int_equal(end(&a), 0);
}

static void fill_nothing(struct child *a)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register r = { .range = { (uintptr_t)a->wide + 4096, SIZE - 4096 },
				     .mode = UFFDIO_REGISTER_MODE_MISSING };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) != 0 || ioctl(fd, UFFDIO_REGISTER, &r) != 0)
		_exit(77);
}

/* Who promises to fill pages and does not holds nobody up for long. */
static void test_a_page_that_never_comes(void **unused)
{
	(void)unused;
	struct child a;
	if (geteuid() != 0)
		skip();
	begin(&a, fill_nothing);
	assert_int_equal(write(a.stream[1], "h", 1), 1);
	uint64_t before_ns = clock_mono_ns();
	assert_false(failed(stones_lay(&a.c)));
	assert_true(clock_mono_ns() - before_ns < UINT64_C(30000000000));
	(void)kill(a.c.pid, SIGKILL);
	assert_int_equal(end(&a), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_pages_come_and_nothing_changes),
		cmocka_unit_test(test_a_page_that_never_comes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
