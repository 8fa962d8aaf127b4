/* Threads that verify share nothing that they write, nor ask the kernel for anything: every
 * instruction of a verification is looked at, libcrypto's and libc's too. One that locks
 * the bus is how a lock is taken, a reference counted, an atomic number changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"

enum { NO_TRACING = 7, WRONG = 8 };
enum { INT3 = 0xcc, LOCK = 0xf0, XCHG_8 = 0x86, XCHG = 0x87, TWO_BYTES = 0x0f, SYSCALL = 0x05 };

struct steps {
	unsigned long all, locked, calls;
};

static char token[TEXT_MAX];
static size_t token_n;

/* These may stand before what an instruction does; a REX prefix is 0x40 to 0x4f. */
static bool is_prefix(uint8_t b)
{
	static const uint8_t all[] = { LOCK, 0x66, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 };
	for (size_t i = 0; i < sizeof(all); i++)
		if (b == all[i])
			return true;
	return (b & 0xf0) == 0x40;
}

/* An exchange with memory locks without being told to. */
static void look(const uint8_t *at, struct steps *s)
{
	bool locked = false;
	for (; is_prefix(*at); at++)
		locked |= *at == LOCK;
	if (*at == XCHG_8 || *at == XCHG)
		locked |= at[1] >> 6 != 3;
	s->all++;
	s->locked += locked;
	s->calls += *at == TWO_BYTES && at[1] == SYSCALL;
}

static void *sleep_on(void *arg)
{
	(void)pause();
	return arg;
}

/* With a second thread, for libc spares locks when there is one alone. */
static _Noreturn void child(bool (*act)(void))
{
	pthread_t other;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
	    pthread_create(&other, NULL, sleep_on, NULL) != 0 || !act() || !act())
		_exit(WRONG);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		_exit(NO_TRACING);
	__asm__ volatile("int3");
	bool good = act();
	__asm__ volatile("int3");
	_exit(good ? 0 : WRONG);
}

/* The child was forked from here: its instructions are where ours are. */
static struct steps steps_of(bool (*act)(void))
{
	struct user_regs_struct regs = { 0 };
	struct steps s = { 0 };
	int status = 0;
	pid_t pid = fork();
	if (pid == 0)
		child(act);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_TRACING)
		skip();
	while (WIFSTOPPED(status)) {
		assert_int_equal(WSTOPSIG(status), SIGTRAP);
		assert_int_equal(ptrace(PTRACE_GETREGS, pid, NULL, &regs), 0);
		const uint8_t *at = (const uint8_t *)(uintptr_t)regs.rip;
		if (*at == INT3)
			break;
		look(at, &s);
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	assert_true(WIFSTOPPED(status));
	/* past the mark, to say how it went */
	regs.rip++;
	assert_int_equal(ptrace(PTRACE_SETREGS, pid, NULL, &regs), 0);
	assert_int_equal(ptrace(PTRACE_CONT, pid, NULL, NULL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return s;
}

static bool verify(void)
{
	struct ch_verified v;
	return ch_verify(verifier, &scratch, (ch_text){ token, token_n }, now, NULL, &v) ==
	       CH_ACCEPTED;
}

static bool count_and_ask(void)
{
	static _Atomic int count;
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	count++;
	bool good = pthread_mutex_lock(&lock) == 0 && pthread_mutex_unlock(&lock) == 0;
	return good && getppid() > 0;
}

static void test_what_is_looked_for_is_seen(void **state)
{
	(void)state;
	struct steps s = steps_of(count_and_ask);
	assert_true(s.locked >= 3);
	assert_int_equal(s.calls, 1);
}

/* Not EdDSA, which takes three times as many steps and has none either; nor PS256, where
 * libcrypto counts who uses its SHA-256. */
static void test_nothing_is_locked(void **state)
{
	(void)state;
	assert_false(ch_failed(ch_verifier_warm(verifier)));
	for (size_t i = 0; i < ISSUERS; i++) {
		if (parties()[i].alg != ALG_ES256 && parties()[i].alg != ALG_RS256)
			continue;
		token_n = token_of(token, &parties()[i]).n;
		assert_true(verify());
		struct steps s = steps_of(verify);
		assert_true(s.all > 10000);
		assert_int_equal(s.locked, 0);
		assert_int_equal(s.calls, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_looked_for_is_seen),
		cmocka_unit_test(test_nothing_is_locked),
	};
	return cmocka_run_group_tests(tests, host_begin, host_end);
}
