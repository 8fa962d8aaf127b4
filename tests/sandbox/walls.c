/* What programs behind their walls try in the tests of these walls. */
#include "walls.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
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

int read_users(void)
{
	return open_code("/etc/passwd", O_RDONLY);
}

int read_itself(void)
{
	return open_code("/proc/self/mem", O_RDONLY);
}

int take_a_port(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return bind(fd, (struct sockaddr *)&any, sizeof(any));
}

int talk_to_the_host(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

int ask_the_kernel(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
}

int trace_somebody(void)
{
	return (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

int run_new_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	       MAP_FAILED;
}
