/* The walls of a packer: three descriptors, memory, and a second thread that is made before they
 * are all up. It can read records, write its file, empty it, and end. */
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/log.h"
#include "beside/beside.h"
#include "packer_internal.h"
#include "sandbox/sandbox.h"

/* clang-format off: a line of this table is a group of calls that belong together */
static const struct syscall_rule own[] = {
	ALLOW(read),
	ALLOW(write),
	ALLOW(ftruncate),
	ALLOW(close),
	/* zstd's and the C library's memory; never to be executed */
	{ SCMP_SYS_NUMBER(mmap), true, 2, PROT_EXEC, 0 },
	ALLOW(munmap),
	ALLOW(mremap),
	ALLOW(madvise),
	ALLOW(brk),
	ALLOW(munlock),
	ALLOW(futex), /* the two threads wait for each other */
	ALLOW(clock_gettime),
	ALLOW(restart_syscall),
	ALLOW(rt_sigreturn),
	ALLOW(exit),
	ALLOW(exit_group),
};
/* clang-format on */

/* A dump is packed without it, slower. */
static void help_wanted(struct beside **ret_beside)
{
	ch_err e = beside_new(ret_beside);
	if (failed(e))
		LOG(LOG_INFO, "one thread packs", log_err(e));
}

ch_err confine(const int *keep_fds, size_t n, struct beside **ret_beside)
{
	const struct syscall_list list = { own, COUNT_OF(own) };
	int abi = 0;
	TRY(sandbox_undumpable());
	TRY(sandbox_close_from(3, keep_fds, n));
	TRY(sandbox_landlock(NULL, 0, NET_NONE, &abi));
	/* behind the limits no thread starts; landlock is of the threads that are made later, and
	 * seccomp of all that there are */
	help_wanted(ret_beside);
	TRY(sandbox_limits(&(struct sandbox_limits){ .files = 16, .processes = 0 }));
	return sandbox_seccomp(&list, 1);
}
