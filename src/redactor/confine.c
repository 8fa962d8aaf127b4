/* The walls of a redactor: it parses what a hostile program left behind, so it keeps only
 * reading and writing the descriptors that it was given. */
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/syscall.h>

#include "base/log.h"
#include "beside/beside.h"
#include "redactor_internal.h"
#include "sandbox/sandbox.h"
#include "wire/boot.h"

#ifndef PAGEMAP_SCAN
#define PAGEMAP_SCAN 0xc0606610 /* _IOWR('f', 16, struct pm_scan_arg) of Linux 6.7 */
#endif

/* Memory may come and go, but never to be executed; ioctl is that of the pagemap alone. */
#define NEVER_EXEC(name)                             \
	{                                            \
		SCMP_SYS_NUMBER(name), true, 2, 4, 0 \
	}
static const struct syscall_rule own[] = {
	ALLOW(read),
	ALLOW(write),
	ALLOW(vmsplice), /* to the pipe of records; a socket or a file takes none */
	ALLOW(pread64),
	ALLOW(close),
	ALLOW(fstat),
	ALLOW_IF(newfstatat, 3, AT_EMPTY_PATH), /* fstat, to the C library */
	ALLOW(lseek),
	ALLOW(poll),
	ALLOW(ppoll),
	ALLOW(sendmsg),
	ALLOW(recvmsg),
	ALLOW(getrandom),
	ALLOW(clock_gettime),
	ALLOW(futex),
	ALLOW(restart_syscall),
	ALLOW(rt_sigprocmask),
	ALLOW(brk),
	ALLOW(sysinfo), /* qsort asks how much memory there is */
	ALLOW(munmap),
	ALLOW(mremap),
	ALLOW(madvise),
	ALLOW(gettid),
	ALLOW(getpid),
	ALLOW(exit),
	ALLOW(exit_group),
	NEVER_EXEC(mmap),
	NEVER_EXEC(mprotect),
	ALLOW_IF(ioctl, 1, PAGEMAP_SCAN),
};

enum { FILES = CODE_FILES_MAX + 64 };

/* A hunt goes on without it, slower. */
static void help_wanted(struct beside **ret_beside)
{
	ch_err e = beside_new(ret_beside);
	if (failed(e))
		LOG(LOG_INFO, "one thread looks for secrets", log_err(e));
}

ch_err confine(const struct redactor_config *config, struct beside **ret_beside_or_null)
{
	const struct syscall_list lists[] = { { own, COUNT_OF(own) } };
	const int crash[] = {
		CORE_FD, RECORDS_FD, MEM_FD, PAGEMAP_FD, EXE_FD, CRASH_REGISTERED_FD
	};
	const int file[] = { CONTROL_FD, CORE_FD, RECORDS_FD, FILE_REGISTERED_FD };
	bool crashed = config->duty == REDACT_CRASH;
	size_t n = (crashed ? COUNT_OF(crash) : COUNT_OF(file)) - !config->has_registered;
	int abi = 0;
	TRY(sandbox_undumpable());
	TRY(sandbox_close_from(3, crashed ? crash : file, n));
	TRY(sandbox_landlock(NULL, 0, NET_NONE, &abi));
	/* behind the limits no thread starts; landlock is of the threads that are made later, and
	 * seccomp of all that there are */
	if (ret_beside_or_null)
		help_wanted(ret_beside_or_null);
	TRY(sandbox_limits(&(struct sandbox_limits){ .files = FILES, .processes = 0 }));
	return sandbox_seccomp(lists, COUNT_OF(lists));
}
