/* Messages between processes: SOCK_SEQPACKET pairs that the supervisor makes, so
 * that holding an end is the identity and a message has bounds. Descriptors travel
 * beside the bytes. PROTOCOL.md lists the messages. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

enum { MESSAGE_MAX = 64 * 1024, MESSAGE_FDS_MAX = 4, WIRE_VERSION = 1 };

struct message_fds {
	int fd[MESSAGE_FDS_MAX];
	size_t n;
};

/* For AUTO(): closes what is left in it. */
void message_fds_done(struct message_fds *f);
/* Moves the i-th descriptor out; -1 when there is none. */
int message_fds_take(struct message_fds *f, size_t i);

/* A close-on-exec, non-blocking pair. */
ch_err channel_pair(int ret_ends[static 2]);
/* One message, with the descriptors of fds_or_null, which stay the caller's. E_BUSY
 * when the peer's queue is full, E_GONE when the peer is. */
ch_err channel_send(int fd, bytes message, const struct message_fds *fds_or_null);
/* One message into storage (MESSAGE_MAX bytes of room). E_BUSY: none now. E_GONE: the
 * peer closed. E_PROTOCOL: longer than storage, or descriptors where ret_fds_or_null is NULL.
 * Received descriptors are close-on-exec and the caller's. */
ch_err channel_recv(int fd, void *storage, size_t cap, bytes *ret_message,
		    struct message_fds *ret_fds_or_null);
/* Waits for one of poll's events, at most timeout_ms (-1: for ever); E_BUSY when the
 * time is over. */
ch_err channel_wait(int fd, short events, int timeout_ms);
