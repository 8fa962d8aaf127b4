/* Memory at random: of a file that is shorter than it says or full of holes, and of a living
 * process, where what was never touched must stay so. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/sort.h"
#include "make.h"

enum { PAGE = 4096, MIB = 1 << 20 };

static struct core_load loads[] = {
	{ 0x10000, 2 * PAGE, PAGE, PAGE, 6, false },
	{ 0x12000, PAGE, PAGE, 2 * PAGE, 6, false },
	{ 0x20000, 16 * MIB, 16 * MIB, 3 * PAGE, 6, false },
};
static const struct core_map map = { .loads = loads, .n = COUNT_OF(loads) };

static int file_of(uint64_t size)
{
	char name[] = "/tmp/chancery-test-XXXXXX";
	int fd = mkstemp(name);
	assert_true(fd >= 0 && unlink(name) == 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return fd;
}

static void put(int fd, uint64_t at, char c, size_t n)
{
	char b[PAGE];
	memset(b, c, sizeof(b));
	assert_true(pwrite(fd, b, n, (off_t)at) == (ssize_t)n);
}

static void reads_a_file(void **state)
{
	(void)state;
	int fd = file_of(3 * PAGE);
	put(fd, PAGE, 'a', PAGE);
	put(fd, 2 * PAGE, 'b', PAGE);
	struct memory_file m;
	char b[3 * PAGE];
	size_t n = 0;
	assert_false(failed(memory_file_init(&m, &map, fd)));
	assert_int_equal(m.size, 3 * PAGE);
	/* the first segment is only half in the core */
	assert_false(failed(m.memory.read(&m.memory, 0x10000 + PAGE - 2, b, 4, &n)));
	assert_true(n == 2 && b[0] == 'a' && b[1] == 'a');
	assert_false(failed(m.memory.read(&m.memory, 0x11000, b, 4, &n)));
	assert_int_equal(n, 0);
	assert_false(failed(m.memory.read(&m.memory, 0x12000, b, sizeof(b), &n)));
	assert_true(n == PAGE && b[0] == 'b');
	/* behind the end of the file, and nowhere */
	assert_false(failed(m.memory.read(&m.memory, 0x20000, b, 4, &n)));
	assert_int_equal(n, 0);
	assert_false(failed(m.memory.read(&m.memory, UINT64_MAX, b, 4, &n)));
	assert_int_equal(n, 0);
	assert_false(failed(memory_exactly(&m.memory, 0x12000, b, PAGE)));
	ch_err e = memory_exactly(&m.memory, 0x12001, b, PAGE);
	assert_int_equal(e.site->code, CH_E_NOT_FOUND);
	(void)close(fd);
}

/* Segments that are neighbours in memory, though not in the file, are read over. */
static void reads_over_neighbours(void **state)
{
	(void)state;
	struct core_load pair[] = { { 0x10000, PAGE, PAGE, PAGE, 6, false },
				    { 0x11000, PAGE, PAGE, 0, 6, false } };
	const struct core_map two = { .loads = pair, .n = 2 };
	int fd = file_of(2 * PAGE);
	put(fd, PAGE, 'a', PAGE);
	put(fd, 0, 'b', PAGE);
	struct memory_file m;
	char b[2 * PAGE];
	assert_false(failed(memory_file_init(&m, &two, fd)));
	assert_false(failed(memory_exactly(&m.memory, 0x10000, b, sizeof(b))));
	assert_true(b[0] == 'a' && b[PAGE - 1] == 'a' && b[PAGE] == 'b' && b[2 * PAGE - 1] == 'b');
	(void)close(fd);
}

struct range {
	uint64_t from, to;
};

static struct range next(struct core_memory *m, uint64_t addr, uint64_t end)
{
	struct range r = { 1, 1 };
	assert_false(failed(m->next(m, addr, end, &r.from, &r.to)));
	assert_true(r.from >= addr && r.from <= r.to && r.to <= end);
	return r;
}

