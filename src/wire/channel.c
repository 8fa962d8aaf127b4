/* SEQPACKET messages and the descriptors beside them. Believes nothing of what the
 * peer sends: lengths are the kernel's, surplus descriptors are closed. */
#include "wire/channel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"

void message_fds_done(struct message_fds *f)
{
	for (size_t i = 0; i < f->n; i++)
		fd_close(&f->fd[i]);
	f->n = 0;
}

int message_fds_take(struct message_fds *f, size_t i)
{
	return i < f->n ? TAKE_FD(f->fd[i]) : -1;
}

ch_err channel_pair(int ret_ends[static 2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_ends) != 0)
		return ch_fail(CH_E_IO, "cannot make a socket pair", errno);
	/* two full batches must fit; the kernel counts its own overhead */
	int size = 8 * MESSAGE_MAX;
	for (int i = 0; i < 2; i++)
		(void)setsockopt(ret_ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return CH_DONE;
}

static ch_err io_error(int number)
{
	if (number == EAGAIN || number == EWOULDBLOCK)
		return ch_fail(CH_E_BUSY, "the other process has no room or nothing to say",
			       number);
	/* older kernels may say so to one who writes while the other end closes */
	bool lost = number == ECONNREFUSED || number == ENOTCONN;
	if (number == EPIPE || number == ECONNRESET || lost)
		return ch_fail(CH_E_GONE, "the other process is gone", number);
	return ch_fail(CH_E_IO, "cannot talk to the other process", number);
}

union control_room {
	struct cmsghdr align;
	char p[CMSG_SPACE(sizeof(int) * MESSAGE_FDS_MAX)];
};

static void attach_fds(struct msghdr *m, union control_room *room, const struct message_fds *fds)
{
	memset(room, 0, sizeof(*room));
	m->msg_control = room->p;
	m->msg_controllen = CMSG_SPACE(sizeof(int) * fds->n);
	struct cmsghdr *c = &room->align;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * fds->n);
	mem_copy(CMSG_DATA(c), fds->fd, sizeof(int) * fds->n);
}

ch_err channel_send(int fd, bytes message, const struct message_fds *fds_or_null)
{
	struct iovec part = { (void *)(uintptr_t)message.p, message.n };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };
	union control_room room;
	if (fds_or_null && fds_or_null->n > 0)
		attach_fds(&m, &room, fds_or_null);
	for (;;) {
		if (sendmsg(fd, &m, MSG_NOSIGNAL) >= 0)
			return CH_DONE;
		if (errno != EINTR)
			return io_error(errno);
	}
}

static void collect_fds(struct msghdr *m, struct message_fds *ret_fds)
{
	ret_fds->n = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd = -1;
			mem_copy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (ret_fds->n < MESSAGE_FDS_MAX)
				ret_fds->fd[ret_fds->n++] = fd;
			else
				fd_close(&fd);
		}
	}
}

/* An empty message reads like the end: one who sends it is not gone. */
static bool is_open(int fd)
{
	struct pollfd p = { .fd = fd };
	return poll(&p, 1, 0) == 0;
}

ch_err channel_recv(int fd, void *storage, size_t cap, bytes *ret_message,
		    struct message_fds *ret_fds_or_null)
{
	struct iovec part = { storage, cap };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };
	union control_room room;
	ssize_t n = -1;
	if (ret_fds_or_null) {
		m.msg_control = room.p;
		m.msg_controllen = sizeof(room.p);
	}
	do {
		n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return io_error(errno);
	AUTO(message_fds_done) struct message_fds fds = { .n = 0 };
	if (ret_fds_or_null)
		collect_fds(&m, &fds);
	if (n == 0 && is_open(fd))
		return ch_fail(CH_E_PROTOCOL, "a message is empty", 0);
	if (n == 0)
		return ch_fail(CH_E_GONE, "the other process closed the socket", 0);
	if (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return ch_fail(CH_E_PROTOCOL,
			       "a message is too long or has descriptors it may not have",
			       (size_t)n);
	*ret_message = (bytes){ storage, (size_t)n };
	if (ret_fds_or_null) {
		*ret_fds_or_null = fds;
		fds.n = 0;
	}
	return CH_DONE;
}

ch_err channel_wait(int fd, short events, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n = 0;
	do {
		n = poll(&p, 1, timeout_ms);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return ch_fail(CH_E_IO, "cannot wait for the other process", errno);
	if (n == 0)
		return ch_fail(CH_E_BUSY, "the other process does not answer in time",
			       (uint64_t)timeout_ms);
	return CH_DONE;
}
