/* Test variant: an issuer that writes every message to and from its sockets into the log
 * as well, so that the traffic with its signer can be searched. */
#include <sys/socket.h>
#include <unistd.h>

#include "variant.h"

VARIANT("tee");

ssize_t __real_recvmsg(int fd, struct msghdr *m, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *m, int flags);
ssize_t __real_sendmsg(int fd, const struct msghdr *m, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *m, int flags);

static void tee(const struct msghdr *m, size_t n)
{
	for (size_t i = 0; i < m->msg_iovlen && n > 0; i++) {
		size_t part = m->msg_iov[i].iov_len < n ? m->msg_iov[i].iov_len : n;
		ssize_t written = write(STDERR_FILENO, m->msg_iov[i].iov_base, part);
		(void)written;
		n -= part;
	}
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *m, int flags)
{
	ssize_t n = __real_recvmsg(fd, m, flags);
	if (n > 0)
		tee(m, (size_t)n);
	return n;
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *m, int flags)
{
	ssize_t n = __real_sendmsg(fd, m, flags);
	if (n > 0)
		tee(m, (size_t)n);
	return n;
}
