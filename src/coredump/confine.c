/* The walls of an opener whose workers run. What it had to open is open and handed on; what is
 * left is to wait, to end workers, and to give a file its name in the store. Landlock stands
 * only from here on: a process inside may not look into another one's memory. */
#include <errno.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

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

/* Root's rights but for these: a group for a file, a name for one without, an end for a worker
 * of another uid. */
static ch_err keep_capabilities(uint32_t wanted)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { 0 };
	if (syscall(SYS_capget, &head, data) != 0)
		return ch_fail(CH_E_IO, "cannot read our rights", errno);
	data[0].effective &= wanted;
	data[0].permitted &= wanted;
	data[0].inheritable = 0;
	data[1] = (struct __user_cap_data_struct){ 0 };
	if (syscall(SYS_capset, &head, data) != 0)
		return ch_fail(CH_E_IO, "cannot give up rights", errno);
	return CH_DONE;
}

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
	TRY(keep_capabilities(1U << CAP_CHOWN | 1U << CAP_DAC_READ_SEARCH | 1U << CAP_KILL));
	/* not NET_NONE, which would forbid to end workers outside; seccomp has no socket */
	TRY(sandbox_landlock(paths, COUNT_OF(paths), NET_ANY, &abi));
	return sandbox_seccomp(lists, COUNT_OF(lists));
}

/* clang-format off: a line of this table is a group of calls that belong together */
static const struct syscall_rule watcher[] = {
	ALLOW(wait4),   ALLOW(waitid),     ALLOW(kill),    ALLOW(openat),
	ALLOW(fstat),   ALLOW(newfstatat), ALLOW(pread64), ALLOW(pwrite64),
	ALLOW(geteuid), ALLOW(fcntl),      ALLOW(lseek),   ALLOW(munmap),
};
/* clang-format on */

ch_err confine_watcher(const char *state_path)
{
	const struct sandbox_path paths[] = { { state_path, ACCESS_READ } };
	const struct syscall_list lists[] = { { sandbox_common, sandbox_common_n },
					      { watcher, COUNT_OF(watcher) } };
	int abi = 0;
	TRY(keep_capabilities(1U << CAP_KILL));
	TRY(sandbox_landlock(paths, COUNT_OF(paths), NET_ANY, &abi));
	return sandbox_seccomp(lists, COUNT_OF(lists));
}
