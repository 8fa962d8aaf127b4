/* A datagram to the service manager. Its address comes from whoever started us, its
 * answer is never read, and that it is deaf must never stop a program. */
#include "base/notify.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"

enum { WAIT_S = 1, MS_MAX = 60000 };

static str from_environment(const char *name)
{
	const char *value = getenv(name);
	return value ? str_from_c(value) : (str){ NULL, 0 };
}

struct notify_wish notify_wish_read(void)
{
	struct notify_wish w = { .address = from_environment("NOTIFY_SOCKET") };
	str us = from_environment("WATCHDOG_USEC"), of = from_environment("WATCHDOG_PID");
	uint64_t pid = (uint64_t)getpid();
	if (of.n > 0 && !str_to_u64(of, INT32_MAX, &pid))
		return w;
	if (pid != (uint64_t)getpid() || !str_to_u64(us, UINT32_MAX, &w.watchdog_us))
		w.watchdog_us = 0;
	return w;
}

static ch_err address_of(str address, struct sockaddr_un *ret_a, socklen_t *ret_n)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	if (address.n < 2 || address.n >= sizeof(a.sun_path) ||
	    (address.p[0] != '/' && address.p[0] != '@'))
		return ch_fail(CH_E_SYNTAX, "no address of a service manager", address.n);
	mem_copy(a.sun_path, address.p, address.n);
	if (address.p[0] == '@')
		a.sun_path[0] = 0;
	*ret_n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + address.n);
	*ret_a = a;
	return CH_DONE;
}

ch_err notify_send(str address, str text)
{
	const struct timeval wait = { .tv_sec = WAIT_S };
	struct sockaddr_un a;
	socklen_t n = 0;
	if (address.n == 0)
		return CH_DONE;
	TRY(address_of(address, &a, &n));
	AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) != 0)
		return ch_fail(CH_E_IO, "cannot make a socket", errno);
	if (sendto(fd, text.p, text.n, MSG_NOSIGNAL, (const struct sockaddr *)&a, n) !=
	    (ssize_t)text.n)
		return ch_fail(CH_E_IO, "the service manager does not hear us", errno);
	return CH_DONE;
}

int notify_timeout(uint64_t watchdog_us, int timeout_ms)
{
	uint64_t third_ms = watchdog_us / 3000;
	if (watchdog_us == 0)
		return timeout_ms;
	int most = third_ms < MS_MAX ? (int)third_ms : MS_MAX;
	return timeout_ms < 0 || timeout_ms > most ? most : timeout_ms;
}
