/* Listening sockets, made by the command line and handed to roles. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

/* Bound and listening on a numeric address, close-on-exec, non-blocking. Port 0 picks a
 * free one; *ret_port is the real one. E_BUSY: somebody listens there. E_IO otherwise. */
ch_err listen_tcp(str host, uint32_t port, int *ret_fd, uint32_t *ret_port);
