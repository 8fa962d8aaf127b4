/* The gate's walls. It parses what strangers send, so it keeps only: its sockets, its
 * log, reading the folders of its key files (folders, since a file is replaced by
 * renaming a new one over it), of revocations and of logs, and the folder of its sightings, if it keeps any. */
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/path.h"
#include "gate_internal.h"
#include "sandbox/sandbox.h"

static const struct syscall_rule own[] = {
	ALLOW(openat),
	ALLOW(statx),
	ALLOW(epoll_pwait2),
	ALLOW(signalfd4),
};

/* What its sightings need: to append, to begin a new file, to erase an old one. */
static const struct syscall_rule evidence[] = {
	ALLOW(pread64),   ALLOW(pwrite64),   ALLOW(fdatasync), ALLOW(fsync),
	ALLOW(ftruncate), ALLOW(fchmod),     ALLOW(flock),     ALLOW(renameat2),
	ALLOW(unlinkat),  ALLOW(getdents64), ALLOW(mkdirat),
};

/* What it needs to follow chains of revocations. */
static const struct syscall_rule follows[] = { ALLOW(pread64), ALLOW(getdents64) };

static ch_err only_own_folders(const struct gate_config *config)
{
	struct path folders[2 * REALMS_MAX + LOGS_MAX + 1];
	struct sandbox_path allowed[2 * REALMS_MAX + LOGS_MAX + 1];
	size_t n = 0;
	int abi = 0;
	for (size_t i = 0; i < config->n_issuers; i++) {
		/* none: its keys come through the fetcher */
		if (config->issuers[i].jwks.n == 0)
			continue;
		TRY(path_of(&folders[n], path_folder(config->issuers[i].jwks)));
		allowed[n] = (struct sandbox_path){ folders[n].p, ACCESS_READ };
		n++;
	}
	for (size_t i = 0; i < config->n_issuers; i++) {
		if (config->issuers[i].revocations.folder.n == 0)
			continue;
		TRY(path_of(&folders[n], config->issuers[i].revocations.folder));
		allowed[n] = (struct sandbox_path){ folders[n].p, ACCESS_READ };
		n++;
	}
	for (size_t i = 0; i < config->n_logs; i++) {
		if (config->logs[i].folder.n == 0)
			continue;
		TRY(path_of(&folders[n], config->logs[i].folder));
		allowed[n] = (struct sandbox_path){ folders[n].p, ACCESS_READ };
		n++;
	}
	if (config->evidence.folder.n > 0) {
		TRY(path_of(&folders[n], config->evidence.folder));
		allowed[n] = (struct sandbox_path){ folders[n].p, ACCESS_READ | ACCESS_WRITE };
		n++;
	}
	return sandbox_landlock(allowed, n, NET_NONE, &abi);
}

/* As many as the doors take, or what the system lets us have. */
static uint64_t files_max(void)
{
	struct rlimit have = { 0 };
	uint64_t want = 2 * DOOR_CONNECTIONS + 64;
	if (getrlimit(RLIMIT_NOFILE, &have) != 0 || have.rlim_max > want)
		return want;
	return have.rlim_max;
}

ch_err confine(const struct gate_config *config, const int *keep_fds, size_t n)
{
	const struct syscall_list lists[] = {
		{ sandbox_common, sandbox_common_n },
		{ sandbox_server, sandbox_server_n },
		{ own, COUNT_OF(own) },
		{ follows, COUNT_OF(follows) },
		{ evidence, config->evidence.folder.n > 0 ? COUNT_OF(evidence) : 0 },
	};
	TRY(sandbox_undumpable());
	if (n > 0)
		TRY(sandbox_close_from(3, keep_fds, n));
	TRY(sandbox_limits(&(struct sandbox_limits){ .files = files_max(), .processes = 0 }));
	TRY(only_own_folders(config));
	return sandbox_seccomp(lists, COUNT_OF(lists));
}
