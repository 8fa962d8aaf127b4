/* Secret memory: guard pages fault, nobody reads it from outside, no descriptor and
 * no child keeps it. Each proof has its control on ordinary memory. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/secret.h"
#include "base/secretmem.h"

static uint8_t *at;
static volatile uint8_t sink;

static void touch(void)
{
	sink = *at;
}

/* Runs touch() in a child; the signal that ended it, 0 for none. */
static int dies_of(uint8_t *p)
{
	int status = 0;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)signal(SIGSEGV, SIG_DFL);
		at = p;
		touch();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status) ? SIGSEGV : 0;
}

static const enum secretmem_kind kinds[] = { SECRETMEM_MEMFD, SECRETMEM_MLOCK };

static bool have(enum secretmem_kind kind)
{
	return kind == SECRETMEM_MLOCK || secretmem_available();
}

static void mapped_zeroed_and_whole_pages(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		AUTO(secretmem_done) struct secretmem m = { 0 };
		if (!have(kinds[i]))
			continue;
		assert_false(failed(secretmem_map(kinds[i], 5000, &m)));
		assert_int_equal(m.n, 8192);
		assert_int_equal(m.kind, kinds[i]);
		for (size_t j = 0; j < m.n; j++)
			assert_int_equal(m.p[j], 0);
		memset(m.p, 1, m.n);
		secretmem_done(&m);
		assert_null(m.p);
		secretmem_done(&m);
	}
}

static void guard_pages_fault(void **state)
{
	(void)state;
	static uint8_t ordinary[1];
	assert_int_equal(dies_of(ordinary), 0);
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		AUTO(secretmem_done) struct secretmem m = { 0 };
		if (!have(kinds[i]))
			continue;
		assert_false(failed(secretmem_map(kinds[i], 4096, &m)));
		assert_int_equal(dies_of(m.p - 1), SIGSEGV);
		assert_int_equal(dies_of(m.p + m.n), SIGSEGV);
		assert_int_equal(dies_of(m.p), SIGSEGV); /* a child does not get it */
		sink = m.p[0];
		sink = m.p[m.n - 1];
	}
}

static void proc_mem_gets_nothing(void **state)
{
	(void)state;
	static uint8_t ordinary[16] = "ordinary memory";
	uint8_t got[16] = { 0 };
	AUTO(secretmem_done) struct secretmem m = { 0 };
	AUTO(fd_close) int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	if (!secretmem_available())
		skip();
	assert_true(fd >= 0);
	assert_false(failed(secretmem_map(SECRETMEM_MEMFD, 4096, &m)));
	memcpy(m.p, "a secret in here", 16);
	assert_int_equal(pread(fd, got, 16, (off_t)(uintptr_t)ordinary), 16);
	assert_memory_equal(got, ordinary, 16);
	errno = 0;
	assert_int_equal(pread(fd, got, 16, (off_t)(uintptr_t)m.p), -1);
	assert_int_equal(errno, EIO);
}

static ssize_t read_from(pid_t pid, void *remote, void *local, size_t n)
{
	struct iovec here = { local, n }, there = { remote, n };
	return process_vm_readv(pid, &here, 1, &there, 1, 0);
}

/* The child maps, writes both addresses to the pipe and waits to be killed. */
static void be_read(int to)
{
	static uint8_t ordinary[16] = "ordinary memory";
	struct secretmem m = { 0 };
	if (failed(secretmem_map(SECRETMEM_MEMFD, 4096, &m)))
		_exit(1);
	memcpy(m.p, "a secret in here", 16);
	void *addresses[2] = { ordinary, m.p };
	if (write(to, addresses, sizeof(addresses)) != sizeof(addresses))
		_exit(1);
	for (;;)
		(void)pause();
}

static void a_parent_cannot_read_its_child(void **state)
{
	(void)state;
	int ends[2];
	void *addresses[2];
	uint8_t got[16] = { 0 };
	if (!secretmem_available())
		skip();
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0)
		be_read(ends[1]);
	assert_int_equal(read(ends[0], addresses, sizeof(addresses)), sizeof(addresses));
	ssize_t control = read_from(pid, addresses[0], got, 16);
	ssize_t n = read_from(pid, addresses[1], got, 16);
	int error = errno;
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	(void)close(ends[0]);
	(void)close(ends[1]);
	assert_int_equal(control, 16);
	assert_int_equal(n, -1);
	assert_int_equal(error, EFAULT);
}

static size_t open_descriptors(void)
{
	size_t n = 0;
	DIR *d = opendir("/proc/self/fd");
	assert_non_null(d);
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		n++;
	(void)closedir(d);
	return n;
}

static void no_descriptor_stays_open(void **state)
{
	(void)state;
	AUTO(secretmem_done) struct secretmem m = { 0 };
	if (!secretmem_available())
		skip();
	size_t before = open_descriptors();
	assert_false(failed(secretmem_map(SECRETMEM_MEMFD, 4096, &m)));
	assert_int_equal(open_descriptors(), before);
}

static void handed_over(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		AUTO(secretmem_done) struct secretmem m = { 0 };
		AUTO(fd_close) int fd = -1;
		if (!have(kinds[i]))
			continue;
		assert_false(failed(secretmem_share(kinds[i], bytes_of_str(LIT("the key")), &fd)));
		assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
		assert_int_equal(ch_code_of(secretmem_receive(fd, kinds[i], 5000, &m)),
				 CH_E_MISMATCH);
		assert_false(failed(secretmem_receive(fd, kinds[i], 7, &m)));
		assert_memory_equal(m.p, "the key", 7);
		assert_int_equal(dies_of(m.p - 1), SIGSEGV);
	}
}

static void secrets_have_bounds(void **state)
{
	(void)state;
	struct secret *s = NULL;
	assert_int_equal(ch_code_of(secret_new(0, &s)), CH_E_RANGE);
	assert_int_equal(ch_code_of(secret_new(64 * 1024 + 1, &s)), CH_E_RANGE);
	assert_null(s);
	assert_false(failed(secret_new(33, &s)));
	assert_int_equal(secret_size(s), 33);
	assert_int_equal(dies_of(secret_poke(s) + 4096), SIGSEGV);
	secret_done(&s);
	assert_null(s);
	secret_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mapped_zeroed_and_whole_pages),
		cmocka_unit_test(guard_pages_fault),
		cmocka_unit_test(proc_mem_gets_nothing),
		cmocka_unit_test(a_parent_cannot_read_its_child),
		cmocka_unit_test(no_descriptor_stays_open),
		cmocka_unit_test(handed_over),
		cmocka_unit_test(secrets_have_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
