/* Whole files in, whole files out. Replacement is by rename after fsync, so that a
 * crash leaves the old content or the new one. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/rand.h"
#include "base/rw.h"

enum { REMOVE_DEPTH = 16 };

void fd_close(int *fd)
{
	int saved = errno;
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

ch_err fd_write_all(int fd, bytes b)
{
	while (b.n > 0) {
		ssize_t n = write(fd, b.p, b.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ch_fail(CH_E_IO, "cannot write", errno);
		b.p += n;
		b.n -= (size_t)n;
	}
	return CH_DONE;
}

ch_err fd_read_all(int fd, void *storage, size_t cap, size_t *ret_n)
{
	uint8_t extra = 0;
	size_t n = 0;
	for (;;) {
		bool full = n == cap;
		ssize_t got = full ? read(fd, &extra, 1)
				   : read(fd, (uint8_t *)storage + n, cap - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ch_fail(CH_E_IO, "cannot read", errno);
		if (got == 0)
			break;
		if (full)
			return ch_fail(CH_E_FULL, "file is longer than allowed", cap);
		n += (size_t)got;
	}
	*ret_n = n;
	return CH_DONE;
}

ch_err fd_read_exactly(int fd, void *storage, size_t n)
{
	uint8_t *p = storage;
	while (n > 0) {
		ssize_t got = read(fd, p, n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ch_fail(CH_E_IO, "cannot read", errno);
		if (got == 0)
			return ch_fail(CH_E_TRUNCATED, "it ends before it is whole", n);
		p += got;
		n -= (size_t)got;
	}
	return CH_DONE;
}

static ch_err open_to_read(int dir_fd, const char *path, int *ret_fd)
{
	int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 && errno == ENOENT)
		return ch_fail(CH_E_NOT_FOUND, "there is no such file", ENOENT);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot open the file", errno);
	*ret_fd = fd;
	return CH_DONE;
}

ch_err file_read(int dir_fd, const char *path, void *storage, size_t cap, size_t *ret_n)
{
	AUTO(fd_close) int fd = -1;
	TRY(open_to_read(dir_fd, path, &fd));
	return fd_read_all(fd, storage, cap, ret_n);
}

static void bytes_free(uint8_t **p)
{
	free(*p);
}

ch_err file_read_new(int dir_fd, const char *path, size_t max, uint8_t **ret_p, size_t *ret_n)
{
	AUTO(fd_close) int fd = -1;
	struct stat st = { 0 };
	TRY(open_to_read(dir_fd, path, &fd));
	if (fstat(fd, &st) != 0)
		return ch_fail(CH_E_IO, "cannot look at the file", errno);
	if (st.st_size < 0 || (uint64_t)st.st_size > max)
		return ch_fail(CH_E_FULL, "file is longer than allowed", max);
	size_t cap = S_ISREG(st.st_mode) ? (size_t)st.st_size : max;
	AUTO(bytes_free) uint8_t *p = malloc(cap + 1);
	if (!p)
		return ch_fail(CH_E_NOMEM, "no memory for a file", cap);
	TRY(fd_read_all(fd, p, cap, ret_n));
	p[*ret_n] = 0;
	*ret_p = TAKE(p);
	return CH_DONE;
}

static ch_err temp_name(struct path *ret_path, const char *path)
{
	uint8_t salt[8];
	struct wr w = wr_of(ret_path->p, sizeof(ret_path->p) - 1);
	rand_fill(salt, sizeof(salt));
	wr_str(&w, str_from_c(path));
	wr_lit(&w, ".new-");
	wr_hex(&w, BYTES_OF(salt));
	TRY(wr_done(&w));
	ret_path->p[w.n] = 0;
	return CH_DONE;
}

static ch_err sync_folder_of(int dir_fd, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct path folder = { "." };
	if (slash)
		TRY(path_of(&folder,
			    slash == path ? LIT("/") : (str){ path, (size_t)(slash - path) }));
	AUTO(fd_close) int fd = openat(dir_fd, folder.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		return ch_fail(CH_E_IO, "cannot sync the folder", errno);
	return CH_DONE;
}

static ch_err write_temp(int dir_fd, const char *temp, bytes content, mode_t mode)
{
	AUTO(fd_close) int fd =
		openat(dir_fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, mode);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot create the file", errno);
	/* the umask must not take what the caller asked for, nor give more */
	if (fchmod(fd, mode) != 0)
		return ch_fail(CH_E_IO, "cannot set the file's mode", errno);
	TRY(fd_write_all(fd, content));
	if (fsync(fd) != 0)
		return ch_fail(CH_E_IO, "cannot sync the file", errno);
	return CH_DONE;
}

