/* What programs behind their walls try in the tests of these walls. */
#include "walls.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"

int behind_walls(walls_fn *walls, act_fn *act)
{
	int status = 0;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		const int keep[] = { STDERR_FILENO };
		_exit(failed(walls(keep, COUNT_OF(keep))) ? WALLS_FAILED : act());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

void all_exit(walls_fn *walls, act_fn *const *acts, size_t n, int code)
{
	for (size_t i = 0; i < n; i++) {
		int status = behind_walls(walls, acts[i]);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != code)
			fail_msg("act %zu ended with %d", i, status);
	}
}

void all_are_killed(walls_fn *walls, act_fn *const *acts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int status = behind_walls(walls, acts[i]);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("act %zu ended with %d", i, status);
	}
}

int open_code(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);
	return fd >= 0 ? 0 : errno;
}

int start_process(void)
{
	return fork() < 0;
}

int start_program(void)
{
	char name[] = "true";
	char *argv[] = { name, NULL };
	return execve("/bin/true", argv, argv + 1);
}

int be_dumpable(void)
{
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

int signal_somebody(void)
{
	return kill(getppid(), 0);
}