static void walks_a_file_with_holes(void **state)
{
	(void)state;
	int fd = file_of(3 * PAGE + 16 * MIB);
	put(fd, 2 * PAGE, 'b', 1);
	put(fd, 3 * PAGE + 8 * MIB, 'c', PAGE);
	struct memory_file m;
	assert_false(failed(memory_file_init(&m, &map, fd)));
	struct range r = next(&m.memory, 0, UINT64_MAX);
	bool holes = r.from == 0x12000; /* else the file system has none */
	if (holes) {
		assert_int_equal(r.to, 0x13000);
		r = next(&m.memory, r.to, UINT64_MAX);
		assert_int_equal(r.from, 0x20000 + 8 * MIB);
		assert_int_equal(r.to, 0x20000 + 8 * MIB + PAGE);
		r = next(&m.memory, r.from + 5, r.from + 7);
		assert_int_equal(r.to - r.from, 2);
		r = next(&m.memory, 0x20000 + 8 * MIB + PAGE, UINT64_MAX);
		assert_true(r.from == UINT64_MAX && r.to == UINT64_MAX);
	}
	r = next(&m.memory, 0x13000, 0x20000);
	assert_true(r.from == 0x20000 && r.to == 0x20000);
	(void)close(fd);
}

/* Runs of one length teach what the next may be like; what differs then is there all the same. */
static void walks_over_runs_of_any_length(void **state)
{
	(void)state;
	static const uint8_t pages[] = { 1, 1, 1, 1, 1, 1, 1, 3, 1, 2, 2, 2, 2, 2, 2, 2, 1, 1,
					 2, 7, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
	enum { STEP = 10 * PAGE };
	bool there[16 * MIB / PAGE] = { false };
	int fd = file_of(3 * PAGE + 16 * MIB);
	for (uint64_t i = 0; i < 16 * MIB / STEP; i++)
		for (uint64_t k = 0; k < pages[i % COUNT_OF(pages)]; k++) {
			put(fd, 3 * PAGE + i * STEP + k * PAGE, 'c', PAGE);
			there[i * STEP / PAGE + k] = true;
		}
	struct memory_file m;
	assert_false(failed(memory_file_init(&m, &map, fd)));
	const uint64_t from = 0x20000, to = from + 16 * MIB;
	uint64_t extra = 0;
	for (uint64_t at = from; at < to;) {
		struct range r = next(&m.memory, at, to);
		assert_true(r.from == to || r.to > r.from);
		for (; at < r.from; at += PAGE)
			assert_false(there[(at - from) / PAGE]);
		for (; at < r.to; at += PAGE)
			extra += !there[(at - from) / PAGE];
	}
	/* too much is given rarely */
	assert_true(extra < 16 * MIB / STEP / 4 || extra > 16 * MIB / PAGE / 2);
	(void)close(fd);
}

/* What was learnt of one stretch says nothing wrong of another, in whatever order. */
static void walks_in_any_order(void **state)
{
	(void)state;
	int fd = file_of(3 * PAGE + 16 * MIB);
	for (uint64_t at = 0; at < 16; at += 3)
		put(fd, 3 * PAGE + at * MIB, 'c', PAGE);
	struct memory_file kept;
	assert_false(failed(memory_file_init(&kept, &map, fd)));
	for (uint64_t i = 0; i < 400; i++) {
		struct memory_file m;
		uint64_t addr = 0x20000 + i * 7919 * PAGE % (16 * MIB);
		assert_false(failed(memory_file_init(&m, &map, fd)));
		struct range a = next(&m.memory, addr, addr + 5 * MIB / 2);
		struct range b = next(&kept.memory, addr, addr + 5 * MIB / 2);
		assert_true(a.from == b.from && a.to == b.to);
	}
	(void)close(fd);
}

static void no_pipe_is_memory(void **state)
{
	(void)state;
	int ends[2];
	struct memory_file m;
	assert_int_equal(pipe(ends), 0);
	ch_err e = memory_file_init(&m, &map, ends[0]);
	assert_int_equal(e.site->code, CH_E_UNSUPPORTED);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

/* A child with the same mappings, which waits. */
struct life {
	pid_t pid;
	struct memory_live m;
	struct core_load loads[4];
	struct core_map map;
	uint8_t *sparse, *shared, *of_file;
	int ends[2];
};
#define SPARSE_SIZE (UINT64_C(8) << 30)

static int proc(pid_t pid, const char *what)
{
	char name[64];
	(void)snprintf(name, sizeof(name), "/proc/%d/%s", (int)pid, what);
	return open(name, O_RDONLY | O_CLOEXEC);
}

static void touch(struct life *l)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	l->sparse[PAGE] = 's';
	l->sparse[SPARSE_SIZE / 2] = 'm';
	l->sparse[SPARSE_SIZE - 1] = 'e';
	l->of_file[0] = 'w'; /* a page of its own */
	const volatile uint8_t *read_only = l->of_file + 3 * PAGE;
	if (*read_only == 0 && write(l->ends[1], "", 1) == 1)
		(void)pause();
	_exit(0);
}

static bool by_address(const void *a, const void *b)
{
	return ((const struct core_load *)a)->addr < ((const struct core_load *)b)->addr;
}

static void begin(struct life *l)
{
	int flags = MAP_ANONYMOUS | MAP_NORESERVE;
	l->sparse = mmap(NULL, SPARSE_SIZE, PROT_READ | PROT_WRITE, flags | MAP_PRIVATE, -1, 0);
	l->shared = mmap(NULL, MIB, PROT_READ | PROT_WRITE, flags | MAP_SHARED, -1, 0);
	int fd = file_of(MIB);
	put(fd, MIB / 2, 'f', 1); /* which the child has never looked at either */
	l->of_file = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	(void)close(fd);
	assert_true(l->sparse != MAP_FAILED && l->shared != MAP_FAILED);
	assert_true(l->of_file != MAP_FAILED);
	assert_int_equal(madvise(l->sparse, SPARSE_SIZE, MADV_NOHUGEPAGE), 0);
	assert_int_equal(pipe(l->ends), 0);
	l->pid = fork();
	assert_true(l->pid >= 0);
	if (l->pid == 0)
		touch(l);
	char c = 0;
	assert_int_equal(read(l->ends[0], &c, 1), 1);
	l->shared[MIB / 2] = 'h'; /* which the child has never looked at */
	l->loads[0] =
		(struct core_load){ (uintptr_t)l->sparse, SPARSE_SIZE, SPARSE_SIZE, PAGE, 6, 0 };
	l->loads[1] = (struct core_load){ (uintptr_t)l->shared, MIB, MIB - PAGE, PAGE, 6, 0 };
	l->loads[2] = (struct core_load){ (uintptr_t)l->of_file, MIB, MIB, PAGE, 6, 0 };
	l->loads[3] = (struct core_load){ 0xffffffffff600000, PAGE, PAGE, 0, 5, false };
	sort_in_place(l->loads, 3, sizeof(l->loads[0]), by_address);
	l->map = (struct core_map){ .loads = l->loads, .n = 4 };
	memory_live_init(&l->m, &l->map, proc(l->pid, "mem"), proc(l->pid, "pagemap"));
	assert_true(l->m.mem_fd >= 0 && l->m.pagemap_fd >= 0);
}

static void end(struct life *l)
{
	(void)close(l->m.mem_fd);
	(void)close(l->m.pagemap_fd);
	(void)close(l->ends[0]);
	(void)close(l->ends[1]);
	(void)kill(l->pid, SIGKILL);
	(void)waitpid(l->pid, NULL, 0);
	(void)munmap(l->sparse, SPARSE_SIZE);
	(void)munmap(l->shared, MIB);
	(void)munmap(l->of_file, MIB);
}

static long pages_of(pid_t pid)
{
	char b[128] = { 0 };
	int fd = proc(pid, "statm");
	assert_true(read(fd, b, sizeof(b) - 1) > 0);
	(void)close(fd);
	str rest = str_from_c(b);
	(void)str_cut(&rest, ' ');
	uint64_t n = 0;
	assert_true(str_to_u64(str_cut(&rest, ' '), INT32_MAX, &n));
	return (long)n;
}

/* All of it, as a finder would see it; *ret_n: bytes that had to be read. */
static void walk(struct life *l, char *found, size_t *ret_n)
{
	static char b[16 * MIB];
	uint64_t at = 0;
	size_t letters = 0;
	*ret_n = 0;
	while (at < UINT64_MAX) {
		struct range r = next(&l->m.memory, at, UINT64_MAX);
		size_t n = r.to - r.from < sizeof(b) ? (size_t)(r.to - r.from) : sizeof(b);
		size_t got = 0;
		if (r.from == UINT64_MAX)
			break;
		assert_false(failed(l->m.memory.read(&l->m.memory, r.from, b, n, &got)));
		assert_true(got > 0);
		for (size_t i = 0; i < got; i++)
			if (b[i] && letters < 7)
				found[letters++] = b[i];
		*ret_n += got;
		at = r.from + got;
	}
	found[letters] = 0;
}

static void untouched_memory_costs_nothing(void **state)
{
	(void)state;
	struct life l;
	begin(&l);
	long before = pages_of(l.pid);
	for (int old_kernel = 0; old_kernel < 2; old_kernel++) {
		char found[8];
		size_t n = 0;
		l.m.no_scan = old_kernel;
		l.m.judged = NULL;
		walk(&l, found, &n);
		assert_int_equal(strlen(found), 6);
		assert_true(strstr(found, "sme") && strchr(found, 'h') && strstr(found, "wf"));
		assert_in_range(n, 3 * PAGE, 3 * PAGE + 2 * MIB);
		assert_true(l.m.no_scan || !old_kernel);
	}
	/* but for the shared memory, of which nobody can tell, and what the child itself still
	 * brought in on its way to sleep; of 8 GiB */
	assert_in_range(pages_of(l.pid) - before + MIB / PAGE, 0, 16 * MIB / PAGE);
	end(&l);
}

static void reads_only_what_the_core_will_hold(void **state)
{
	(void)state;
	struct life l;
	char b[8];
	size_t n = 9;
	begin(&l);
	struct core_memory *m = &l.m.memory;
	const uint64_t shared = (uintptr_t)l.shared;
	assert_false(failed(m->read(m, shared + MIB / 2, b, 1, &n)));
	assert_true(n == 1 && b[0] == 'h');
	assert_false(failed(m->read(m, shared + MIB - PAGE - 3, b, 8, &n)));
	assert_int_equal(n, 3);
	assert_false(failed(m->read(m, shared + MIB - PAGE, b, 8, &n)));
	assert_int_equal(n, 0);
	/* neither what is mapped but in no segment, nor where nothing can be */
	assert_false(failed(m->read(m, (uintptr_t)&l, b, 8, &n)));
	assert_int_equal(n, 0);
	assert_false(failed(m->read(m, 0xffffffffff600000, b, 8, &n)));
	assert_int_equal(n, 0);
	struct range r = next(m, 0xffffffffff600000, UINT64_MAX);
	assert_true(r.from == UINT64_MAX);
	end(&l);
}

static void a_process_that_is_gone_has_no_memory(void **state)
{
	(void)state;
	struct life l;
	char b[8];
	size_t n = 9;
	begin(&l);
	(void)kill(l.pid, SIGKILL);
	(void)waitpid(l.pid, NULL, 0);
	struct core_memory *m = &l.m.memory;
	assert_false(failed(m->read(m, (uintptr_t)l.shared, b, 8, &n)));
	assert_int_equal(n, 0);
	(void)next(m, 0, UINT64_MAX);
	l.pid = fork();
	if (l.pid == 0)
		_exit(0);
	end(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_file),
		cmocka_unit_test(reads_over_neighbours),
		cmocka_unit_test(walks_a_file_with_holes),
		cmocka_unit_test(walks_over_runs_of_any_length),
		cmocka_unit_test(walks_in_any_order),
		cmocka_unit_test(no_pipe_is_memory),
		cmocka_unit_test(untouched_memory_costs_nothing),
		cmocka_unit_test(reads_only_what_the_core_will_hold),
		cmocka_unit_test(a_process_that_is_gone_has_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
