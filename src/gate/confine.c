/* The gate's walls. It parses what strangers send, so it keeps only: its sockets, its
 * log, and reading the folders of its key files (folders, since a file is replaced by
 * renaming a new one over it). */
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

static str folder_of(str file)
{
	size_t n = file.n;
	while (n > 0 && file.p[n - 1] != '/')
		n--;
	return n > 1 ? str_sub(file, 0, n - 1) : LIT("/");
}

static ch_err only_key_folders(const struct gate_config *config)
{
	struct path folders[REALMS_MAX];
	struct sandbox_path allowed[REALMS_MAX];
	int abi = 0;
	size_t n = 0;
	for (size_t i = 0; i < config->n_issuers; i++) {
		/* none: its keys come through the fetcher */
		if (config->issuers[i].jwks.n == 0)
			continue;
		TRY(path_of(&folders[n], folder_of(config->issuers[i].jwks)));
		allowed[n] = (struct sandbox_path){ folders[n].p, ACCESS_READ };
		n++;
	}
	return sandbox_landlock(allowed, n, NET_NONE, &abi);
}

ch_err confine(const struct gate_config *config, const int *keep_fds, size_t n)
{
	const struct syscall_list lists[] = {
		{ sandbox_common, sandbox_common_n },
		{ sandbox_server, sandbox_server_n },
		{ own, COUNT_OF(own) },
	};
	TRY(sandbox_undumpable());
	TRY(sandbox_close_from(3, keep_fds, n));
	TRY(sandbox_limits(&(struct sandbox_limits){ .files = 512, .processes = 0 }));
	TRY(only_key_folders(config));
	return sandbox_seccomp(lists, COUNT_OF(lists));
}
