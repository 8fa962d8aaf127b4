/* The kernel's side, played: its question and what it may answer; and processes that are no
 * crash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "coredump_internal.h"

struct request {
	uint32_t size, size_ack;
	uint64_t mask;
};
static const struct request usual = { 16, 16, 15 };

enum { OURS, KERNELS };

static void pair(int ends[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
}

static void done(int ends[2])
{
	fd_close(&ends[OURS]);
	fd_close(&ends[KERNELS]);
}

static ch_err ask(const void *question, size_t n)
{
	int ends[2];
	pair(ends);
	assert_int_equal(write(ends[KERNELS], question, n), (ssize_t)n);
	(void)shutdown(ends[KERNELS], SHUT_WR);
	ch_err e = request_read(ends[OURS]);
	done(ends);
	return e;
}

static void test_question(void **unused)
{
	(void)unused;
	uint8_t longer[64] = { 0 };
	const struct request grown = { sizeof(longer), 32, 255 };
	assert_false(failed(ask(&usual, sizeof(usual))));
	mem_copy(longer, &grown, sizeof(grown));
	assert_false(failed(ask(longer, sizeof(longer))));
	/* cut anywhere */
	for (size_t n = 0; n < sizeof(usual); n++)
		assert_int_equal(ch_code_of(ask(&usual, n)), CH_E_TRUNCATED);
	for (size_t n = sizeof(usual); n < sizeof(longer); n++)
		assert_int_equal(ch_code_of(ask(longer, n)), CH_E_TRUNCATED);
}

static void test_bad_question(void **unused)
{
	(void)unused;
	static const struct request sizes[] = {
		{ 0, 16, 15 }, { 15, 16, 15 }, { 4097, 16, 15 }, { UINT32_MAX, 16, 15 }
	};
	static const struct request offers[] = { { 16, 8, 15 }, { 16, 16, 2 }, { 16, 16, 7 } };
	for (size_t i = 0; i < COUNT_OF(sizes); i++)
		assert_int_equal(ch_code_of(ask(&sizes[i], sizeof(sizes[i]))), CH_E_PROTOCOL);
	for (size_t i = 0; i < COUNT_OF(offers); i++)
		assert_int_equal(ch_code_of(ask(&offers[i], sizeof(offers[i]))), CH_E_UNSUPPORTED);
}

/* What we answer; and the mark is four bytes, behind which the core begins at once. */
static void test_answers(void **unused)
{
	(void)unused;
	static const struct {
		ch_err (*answer)(int connection);
		uint64_t mask;
	} cases[] = { { request_accept, 1 | 8 }, { request_reject, 4 } };
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		static const uint8_t mark_and_core[] = { 0, 0, 0, 0, 0x7f, 'E', 'L', 'F' };
		uint64_t said[2] = { 0 };
		char rest[8] = { 0 };
		int ends[2];
		pair(ends);
		assert_int_equal(write(ends[KERNELS], mark_and_core, 8), 8);
		assert_false(failed(cases[i].answer(ends[OURS])));
		assert_int_equal(read(ends[KERNELS], said, sizeof(said)), 16);
		assert_int_equal(said[0], 16);
		assert_int_equal(said[1], cases[i].mask);
		assert_int_equal(read(ends[OURS], rest, sizeof(rest)), 4);
		assert_memory_equal(rest, "\177ELF", 4);
		done(ends);
	}
}

static void test_kernel_refuses(void **unused)
{
	(void)unused;
	for (uint32_t mark = 1; mark < 5; mark++) {
		int ends[2];
		pair(ends);
		assert_int_equal(write(ends[KERNELS], &mark, 4), 4);
		assert_int_equal(ch_code_of(request_accept(ends[OURS])), CH_E_PROTOCOL);
		done(ends);
	}
	int ends[2];
	pair(ends);
	(void)shutdown(ends[KERNELS], SHUT_WR);
	assert_int_equal(ch_code_of(request_accept(ends[OURS])), CH_E_TRUNCATED);
	done(ends);
}

static void test_no_crash(void **unused)
{
	(void)unused;
	AUTO(crash_done) struct crash c;
	crash_init(&c);
	c.pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	assert_int_equal(ch_code_of(crash_check(&c)), CH_E_DENIED);
	assert_int_equal(ch_code_of(crash_identify(&c)), CH_E_DENIED);
	/* who connects is known by its pidfd too */
	int ends[2], peer = -1;
	pair(ends);
	if (!failed(crash_peer(ends[OURS], &peer))) {
		fd_close(&c.pidfd);
		c.pidfd = peer;
		assert_int_equal(ch_code_of(crash_check(&c)), CH_E_DENIED);
		assert_int_equal(c.pid, getpid());
	}
	done(ends);
}

/* One that has ended, and one whose pid is free again. */
static void test_gone(void **unused)
{
	(void)unused;
	AUTO(crash_done) struct crash c;
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	crash_init(&c);
	c.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	siginfo_t info;
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(ch_code_of(crash_check(&c)), CH_E_GONE);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(ch_code_of(crash_check(&c)), CH_E_GONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_question), cmocka_unit_test(test_bad_question),
		cmocka_unit_test(test_answers),  cmocka_unit_test(test_kernel_refuses),
		cmocka_unit_test(test_no_crash), cmocka_unit_test(test_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
