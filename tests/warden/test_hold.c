/* A signer that dies before, while or after it is held is told from one that cannot be
 * held: the first is its own loss, the second ends the warden and every signer. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "warden_internal.h"

struct newborn {
	pid_t pid;
	int key_fd; /* the warden's end */
};

/* A process that only waits, and alone has the other end of its key socket. */
static struct newborn born(void)
{
	int pair[2];
	assert_false(failed(channel_pair(pair)));
	pid_t pid = fork();
	if (pid == 0) {
		(void)close(pair[1]);
		for (;;)
			(void)pause();
	}
	assert_true(pid > 0);
	fd_close(&pair[0]);
	return (struct newborn){ pid, pair[1] };
}

/* Dead, but not collected: its parent has other things to do. */
static void die(const struct newborn *n)
{
	siginfo_t info;
	assert_int_equal(kill(n->pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)n->pid, &info, WEXITED | WNOWAIT | __WALL), 0);
}

static void collect(struct newborn *n)
{
	int status = 0;
	assert_int_equal(waitpid(n->pid, &status, __WALL), n->pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	fd_close(&n->key_fd);
}

static void one_that_lives_is_held(void **state)
{
	(void)state;
	struct newborn n = born();
	assert_false(failed(hold_seize(n.pid, n.key_fd)));
	die(&n);
	collect(&n);
}

static void one_that_died_is_gone_though_nobody_collects_it(void **state)
{
	(void)state;
	struct newborn n = born();
	die(&n);
	assert_int_equal(ch_code_of(hold_seize(n.pid, n.key_fd)), CH_E_GONE);
	collect(&n);
}

static void one_that_was_collected_is_gone(void **state)
{
	(void)state;
	struct newborn n = born();
	int key_fd = dup(n.key_fd);
	die(&n);
	collect(&n);
	assert_int_equal(ch_code_of(hold_seize(n.pid, key_fd)), CH_E_GONE);
	fd_close(&key_fd);
}

static void one_that_dies_once_held_takes_no_key(void **state)
{
	(void)state;
	static uint8_t secret[32];
	const struct secretmem key = { secret, sizeof(secret), SECRETMEM_MLOCK };
	struct newborn n = born();
	assert_false(failed(hold_seize(n.pid, n.key_fd)));
	assert_false(failed(key_hand_over(&key, sizeof(secret), n.key_fd)));
	die(&n);
	/* the first still lies unread in its socket, which says so once */
	for (int i = 0; i < 2; i++)
		assert_int_equal(ch_code_of(key_hand_over(&key, sizeof(secret), n.key_fd)),
				 CH_E_GONE);
	collect(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_lives_is_held),
		cmocka_unit_test(one_that_died_is_gone_though_nobody_collects_it),
		cmocka_unit_test(one_that_was_collected_is_gone),
		cmocka_unit_test(one_that_dies_once_held_takes_no_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
