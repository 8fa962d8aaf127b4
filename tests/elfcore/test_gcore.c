/* A real core: gcore's of a process with threads. What the head says of it is what the
 * kernel said of the process, and what elfutils reads in the masked core is what it read
 * in the core. */
#include <dirent.h>
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
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "make.h"

enum { THREADS = 4, TEXT_MAX = 1 << 20 };

static char planted[4096];
static const char constant[] = "a table that tells of a key";
static char folder[64];
static struct {
	pid_t pid;
	struct core_head h;
	struct memory_file m;
	int fd, masked_fd;
	char core[128], masked[128];
} g = { .fd = -1, .masked_fd = -1 };

static void *wait_here(void *to_tell)
{
	if (write(*(int *)to_tell, "", 1) != 1)
		_exit(1);
	for (;;)
		(void)pause();
}

static void child(int to_tell)
{
	pthread_t t[THREADS];
	memset(planted, 'p', sizeof(planted));
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	for (size_t i = 1; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, wait_here, &to_tell))
			_exit(1);
	(void)wait_here(&to_tell);
}

static bool spawn(void)
{
	int ends[2];
	char c = 0;
	if (pipe(ends) || (g.pid = fork()) < 0)
		return false;
	if (g.pid == 0)
		child(ends[1]);
	for (size_t i = 0; i < THREADS; i++)
		if (read(ends[0], &c, 1) != 1)
			return false;
	(void)close(ends[0]);
	(void)close(ends[1]);
	return true;
}

/* Sanitizers map terabytes, all of which gcore would look at. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(memory_sanitizer))
#else
#define SANITIZED false
#endif

static bool run(const char *command)
{
	int status = system(command);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool take(void)
{
	char command[256];
	(void)snprintf(command, sizeof(command), "gcore -o %s/core %d >%s/log 2>&1", folder,
		       (int)g.pid, folder);
	(void)snprintf(g.core, sizeof(g.core), "%s/core.%d", folder, (int)g.pid);
	(void)snprintf(g.masked, sizeof(g.masked), "%s/masked", folder);
	return run(command);
}

/* Copies the segments' memory as it is: here it is the notes that matter. */
static void copy_memory(struct make_sink *s, const struct core_map *from)
{
	static uint8_t b[1 << 16];
	for (size_t i = 0; i < from->n; i++)
		for (uint64_t at = 0; at < from->loads[i].file_size;) {
			size_t got = 0;
			uint64_t left = from->loads[i].file_size - at;
			assert_false(
				failed(g.m.memory.read(&g.m.memory, from->loads[i].addr + at, b,
						       left < sizeof(b) ? left : sizeof(b), &got)));
			assert_true(got > 0);
			assert_false(failed(s->sink.put(&s->sink, (bytes){ b, got })));
			at += got;
		}
}

static void write_masked(void)
{
	struct core_input_fd in;
	struct make_sink s;
	make_sink(&s);
	core_input_file(&in, g.fd);
	assert_false(failed(core_segments_read(&in.input, &g.h)));
	assert_int_equal(g.h.map.left_out, 0);
	assert_false(failed(memory_file_init(&g.m, &g.h.map, g.fd)));
	struct core_map map = g.h.map;
	map.loads = calloc(map.n, sizeof(*map.loads));
	assert_non_null(map.loads);
	mem_copy(map.loads, g.h.map.loads, map.n * sizeof(*map.loads));
	core_map_lay_out(&map, map.notes_size);
	assert_false(failed(core_segments_write(&map, &s.sink)));
	assert_int_equal(s.to.n, map.headers_size);
	assert_false(failed(core_notes_read(&in.input, &g.h, &s.sink)));
	assert_false(failed(s.sink.fill(&s.sink, 0, map.loads[0].offset - s.to.n)));
	copy_memory(&s, &map);
	assert_int_equal(s.to.n, map.size);
	assert_false(failed(fd_write_all(g.masked_fd, made_bytes(&s.to))));
	free(map.loads);
	made_done(&s.to);
}

