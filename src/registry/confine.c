/* The registry's walls: one folder, one socket that others connect to, and memory. */
#include <sys/syscall.h>

#include "registry_internal.h"
#include "sandbox/sandbox.h"

#ifndef __NR_memfd_secret
#define __NR_memfd_secret 447
#endif

static const struct syscall_rule own[] = {
	ALLOW(openat),  ALLOW(unlinkat),  ALLOW(renameat),     ALLOW(renameat2),
	ALLOW(fsync),   ALLOW(fchmod),    ALLOW(memfd_create), ALLOW(mlock),
	ALLOW(munlock), ALLOW(ftruncate), ALLOW(memfd_secret),
};

ch_err registry_confine(void)
{
	static const int keep[] = { LISTEN_FD, FOLDER_FD };
	const struct sandbox_path paths[] = { { "/proc/self/fd/6", ACCESS_READ | ACCESS_WRITE } };
	const struct syscall_list lists[] = { { sandbox_common, sandbox_common_n },
					      { sandbox_server, sandbox_server_n },
					      { own, COUNT_OF(own) } };
	_Static_assert(FOLDER_FD == 6, "the path above names it");
	int abi = 0;
	TRY(sandbox_undumpable());
	TRY(sandbox_limits(&(struct sandbox_limits){ .files = 64, .processes = 0 }));
	TRY(sandbox_close_from(3, keep, COUNT_OF(keep)));
	TRY(sandbox_landlock(paths, COUNT_OF(paths), NET_NONE, &abi));
	return sandbox_seccomp(lists, COUNT_OF(lists));
}