static ch_err publish(int dir_fd, const char *path, bytes content, mode_t mode, unsigned flags)
{
	struct path temp;
	TRY(temp_name(&temp, path));
	ch_err e = write_temp(dir_fd, temp.p, content, mode);
	if (!failed(e) && renameat2(dir_fd, temp.p, dir_fd, path, flags) != 0)
		e = errno == EEXIST ? ch_fail(CH_E_EXISTS, "the file is there already", EEXIST)
				    : ch_fail(CH_E_IO, "cannot rename the file into place", errno);
	if (failed(e)) {
		(void)unlinkat(dir_fd, temp.p, 0);
		return e;
	}
	return sync_folder_of(dir_fd, path);
}

ch_err file_replace(int dir_fd, const char *path, bytes content, mode_t mode)
{
	return publish(dir_fd, path, content, mode, 0);
}

ch_err file_create(int dir_fd, const char *path, bytes content, mode_t mode)
{
	return publish(dir_fd, path, content, mode, RENAME_NOREPLACE);
}

ch_err dir_make(int dir_fd, const char *path, mode_t mode)
{
	struct path part;
	struct stat st = { 0 };
	TRY(path_of(&part, str_from_c(path)));
	for (char *p = part.p + 1; part.p[0]; p++) {
		char c = *p;
		if (c != '/' && c != 0)
			continue;
		*p = 0;
		if (mkdirat(dir_fd, part.p, mode) != 0 && errno != EEXIST)
			return ch_fail(CH_E_IO, "cannot make the folder", errno);
		*p = c;
		if (c == 0)
			break;
	}
	if (fstatat(dir_fd, part.p, &st, 0) != 0 || !S_ISDIR(st.st_mode))
		return ch_fail(CH_E_EXISTS, "a file stands where the folder should be", ENOTDIR);
	return CH_DONE;
}

ch_err dir_open(int dir_fd, const char *path, DIR **ret_d)
{
	AUTO(fd_close) int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return ch_fail(CH_E_IO, "cannot open the folder", errno);
	(void)TAKE_FD(fd); /* closed with d */
	*ret_d = d;
	return CH_DONE;
}

void dir_done(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

static ch_err remove_one(int dir_fd, const char *name, unsigned depth);

static ch_err remove_inside(int fd, unsigned depth)
{
	AUTO(dir_done) DIR *d = fdopendir(fd);
	if (!d) {
		(void)close(fd);
		return ch_fail(CH_E_IO, "cannot read a folder that is to be removed", errno);
	}
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			TRY(remove_one(dirfd(d), e->d_name, depth));
	return CH_DONE;
}

/* NOLINTNEXTLINE(misc-no-recursion): bounded by depth */
static ch_err remove_one(int dir_fd, const char *name, unsigned depth)
{
	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return CH_DONE;
	if (errno != EISDIR)
		return ch_fail(CH_E_IO, "cannot remove a file", errno);
	if (depth == 0)
		return ch_fail(CH_E_LIMIT, "folders nest too deep to be removed", REMOVE_DEPTH);
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot open a folder that is to be removed", errno);
	TRY(remove_inside(fd, depth - 1));
	if (unlinkat(dir_fd, name, AT_REMOVEDIR) != 0)
		return ch_fail(CH_E_IO, "cannot remove a folder", errno);
	return CH_DONE;
}

ch_err dir_remove(int dir_fd, const char *name)
{
	return remove_one(dir_fd, name, REMOVE_DEPTH);
}
