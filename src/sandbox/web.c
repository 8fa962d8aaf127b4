/* What asks servers elsewhere needs behind its walls: connections of the internet, how names are
 * found, and who certifies servers. No netlink, and no socket of this host's other services. */
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "sandbox/sandbox.h"

const struct syscall_rule sandbox_web[] = {
	ALLOW_IF(socket, 0, AF_INET),
	ALLOW_IF(socket, 0, AF_INET6),
	ALLOW_IF(ioctl, 1, FIONREAD),
	ALLOW(connect),
	ALLOW(sendmmsg),
	ALLOW(openat),
	ALLOW(statx),
	ALLOW(prlimit64),
};
const size_t sandbox_web_n = COUNT_OF(sandbox_web);

/* Files are replaced by renaming, which a rule on a file does not follow: who cannot find a name
 * any more makes way for another process. */
static const char *const places[] = {
	"/etc/ssl/certs",
	"/etc/ssl/openssl.cnf",
	"/usr/share/ca-certificates",
	"/usr/local/share/ca-certificates",
	"/etc/resolv.conf",
	"/etc/hosts",
	"/etc/host.conf",
	"/run/systemd/resolve",
	"/run/NetworkManager",
	"/run/resolvconf",
};
_Static_assert(COUNT_OF(places) == SANDBOX_WEB_PATHS, "callers make room for all of them");

size_t sandbox_web_paths(struct sandbox_path ret_paths[static SANDBOX_WEB_PATHS])
{
	size_t n = 0;
	for (size_t i = 0; i < COUNT_OF(places); i++) {
		struct stat st = { 0 };
		if (stat(places[i], &st) == 0)
			ret_paths[n++] = (struct sandbox_path){ places[i], ACCESS_READ };
	}
	return n;
}
