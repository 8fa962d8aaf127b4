/* The issuer's walls. It may read and write its store's folder and those of its realms'
 * revocations, read the log, and speak on sockets it was given; it opens nothing else, connects nowhere, starts nothing. */
#include <sys/syscall.h>

#include "base/path.h"
#include "issuer.h"
#include "sandbox/sandbox.h"

static ch_err landlock(const struct issuer *is)
{
	struct path folders[1 + REALMS_MAX], log;
	struct sandbox_path paths[2 + REALMS_MAX];
	size_t n = is->config.n_realms;
	int abi = 0;
	/* SQLite names its file from the root; stat of the folders above needs no right */
	TRY(path_of(&folders[n], is->config.store));
	for (size_t i = 0; i < n; i++)
		TRY(path_join(&folders[i], is->config.revocations, is->config.realms[i].name,
			      (str){ 0 }));
	for (size_t i = 0; i <= n; i++)
		paths[i] = (struct sandbox_path){ folders[i].p, ACCESS_READ | ACCESS_WRITE };
	n++;
	if (is->log.folder_fd >= 0) {
		TRY(path_of(&log, is->config.log));
		paths[n++] = (struct sandbox_path){ log.p, ACCESS_READ };
	}
	return sandbox_landlock(paths, n, NET_NONE, &abi);
}

ch_err issuer_confine(const struct issuer *is)
{
	static const struct syscall_rule store[] = {
		ALLOW(openat),    ALLOW(pread64),    ALLOW(pwrite64), ALLOW(fsync),
		ALLOW(fdatasync), ALLOW(ftruncate),  ALLOW(unlink),   ALLOW(access),
		ALLOW(faccessat), ALLOW(faccessat2), ALLOW(stat),     ALLOW(lstat),
		ALLOW(getcwd),    ALLOW(readlink),   ALLOW(fchmod),   ALLOW(openat2),
	};
	/* a chain that is appended to, begun anew after a failure, and read for gates */
	static const struct syscall_rule chains[] = {
		ALLOW(flock),    ALLOW(renameat2), ALLOW(unlinkat),
		ALLOW(fchmodat), ALLOW(mkdirat),   ALLOW(getdents64),
	};
	const struct syscall_list lists[] = {
		{ sandbox_common, sandbox_common_n },
		{ sandbox_server, sandbox_server_n },
		{ store, COUNT_OF(store) },
		{ chains, COUNT_OF(chains) },
	};
	TRY(sandbox_undumpable());
	TRY(sandbox_limits(&(struct sandbox_limits){ .files = 1024, .processes = UINT64_MAX }));
	TRY(landlock(is));
	return sandbox_seccomp(lists, COUNT_OF(lists));
}
