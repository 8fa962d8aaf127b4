/* Runs one program, the one that was named when it was made, for each message from the monitor: the
 * text on its standard input, never as an argument. Nothing else that the monitor says can be
 * meant, so one that was taken over can raise alarms, and no more. */
#include "log_exec.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

enum { TEXT_MAX = 8192, DONE = 'y', NOT_DONE = 'n' };

static bool run_program(const char *program, str text)
{
	char *const argv[] = { (char *)(uintptr_t)program, NULL };
	AUTO(fd_close) int in = memfd_create("alarm", MFD_CLOEXEC);
	int status = 0;
	if (in < 0 || failed(fd_write_all(in, bytes_of_str(text))) || lseek(in, 0, SEEK_SET) != 0)
		return false;
	pid_t pid = fork();
	if (pid == 0) {
		sigset_t none;
		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		(void)dup2(in, STDIN_FILENO);
		(void)execvp(program, argv);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && status == 0;
}

/* Signals that are meant for the monitor end this one when the monitor hangs up. */
_Noreturn static void serve(const char *program, int fd)
{
	char text[TEXT_MAX];
	sigset_t all;
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	for (;;) {
		ssize_t n = recv(fd, text, sizeof(text), MSG_TRUNC);
		if (n <= 0 || (size_t)n > sizeof(text))
			_exit(0);
		const char done = run_program(program, (str){ text, (size_t)n }) ? DONE : NOT_DONE;
		if (send(fd, &done, 1, MSG_NOSIGNAL) != 1)
			_exit(0);
	}
}

ch_err log_exec_start(const char *program, int *ret_fd)
{
	int fds[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		return ch_fail(CH_E_IO, "cannot make a pair of sockets", errno);
	pid_t pid = fork();
	if (pid == 0) {
		(void)close(fds[0]);
		serve(program, fds[1]);
	}
	(void)close(fds[1]);
	if (pid < 0) {
		(void)close(fds[0]);
		return ch_fail(CH_E_IO, "cannot start a process", errno);
	}
	*ret_fd = fds[0];
	return CH_DONE;
}

bool log_exec_run(int fd, str text)
{
	char done = NOT_DONE;
	return send(fd, text.p, text.n, MSG_NOSIGNAL) == (ssize_t)text.n &&
	       recv(fd, &done, 1, 0) == 1 && done == DONE;
}
