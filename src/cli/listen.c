/* TCP listeners on numeric addresses. No name is ever looked up. */
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/path.h"

enum { BACKLOG = 512 };

union address {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
};

static ch_err address_of(str host, uint32_t port, union address *ret_a, socklen_t *ret_n)
{
	struct path text;
	union address a = { 0 };
	TRY(path_of(&text, host));
	if (port > UINT16_MAX)
		return ch_fail(CH_E_RANGE, "there is no such port", port);
	if (inet_pton(AF_INET, text.p, &a.four.sin_addr) == 1) {
		a.four.sin_family = AF_INET;
		a.four.sin_port = htons((uint16_t)port);
		*ret_n = sizeof(a.four);
	} else if (inet_pton(AF_INET6, text.p, &a.six.sin6_addr) == 1) {
		a.six.sin6_family = AF_INET6;
		a.six.sin6_port = htons((uint16_t)port);
		*ret_n = sizeof(a.six);
	} else {
		return ch_fail(CH_E_SYNTAX, "no numeric address to listen on", host.n);
	}
	*ret_a = a;
	return CH_DONE;
}

ch_err listen_tcp(str host, uint32_t port, int *ret_fd, uint32_t *ret_port)
{
	union address a;
	socklen_t n = 0;
	int on = 1;
	TRY(address_of(host, port, &a, &n));
	AUTO(fd_close) int fd =
		socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
		return ch_fail(CH_E_IO, "cannot make a socket", errno);
	if (bind(fd, &a.any, n) != 0 || listen(fd, BACKLOG) != 0)
		return errno == EADDRINUSE
			       ? ch_fail(CH_E_BUSY, "somebody listens on this port already", port)
			       : ch_fail(CH_E_IO, "cannot listen", errno);
	if (getsockname(fd, &a.any, &n) != 0)
		return ch_fail(CH_E_IO, "cannot tell the port", errno);
	*ret_port = ntohs(a.any.sa_family == AF_INET ? a.four.sin_port : a.six.sin6_port);
	*ret_fd = TAKE_FD(fd);
	return CH_DONE;
}

/* Both as the kernel has them. */
static bool same(int fd, const union address *a, socklen_t n)
{
	union address at = { 0 };
	socklen_t have = sizeof(at);
	if (fd < 0 || getsockname(fd, &at.any, &have) != 0 || have != n ||
	    at.any.sa_family != a->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET)
		return at.four.sin_port == a->four.sin_port &&
		       at.four.sin_addr.s_addr == a->four.sin_addr.s_addr;
	return at.six.sin6_port == a->six.sin6_port &&
	       IN6_ARE_ADDR_EQUAL(&at.six.sin6_addr, &a->six.sin6_addr);
}

ch_err listen_tcp_again(int *fds, size_t n, str host, uint32_t port, int *ret_fd)
{
	union address a;
	socklen_t size = 0;
	TRY(address_of(host, port, &a, &size));
	for (size_t i = 0; i < n; i++)
		if (same(fds[i], &a, size)) {
			*ret_fd = TAKE_FD(fds[i]);
			return CH_DONE;
		}
	return ch_fail(CH_E_NOT_FOUND, "nothing listens there yet", port);
}
