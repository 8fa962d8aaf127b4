/* Unix sockets with a name, in a folder where nobody but its owner can write. Must never
 * follow a link, chmod what is not ours, or take the place of a server that lives. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/rw.h"
#include "listen.h"

enum { UNIX_BACKLOG = 512, UNIX_NAME_MAX = 80 };

/* The folder, opened, and the names in it; and where we were before. */
struct nook {
	int folder, back;
	struct path name, fresh;
};

static void nook_done(struct nook *n)
{
	if (n->back >= 0 && fchdir(n->back) != 0)
		_exit(3); /* every relative path would mean another file */
	fd_close(&n->back);
	fd_close(&n->folder);
}

static ch_err open_folder(struct nook *n, str folder)
{
	struct stat st = { 0 };
	struct path path;
	TRY(path_of(&path, folder));
	n->folder = open(path.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (n->folder < 0 || fstat(n->folder, &st) != 0)
		return ch_fail(CH_E_IO, "cannot open the socket's folder", errno);
	if ((st.st_mode & (S_IWOTH | S_IWGRP)) || (st.st_uid != 0 && st.st_uid != geteuid()))
		return ch_fail(CH_E_DENIED,
			       "others can write in the socket's folder: give it one of its own",
			       st.st_mode);
	return CH_DONE;
}

/* A name within 108 bytes whatever the folder: by standing in it. */
static ch_err nook_open(str path, struct nook *n)
{
	size_t at = path.n;
	uint8_t fresh[UNIX_NAME_MAX + 32];
	struct wr w = wr_of(fresh, sizeof(fresh));
	while (at > 0 && path.p[at - 1] != '/')
		at--;
	str name = str_sub(path, at, path.n);
	if (name.n == 0 || name.n > UNIX_NAME_MAX)
		return ch_fail(CH_E_FULL, "the name of a socket has 1 to 80 bytes", name.n);
	TRY(open_folder(n, at > 1 ? str_sub(path, 0, at - 1) : LIT("/")));
	wr_char(&w, '.');
	wr_str(&w, name);
	wr_char(&w, '.');
	wr_dec(&w, (uint64_t)getpid());
	TRY(path_of(&n->name, name));
	TRY(path_of(&n->fresh, wr_text(&w)));
	n->back = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (n->back < 0 || fchdir(n->folder) != 0)
		return ch_fail(CH_E_IO, "cannot enter the socket's folder", errno);
	return CH_DONE;
}

static void address_of(const struct path *name, struct sockaddr_un *ret_a)
{
	str text = str_from_c(name->p);
	*ret_a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	mem_copy(ret_a->sun_path, text.p, text.n);
}

/* Nothing there, or a socket that nobody serves. */
static ch_err place_is_free(const struct nook *n)
{
	struct stat st = { 0 };
	struct sockaddr_un a;
	if (fstatat(n->folder, n->name.p, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? CH_DONE
				       : ch_fail(CH_E_IO, "cannot look at the socket", errno);
	if (!S_ISSOCK(st.st_mode))
		return ch_fail(CH_E_EXISTS,
			       "something that is no socket stands there: move it away", 0);
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	address_of(&n->name, &a);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot make a socket", errno);
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0 || errno != ECONNREFUSED)
		return ch_fail(CH_E_BUSY, "somebody serves at this socket already", 0);
	return CH_DONE;
}

static ch_err give_rights(const struct nook *n, const char *name, const struct unix_place *place)
{
	struct stat st = { 0 };
	if (fstatat(n->folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISSOCK(st.st_mode))
		return ch_fail(CH_E_MISMATCH, "the socket is not where it was put", 0);
	if (fchownat(n->folder, name, place->owner, place->group, AT_SYMLINK_NOFOLLOW) != 0)
		return ch_fail(CH_E_IO, "cannot give the socket to its owner and group", errno);
	if (fchmodat(n->folder, name, place->mode, 0) != 0)
		return ch_fail(CH_E_IO, "cannot set the mode of the socket", errno);
	return CH_DONE;
}

static ch_err appear(const struct nook *n, const struct unix_place *place, int fd)
{
	struct sockaddr_un a;
	address_of(&n->fresh, &a);
	(void)unlinkat(n->folder, n->fresh.p, 0);
	mode_t before = umask(0177);
	int r = bind(fd, (const struct sockaddr *)&a, sizeof(a));
	(void)umask(before);
	if (r != 0 || listen(fd, UNIX_BACKLOG) != 0)
		return ch_fail(CH_E_IO, "cannot listen at the socket", errno);
	ch_err e = give_rights(n, n->fresh.p, place);
	if (!failed(e) && renameat(n->folder, n->fresh.p, n->folder, n->name.p) != 0)
		e = ch_fail(CH_E_IO, "cannot put the socket in its place", errno);
	if (failed(e))
		(void)unlinkat(n->folder, n->fresh.p, 0);
	return e;
}

ch_err listen_unix(const struct unix_place *place, int *ret_fd)
{
	AUTO(nook_done) struct nook n = { .folder = -1, .back = -1 };
	TRY(nook_open(place->path, &n));
	TRY(place_is_free(&n));
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot make a socket", errno);
	TRY(appear(&n, place, fd));
	*ret_fd = TAKE_FD(fd);
	return CH_DONE;
}

ch_err listen_unix_rights(const struct unix_place *place)
{
	AUTO(nook_done) struct nook n = { .folder = -1, .back = -1 };
	TRY(nook_open(place->path, &n));
	return give_rights(&n, n.name.p, place);
}

void listen_unix_remove(str path)
{
	AUTO(nook_done) struct nook n = { .folder = -1, .back = -1 };
	struct stat st = { 0 };
	if (failed(nook_open(path, &n)))
		return;
	if (fstatat(n.folder, n.name.p, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(st.st_mode))
		(void)unlinkat(n.folder, n.name.p, 0);
}
