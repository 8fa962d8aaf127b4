/* The former handler of crashes, started as the kernel starts it: root, no environment, in /, the
 * core on standard input and no other descriptor but a pidfd, and no dump of its own. What it
 * does with a core is its own affair; here it has a deadline. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "former.h"

enum { EXIT_NOT_RUN = 127, PIDFD_AT = 3, PIPE_SIZE = 1 << 20, SPLICE_MAX = 1 << 20 };

/* As a new process has them: libc keeps the first two real-time signals for itself, and leaves
 * them ignored if they were. A handler of theirs is no matter: exec takes it away. */
static void reset_signals(void)
{
	static const struct {
		void *handler;
		unsigned long flags;
		void *restorer;
		uint64_t mask;
	} usual = { 0 };
	for (int i = 1; i < NSIG; i++)
		(void)syscall(SYS_rt_sigaction, i, &usual, NULL, sizeof(usual.mask));
}

_Noreturn static void become(struct former_command *cmd, int core, int pidfd)
{
	static char *const nothing[] = { NULL };
	sigset_t none;
	const struct rlimit no_core = { 1, 1 };
	reset_signals();
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)setsid();
	(void)umask(022);
	/* so that they are not closed before they are in their places */
	int safe_core = fcntl(core, F_DUPFD, 100), safe_pidfd = fcntl(pidfd, F_DUPFD, 100);
	if (chdir("/") != 0 || safe_core < 0 || dup2(safe_core, STDIN_FILENO) < 0)
		_exit(EXIT_NOT_RUN);
	(void)close(STDOUT_FILENO);
	(void)close(STDERR_FILENO);
	if (cmd->wants_pidfd)
		(void)dup2(safe_pidfd, PIDFD_AT);
	(void)syscall(SYS_close_range, PIDFD_AT + cmd->wants_pidfd, ~0U, 0);
	(void)setgroups(0, NULL);
	/* without it, its own crash would start the next one */
	if (setrlimit(RLIMIT_CORE, &no_core) == 0)
		(void)execve(cmd->argv[0], cmd->argv, nothing);
	_exit(EXIT_NOT_RUN);
}

/* From the socket into the pipe, until one of them is shut. */
_Noreturn static void forward(int from, int to)
{
	(void)signal(SIGPIPE, SIG_IGN);
	for (;;) {
		ssize_t n = splice(from, NULL, to, NULL, SPLICE_MAX, SPLICE_F_MOVE);
		if (n == 0 || (n < 0 && errno != EINTR))
			_exit(0);
	}
}

static void end(pid_t pid)
{
	if (pid <= 0)
		return;
	(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Both run with no more than they are given: ours is closed in them. */
static ch_err start_forwarder(int core, int *ret_read, pid_t *ret_pid)
{
	int ends[2] = { -1, -1 };
	if (pipe2(ends, O_CLOEXEC) != 0)
		return ch_fail(CH_E_IO, "cannot make a pipe", errno);
	AUTO(fd_close) int reads = ends[0], writes = ends[1];
	(void)fcntl(writes, F_SETPIPE_SZ, PIPE_SIZE);
	pid_t pid = fork();
	if (pid < 0)
		return ch_fail(CH_E_IO, "cannot fork", errno);
	if (pid == 0) {
		fd_close(&reads);
		forward(core, writes);
	}
	*ret_read = TAKE_FD(reads);
	*ret_pid = pid;
	return CH_DONE;
}

static ch_err wait_for(pid_t pid, uint32_t seconds)
{
	int status = 0;
	uint64_t until_ns = clock_mono_ns() + seconds * UINT64_C(1000000000);
	AUTO(fd_close) int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	for (;;) {
		uint64_t now_ns = clock_mono_ns();
		struct pollfd p = { fd, POLLIN, 0 };
		if (fd < 0 || now_ns >= until_ns)
			break;
		uint64_t left_ms = (until_ns - now_ns) / 1000000 + 1;
		if (poll(&p, 1, (int)(left_ms < 60000 ? left_ms : 60000)) > 0)
			break;
	}
	if (waitpid(pid, &status, WNOHANG) != pid) {
		end(pid);
		return ch_fail(CH_E_BUSY, "the former handler took too long", seconds);
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return ch_fail(CH_E_GONE, "the former handler did not end well",
			       (uint64_t)(WIFEXITED(status) ? WEXITSTATUS(status) : 0));
	return CH_DONE;
}

ch_err former_run(struct former_command *cmd, const struct crash *c, uint32_t seconds)
{
	struct stat st = { 0 };
	pid_t forwarder = 0;
	AUTO(fd_close) int reads = -1;
	bool socket = fstat(c->core, &st) == 0 && S_ISSOCK(st.st_mode);
	if (socket)
		TRY(start_forwarder(c->core, &reads, &forwarder));
	pid_t pid = fork();
	if (pid == 0)
		become(cmd, socket ? reads : c->core, c->pidfd);
	int failed_with = errno;
	fd_close(&reads);
	ch_err e = pid < 0 ? ch_fail(CH_E_IO, "cannot fork", failed_with) : wait_for(pid, seconds);
	end(forwarder);
	return e;
}
