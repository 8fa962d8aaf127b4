/* Starting and ending the handler's daemon: by systemd where it runs, else as a process of
 * its own session. Signals only a process that it has just seen to be the daemon of this
 * STATE, by a pidfd. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <linux/close_range.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "coredump_state.h"
#include "libexec.h"
#include "sandbox/spawn.h"

enum { START_TRIES = 3000, TRY_MS = 10, STOP_MS = 20000 };
#define UNIT "chancery-coredump.service"

static void pause_ms(long ms)
{
	(void)nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 },
			NULL);
}

bool systemd_runs(const struct handler *h)
{
	struct stat st = { 0 };
	return str_eq(str_from_c(h->state.p), LIT(DUMP_STATE_DEFAULT)) &&
	       stat("/run/systemd/system", &st) == 0;
}

/* argv[1] and [2] of a process are "serve" and STATE. */
static bool serves(const struct handler *h, uint64_t pid)
{
	char name[64], text[PATH_CAP + 64];
	size_t n = 0;
	(void)snprintf(name, sizeof(name), "/proc/%llu/cmdline", (unsigned long long)pid);
	if (failed(file_read(AT_FDCWD, name, text, sizeof(text), &n)))
		return false;
	str left = { text, n };
	(void)str_cut(&left, 0);
	return str_eq(str_cut(&left, 0), LIT("serve")) &&
	       str_eq(str_cut(&left, 0), str_from_c(h->state.p));
}

/* Its pidfd too: the pid cannot become another process's between the look and the signal. */
static pid_t find(const struct handler *h, int *ret_pidfd)
{
	char text[32];
	size_t n = 0;
	uint64_t pid = 0;
	if (h->dir < 0 || failed(file_read(h->dir, DUMP_FILE_PID, text, sizeof(text), &n)) ||
	    !str_to_u64((str){ text, n }, INT32_MAX, &pid))
		return 0;
	AUTO(fd_close) int pidfd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	if (pidfd < 0 || !serves(h, pid))
		return 0;
	*ret_pidfd = TAKE_FD(pidfd);
	return (pid_t)pid;
}

pid_t daemon_find(const struct handler *h)
{
	AUTO(fd_close) int pidfd = -1;
	return find(h, &pidfd);
}

static ch_err wait_for(pid_t pid, const char *what)
{
	int status = 0;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return ch_fail(CH_E_IO, "cannot wait for a program", errno);
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 3;
	if (code == 0)
		return CH_DONE;
	if (strcmp(what, "restore") == 0 && code == 1)
		return ch_fail(CH_E_MISMATCH, "core_pattern is not the handler's", 0);
	return ch_fail(CH_E_GONE, "a program that was needed failed", (uint64_t)code);
}

static ch_err systemctl(const char *verb)
{
	char *argv[] = { (char *)(uintptr_t) "systemctl", (char *)(uintptr_t)verb,
			 (char *)(uintptr_t)UNIT, NULL };
	pid_t pid = fork();
	if (pid < 0)
		return ch_fail(CH_E_IO, "cannot fork", errno);
	if (pid == 0) {
		(void)execv("/usr/bin/systemctl", argv);
		_exit(3);
	}
	return wait_for(pid, verb);
}

_Noreturn static void be_program(const struct handler *h, int program, const char *duty, int log)
{
	char name[] = "chancery-coredump";
	char *argv[] = { name, (char *)(uintptr_t)duty, (char *)(uintptr_t)h->state.p, NULL };
	char *envp[] = { NULL };
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	(void)dup2(null, STDIN_FILENO);
	(void)dup2(log, STDOUT_FILENO);
	(void)dup2(log, STDERR_FILENO);
	if (setsid() < 0 || chdir("/") != 0)
		_exit(3);
	(void)close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	(void)syscall(SYS_execveat, program, "", argv, envp, AT_EMPTY_PATH);
	_exit(3);
}

static ch_err run_program(const struct handler *h, const char *duty, pid_t *ret_pid)
{
	struct path folder, name;
	AUTO(fd_close) int program = -1;
	AUTO(fd_close) int log = openat(h->dir, DUMP_FILE_LOG,
					O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
					0600);
	if (log < 0)
		return ch_fail(CH_E_IO, "cannot open the handler's log", errno);
	TRY(libexec_folder(&folder));
	TRY(path_join(&name, str_from_c(folder.p), LIT("coredump"), (str){ 0 }));
	TRY(spawn_open(name.p, &program));
	pid_t pid = fork();
	if (pid < 0)
		return ch_fail(CH_E_IO, "cannot fork", errno);
	if (pid == 0)
		be_program(h, program, duty, log);
	*ret_pid = pid;
	return CH_DONE;
}

ch_err pattern_restore(const struct handler *h)
{
	pid_t pid = 0;
	TRY(run_program(h, "restore", &pid));
	return wait_for(pid, "restore");
}

bool socket_answers(const struct handler *h, const char *name, int type)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int n = snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/%s", h->dir, name);
	AUTO(fd_close) int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd >= 0 && n > 0 && (size_t)n < sizeof(a.sun_path) &&
	       connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0;
}

static bool is_armed(const struct handler *h)
{
	struct kernel_pattern now;
	return !failed(kernel_pattern_read(&now)) && str_eq(now.pattern, h->settings.pattern) &&
	       daemon_find(h) > 0;
}

ch_err daemon_start(const struct handler *h, bool systemd)
{
	pid_t pid = 0;
	int status = 0;
	if (systemd && failed(systemctl("start")))
		return ch_fail(CH_E_GONE,
			       "systemd cannot start " UNIT ": put the unit of contrib/systemd "
			       "there, or give --no-systemd",
			       0);
	if (!systemd)
		TRY(run_program(h, "serve", &pid));
	for (int i = 0; i < START_TRIES; i++) {
		if (is_armed(h))
			return CH_DONE;
		if (pid > 0 && waitpid(pid, &status, WNOHANG) == pid)
			return ch_fail(CH_E_GONE,
				       "the daemon ended at once; see the log in its folder",
				       (uint64_t)status);
		pause_ms(TRY_MS);
	}
	return ch_fail(CH_E_BUSY, "the daemon does not take core_pattern; see its log",
		       START_TRIES);
}

ch_err daemon_stop(const struct handler *h, bool systemd)
{
	AUTO(fd_close) int pidfd = -1;
	if (systemd)
		TRY(systemctl("stop"));
	if (find(h, &pidfd) == 0)
		return CH_DONE;
	struct pollfd p = { pidfd, POLLIN, 0 };
	if (syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0) != 0)
		return ch_fail(CH_E_IO, "cannot ask the daemon to end", errno);
	if (poll(&p, 1, STOP_MS) != 1)
		return ch_fail(CH_E_BUSY, "the daemon does not end", STOP_MS);
	return CH_DONE;
}
