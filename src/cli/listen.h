/* Listening sockets, made by the command line and handed to roles. */
#pragma once
#include <sys/types.h>

#include "base/bytes.h"
#include "base/err.h"

/* Bound and listening on a numeric address, close-on-exec, non-blocking. Port 0 picks a
 * free one; *ret_port is the real one. E_BUSY: somebody listens there. E_IO otherwise. */
ch_err listen_tcp(str host, uint32_t port, int *ret_fd, uint32_t *ret_port);

/* The one of these n that listens on this address already; its place is set to -1.
 * E_NOT_FOUND: none does. */
ch_err listen_tcp_again(int *fds, size_t n, str host, uint32_t port, int *ret_fd);

/* A unix socket in the file system, and who may open it. */
struct unix_place {
	str path; /* absolute */
	mode_t mode;
	uid_t owner; /* (uid_t)-1: as we are */
	gid_t group; /* likewise */
};
/* Listens there, in the place of a socket that nobody serves any more. It appears under its
 * name with owner and mode as they shall be, by a rename, and no link is followed.
 * E_DENIED: others own its folder or can write in it; E_EXISTS: something else stands there; E_BUSY:
 * somebody serves there; E_FULL: the name is too long. */
ch_err listen_unix(const struct unix_place *place, int *ret_fd);
/* Gives the socket that stands there other rights. */
ch_err listen_unix_rights(const struct unix_place *place);
/* Removes it, if it is a socket. */
void listen_unix_remove(str path);
