/* The walls of a fetcher's worker. It talks to strangers with libcurl and libcrypto, so it
 * keeps only: connecting to the internet, reading who is trusted and how names are found,
 * and the one socket to its gate. */
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/path.h"
#include "fetcher_internal.h"
#include "sandbox/sandbox.h"

/* those of a domain, no netlink, no socket of this host's other services */
static const struct syscall_rule own[] = {
	ALLOW_IF(socket, 0, AF_INET),
	ALLOW_IF(socket, 0, AF_INET6),
	ALLOW_IF(ioctl, 1, FIONREAD),
	ALLOW(connect),
	ALLOW(sendmmsg),
	ALLOW(openat),
	ALLOW(statx),
	ALLOW(prlimit64),
};

/* Files are replaced by renaming, which a rule on a file does not follow: a worker that
 * cannot find a name makes way for another. */
static const char *const system_paths[] = {
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

static ch_err only_names_and_certificates(const struct fetcher_config *config)
{
	struct sandbox_path allowed[COUNT_OF(system_paths) + 1];
	struct path certificates;
	size_t n = 0;
	int abi = 0;
	for (size_t i = 0; i < COUNT_OF(system_paths); i++) {
		struct stat st = { 0 };
		if (stat(system_paths[i], &st) == 0)
			allowed[n++] = (struct sandbox_path){ system_paths[i], ACCESS_READ };
	}
	if (config->ca_file.n > 0) {
		TRY(path_of(&certificates, path_folder(config->ca_file)));
		allowed[n++] = (struct sandbox_path){ certificates.p, ACCESS_READ };
	}
	return sandbox_landlock(allowed, n, NET_ANY, &abi);
}

ch_err confine(const struct fetcher_config *config, const int *keep_fds, size_t n)
{
	const struct syscall_list lists[] = {
		{ sandbox_common, sandbox_common_n },
		{ sandbox_server, sandbox_server_n },
		{ own, COUNT_OF(own) },
	};
	TRY(sandbox_undumpable());
	TRY(sandbox_limits(&(struct sandbox_limits){ .files = 128, .processes = 0 }));
	TRY(sandbox_close_from(3, keep_fds, n));
	TRY(only_names_and_certificates(config));
	return sandbox_seccomp(lists, COUNT_OF(lists));
}
