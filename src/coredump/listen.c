/* Sockets in STATE/run, a folder where nobody but its owner can write. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "coredump_internal.h"

/* a full queue would lose a crash: the kernel does not wait */
enum { BACKLOG = 512 };

ch_err listen_in(int state_dir, const char *name, int type, mode_t mode, int *ret_fd)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct wr w = wr_of(a.sun_path, sizeof(a.sun_path) - 1);
	wr_lit(&w, "/proc/self/fd/");
	wr_dec(&w, (uint64_t)state_dir);
	wr_char(&w, '/');
	wr_str(&w, str_from_c(name));
	TRY(wr_done(&w));
	AUTO(fd_close) int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot make a socket", errno);
	(void)unlinkat(state_dir, name, 0);
	mode_t before = umask(0777 & ~mode);
	int r = bind(fd, (const struct sockaddr *)&a, sizeof(a));
	(void)umask(before);
	if (r != 0 || listen(fd, BACKLOG) != 0)
		return ch_fail(CH_E_IO, "cannot listen in the handler's state", errno);
	*ret_fd = TAKE_FD(fd);
	return CH_DONE;
}
