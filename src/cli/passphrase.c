/* A passphrase that comes from a prompt, a credential or a pipe. It is passed on as a
 * descriptor, never as an argument or in the environment, and wiped here. */
#include "passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/secret.h"

enum { PASSPHRASE_MAX = 4096 };

/* All of `from`, in memory of its own. */
static ch_err keep(int from, int *ret_fd)
{
	SECRET_BUF(room, PASSPHRASE_MAX);
	size_t n = 0;
	AUTO(fd_close) int fd = memfd_create("passphrase", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return ch_fail(CH_E_IO, "no memory for a passphrase", errno);
	TRY(fd_read_all(from, room, sizeof(room), &n));
	if (n == 0)
		return ch_fail(CH_E_DENIED, "nothing was said", 0);
	TRY(fd_write_all(fd, (bytes){ room, n }));
	if (lseek(fd, 0, SEEK_SET) != 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
		return ch_fail(CH_E_IO, "cannot keep a passphrase", errno);
	*ret_fd = TAKE_FD(fd);
	return CH_DONE;
}

ch_err passphrase_open(const char *file, int *ret_fd)
{
	if (strcmp(file, "-") == 0)
		return keep(STDIN_FILENO, ret_fd);
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot open the passphrase file", errno);
	*ret_fd = fd;
	return CH_DONE;
}

_Noreturn static void ask(int to)
{
	char name[] = "systemd-ask-password", id[] = "--id=chancery", timeout[] = "--timeout=0",
	     question[] = "Passphrase of the keys of Chancery:";
	char *argv[] = { name, id, timeout, question, NULL };
	char *envp[] = { NULL };
	(void)dup2(to, STDOUT_FILENO);
	(void)execve("/usr/bin/systemd-ask-password", argv, envp);
	_exit(127);
}

static ch_err answer_of(pid_t pid)
{
	int status = 0;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return ch_fail(CH_E_IO, "cannot wait for systemd-ask-password", errno);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return CH_DONE;
	return ch_fail(CH_E_DENIED, "systemd-ask-password is not here, or was refused",
		       (uint64_t)status);
}

ch_err passphrase_ask(int *ret_fd)
{
	int ends[2] = { -1, -1 };
	if (pipe2(ends, O_CLOEXEC) != 0)
		return ch_fail(CH_E_IO, "cannot make a pipe", errno);
	AUTO(fd_close) int from = ends[0];
	AUTO(fd_close) int to = ends[1];
	AUTO(fd_close) int fd = -1;
	pid_t pid = fork();
	if (pid < 0)
		return ch_fail(CH_E_IO, "cannot fork", errno);
	if (pid == 0)
		ask(to);
	fd_close(&to);
	ch_err e = keep(from, &fd);
	TRY(answer_of(pid));
	TRY(e);
	*ret_fd = TAKE_FD(fd);
	return CH_DONE;
}
