/* The collector's walls. It parses what gates on other machines send: it keeps its sockets, its two
 * folders, reading the log and the published keys, and connecting to the ledger's socket. */
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/path.h"
#include "collector_internal.h"
#include "sandbox/sandbox.h"

static const struct syscall_rule own[] = {
	ALLOW(openat),    ALLOW(statx),    ALLOW(epoll_pwait2),
	ALLOW(signalfd4), ALLOW(pread64),  ALLOW(pwrite64),
	ALLOW(fdatasync), ALLOW(fsync),    ALLOW(ftruncate),
	ALLOW(fchmod),    ALLOW(flock),    ALLOW(renameat),
	ALLOW(renameat2), ALLOW(unlinkat), ALLOW(getdents64),
	ALLOW(mkdirat),   ALLOW(connect),  ALLOW_IF(socket, 0, AF_UNIX),
};

static ch_err only_own_folders(const struct collector_config *config)
{
	struct path paths[REALMS_MAX + 4];
	struct sandbox_path allowed[REALMS_MAX + 4];
	const struct {
		str path;
		unsigned access;
	} own_folders[] = { { config->sightings, ACCESS_READ | ACCESS_WRITE | ACCESS_FOLDERS },
			    { config->alarms, ACCESS_READ | ACCESS_WRITE | ACCESS_FOLDERS },
			    { config->log, ACCESS_READ } };
	size_t n = 0;
	int abi = 0;
	for (size_t i = 0; i < COUNT_OF(own_folders); i++) {
		if (own_folders[i].path.n == 0)
			continue;
		TRY(path_of(&paths[n], own_folders[i].path));
		allowed[n] = (struct sandbox_path){ paths[n].p, own_folders[i].access };
		n++;
	}
	for (size_t i = 0; i < config->n_issuers; i++) {
		TRY(path_of(&paths[n], path_folder(config->issuers[i].jwks)));
		allowed[n] = (struct sandbox_path){ paths[n].p, ACCESS_READ };
		n++;
	}
	return sandbox_landlock(allowed, n, NET_NONE, &abi);
}

ch_err confine(const struct collector_config *config)
{
	const struct syscall_list lists[] = {
		{ sandbox_common, sandbox_common_n },
		{ sandbox_server, sandbox_server_n },
		{ own, COUNT_OF(own) },
	};
	TRY(sandbox_undumpable());
	TRY(sandbox_limits(&(struct sandbox_limits){ .files = 1024, .processes = 0 }));
	TRY(only_own_folders(config));
	return sandbox_seccomp(lists, COUNT_OF(lists));
}
