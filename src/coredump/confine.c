/* The walls of an opener whose workers run. What it had to open is open and handed on; what is
 * left is to wait, to end workers, and to give a file its name in the store. Landlock stands
 * only from here on: a process inside may not look into another one's memory. */
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "coredump_internal.h"
#include "sandbox/sandbox.h"

static const struct syscall_rule own[] = {
	ALLOW(wait4),     ALLOW(waitid),     ALLOW(kill),       ALLOW(tgkill),
	ALLOW(openat),    ALLOW(unlink),     ALLOW(unlinkat),   ALLOW(link),
	ALLOW(linkat),    ALLOW(rename),     ALLOW(renameat),   ALLOW(renameat2),
	ALLOW(fsync),     ALLOW(fdatasync),  ALLOW(ftruncate),  ALLOW(fchmod),
	ALLOW(fchmodat),  ALLOW(fchown),     ALLOW(fstatfs),    ALLOW(statfs),
	ALLOW(statx),     ALLOW(getdents64), ALLOW(pread64),    ALLOW(pwrite64),
	ALLOW(flock),     ALLOW(dup),        ALLOW(readlinkat), ALLOW(memfd_create),
	ALLOW(prlimit64), ALLOW(umask),      ALLOW(utimensat),  ALLOW(fallocate),
	ALLOW(mkdirat),
};

ch_err confine_opener(const char *store, const int *keep, size_t n)
{
	const struct sandbox_path paths[] = { { store, ACCESS_READ | ACCESS_WRITE } };
	const struct syscall_list lists[] = {
		{ sandbox_common, sandbox_common_n },
		{ sandbox_server, sandbox_server_n },
		{ own, COUNT_OF(own) },
	};
	int abi = 0;
	TRY(sandbox_undumpable());
	TRY(sandbox_close_from(3, keep, n));
	TRY(sandbox_landlock(paths, COUNT_OF(paths), NET_ANY, &abi));
	return sandbox_seccomp(lists, COUNT_OF(lists));
}
