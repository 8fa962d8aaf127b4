/* The folder of the handler's state, as strict as a role with its boot memory: root's, or
 * ours, and nobody else's to write; a file that does not fit is refused whole. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "coredump_internal.h"

static ch_err is_private(int fd)
{
	struct stat st = { 0 };
	if (fstat(fd, &st) != 0)
		return ch_fail(CH_E_IO, "cannot look at the handler's state", errno);
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return ch_fail(CH_E_DENIED, "others can write to the handler's state", st.st_mode);
	return CH_DONE;
}

ch_err state_read(int dir, const char *name, void *room, size_t cap, bytes *ret_b)
{
	size_t n = 0;
	AUTO(fd_close) int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return ch_fail(CH_E_NOT_FOUND, "the handler is not installed", ENOENT);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot open a file of the handler's state", errno);
	TRY(is_private(fd));
	TRY(fd_read_all(fd, room, cap, &n));
	*ret_b = (bytes){ room, n };
	return CH_DONE;
}

ch_err state_open(const char *path, struct state *ret_s)
{
	bytes b = { 0 };
	AUTO(fd_close) int dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return ch_fail(CH_E_IO, "cannot open the handler's state", errno);
	TRY(is_private(dir));
	TRY(state_read(dir, DUMP_FILE_SETTINGS, ret_s->room, sizeof(ret_s->room), &b));
	TRY(dump_settings_read(b, &ret_s->settings));
	ret_s->dir = TAKE_FD(dir);
	return CH_DONE;
}
