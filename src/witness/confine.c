/* A witness's walls: one folder that it writes, sockets on which others connect, and memory. Who
 * takes it over can sign with its key as long as he holds it, and nothing else: he reaches no
 * network and no other file. */
#include <sys/syscall.h>

#include "sandbox/sandbox.h"
#include "witness_internal.h"

static const struct syscall_rule own[] = {
	ALLOW(openat), ALLOW(unlinkat), ALLOW(renameat),  ALLOW(renameat2),
	ALLOW(fsync),  ALLOW(fchmod),   ALLOW(signalfd4), ALLOW(munlock),
};

ch_err witness_confine(void)
{
	const struct sandbox_path paths[] = { { "/proc/self/fd/6", ACCESS_READ | ACCESS_WRITE } };
	const struct syscall_list lists[] = { { sandbox_common, sandbox_common_n },
					      { sandbox_server, sandbox_server_n },
					      { own, COUNT_OF(own) } };
	_Static_assert(STATE_FD == 6, "the path above names it");
	int abi = 0;
	TRY(sandbox_undumpable());
	TRY(sandbox_limits(&(struct sandbox_limits){ .files = 1024, .processes = 0 }));
	TRY(sandbox_landlock(paths, COUNT_OF(paths), NET_NONE, &abi));
	return sandbox_seccomp(lists, COUNT_OF(lists));
}
