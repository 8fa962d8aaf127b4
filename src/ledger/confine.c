/* The ledger's walls: the log's folder, the sockets it was given, and no thread or process more. The
 * rights to files are given up before the second thread is made, which has them from the first
 * then; the filter of system calls is for both. */
#include <sys/syscall.h>

#include "ledger_internal.h"
#include "sandbox/sandbox.h"

enum { FILES = 256 };

static const struct syscall_rule own[] = {
	ALLOW(openat),   ALLOW(pread64),   ALLOW(pwrite64),   ALLOW(pwritev),      ALLOW(fdatasync),
	ALLOW(fsync),    ALLOW(ftruncate), ALLOW(fchmod),     ALLOW(renameat),     ALLOW(renameat2),
	ALLOW(unlinkat), ALLOW(mkdirat),   ALLOW(getdents64), ALLOW(epoll_pwait2), ALLOW(statx),
};

ch_err ledger_confine_files(void)
{
	const struct sandbox_path paths[] = {
		{ "/proc/self/fd/6", ACCESS_READ | ACCESS_WRITE | ACCESS_FOLDERS },
	};
	_Static_assert(FOLDER_FD == 6, "the path above names it");
	int abi = 0;
	return sandbox_landlock(paths, COUNT_OF(paths), NET_NONE, &abi);
}

ch_err ledger_confine(void)
{
	const struct syscall_list lists[] = { { sandbox_common, sandbox_common_n },
					      { sandbox_server, sandbox_server_n },
					      { own, COUNT_OF(own) } };
	TRY(sandbox_limits(&(struct sandbox_limits){ .files = FILES, .processes = 0 }));
	return sandbox_seccomp(lists, COUNT_OF(lists));
}