static int start(void **state)
{
	(void)state;
	if (SANITIZED || !run("gcore 2>/dev/null >/dev/null || test $? -le 2") ||
	    !run("eu-readelf --version >/dev/null 2>&1"))
		return 0;
	(void)snprintf(folder, sizeof(folder), "/tmp/chancery-test-XXXXXX");
	if (!mkdtemp(folder) || !spawn() || !take())
		return 1;
	g.fd = open(g.core, O_RDONLY | O_CLOEXEC);
	g.masked_fd = open(g.masked, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (g.fd < 0 || g.masked_fd < 0)
		return 1;
	write_masked();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	core_head_done(&g.h);
	fd_close(&g.fd);
	fd_close(&g.masked_fd);
	if (g.pid > 0) {
		(void)kill(g.pid, SIGKILL);
		(void)waitpid(g.pid, NULL, 0);
	}
	return folder[0] && failed(dir_remove(AT_FDCWD, folder));
}

static void without_tools_skip(void)
{
	if (g.fd < 0)
		skip();
}

static void knows_the_threads(void **state)
{
	(void)state;
	without_tools_skip();
	char name[64];
	size_t seen = 0;
	(void)snprintf(name, sizeof(name), "/proc/%d/task", (int)g.pid);
	DIR *d = opendir(name);
	assert_non_null(d);
	for (const struct dirent *e = readdir(d); e; e = readdir(d)) {
		uint64_t tid = 0;
		if (!str_to_u64(str_from_c(e->d_name), INT32_MAX, &tid))
			continue;
		for (size_t i = 0; i < g.h.n_threads; i++)
			seen += g.h.threads[i].tid == tid;
	}
	(void)closedir(d);
	assert_int_equal(g.h.n_threads, THREADS);
	assert_int_equal(seen, THREADS);
	for (size_t i = 0; i < THREADS; i++) {
		const struct core_thread *t = &g.h.threads[i];
		assert_true(core_map_stack(&g.h.map, t->sp) && core_map_at(&g.h.map, t->fs_base));
	}
}

static void knows_the_memory(void **state)
{
	(void)state;
	without_tools_skip();
	char b[sizeof(planted)];
	assert_false(g.h.map.in_order);
	assert_false(failed(memory_exactly(&g.m.memory, (uintptr_t)planted, b, sizeof(b))));
	for (size_t i = 0; i < sizeof(b); i++)
		assert_int_equal(b[i], 'p');
}

/* The child's places are ours: it was forked. */
static void knows_code(void **state)
{
	(void)state;
	without_tools_skip();
	const uint64_t code = (uintptr_t)wait_here;
	const uint64_t far_code = (uintptr_t)pause;
	assert_false(failed(core_files_find_code(&g.h, &g.m.memory)));
	assert_true(core_is_code(&g.h, code) && core_is_code(&g.h, far_code));
	assert_false(core_is_code(&g.h, (uintptr_t)constant));
	assert_false(core_is_code(&g.h, (uintptr_t)planted));
	const struct core_file *f = core_file_at(&g.h, code);
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self));
	assert_true(n > 0);
	assert_true(f && str_eq(f->path, (str){ self, (size_t)n }));
	f = core_file_at(&g.h, far_code);
	assert_true(f && memmem(f->path.p, f->path.n, "libc", 4));
	assert_true(core_map_at(&g.h.map, g.h.auxv_phdr) && g.h.auxv_phnum > 4);
	for (size_t i = 0; i < THREADS; i++)
		assert_true(core_is_code(&g.h, g.h.threads[i].pc));
}

/* What elfutils says of the notes, one word of each line that shall be alike. */
static char *told(const char *core, const char *filter)
{
	char command[512];
	char *text = calloc(TEXT_MAX, 1);
	(void)snprintf(command, sizeof(command), "eu-readelf -n %s | grep -oE '%s'", core, filter);
	FILE *f = popen(command, "r");
	assert_non_null(text);
	assert_non_null(f);
	assert_true(fread(text, 1, TEXT_MAX - 1, f) > 0);
	(void)pclose(f);
	return text;
}

static size_t lines(const char *text)
{
	size_t n = 0;
	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void tells_the_same(void **state)
{
	(void)state;
	without_tools_skip();
	static const char *const alike[] = {
		"^  [A-Z]+ +[0-9]+  .*", "pid: +[0-9]+",          "rip: +0x[0-9a-f]+",
		"rsp: +0x[0-9a-f]+",     "fs.base: +0x[0-9a-f]+", "rflags: .*",
		"orig_rax: .*",          "fname: [^,]*",          "[0-9a-f]+-[0-9a-f]+ .*",
		"^    [A-Z]+: .*",
	};
	for (size_t i = 0; i < COUNT_OF(alike); i++) {
		char *is = told(g.masked, alike[i]);
		char *was = told(g.core, alike[i]);
		assert_true(lines(is) == lines(was));
		for (char *p = was; (p = strstr(p, " /")) && i == 8;) {
			size_t n = strcspn(++p, "\n");
			core_path_mask(p, n);
		}
		assert_string_equal(is, was);
		free(is);
		free(was);
	}
	char *vectors = told(g.masked, "(xmm[0-9]+|st[0-9]): +0x[0-9a-f]+");
	assert_true(lines(vectors) >= THREADS * 16);
	assert_int_equal(strspn(vectors, "xmst0123456789: \n"), strlen(vectors));
	assert_null(strpbrk(strstr(vectors, "0x") + 2, "abcdef"));
	free(vectors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_threads),
		cmocka_unit_test(knows_the_memory),
		cmocka_unit_test(knows_code),
		cmocka_unit_test(tells_the_same),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
