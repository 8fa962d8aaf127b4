/* The issuer's walls. It may read and write its store's folder and speak on sockets it
 * was given; it opens nothing else, connects nowhere, starts nothing. */
#include <sys/syscall.h>

#include "base/path.h"
#include "issuer.h"
#include "sandbox/sandbox.h"

static ch_err landlock(const struct issuer *is)
{
	struct path folder;
	int abi = 0;
	TRY(path_of(&folder, is->config.store));
	/* SQLite names its file from the root; stat of the folders above needs no right */
	const struct sandbox_path paths[] = { { folder.p, ACCESS_READ | ACCESS_WRITE } };
	return sandbox_landlock(paths, COUNT_OF(paths), NET_NONE, &abi);
}

ch_err issuer_confine(const struct issuer *is)
{
	static const struct syscall_rule store[] = {
		ALLOW(openat),    ALLOW(pread64),    ALLOW(pwrite64), ALLOW(fsync),
		ALLOW(fdatasync), ALLOW(ftruncate),  ALLOW(unlink),   ALLOW(access),
		ALLOW(faccessat), ALLOW(faccessat2), ALLOW(stat),     ALLOW(lstat),
		ALLOW(getcwd),    ALLOW(readlink),   ALLOW(fchmod),
	};
	const struct syscall_list lists[] = {
		{ sandbox_common, sandbox_common_n },
		{ sandbox_server, sandbox_server_n },
		{ store, COUNT_OF(store) },
	};
	TRY(sandbox_undumpable());
	TRY(sandbox_limits(&(struct sandbox_limits){ .files = 1024, .processes = UINT64_MAX }));
	TRY(landlock(is));
	return sandbox_seccomp(lists, COUNT_OF(lists));
}
