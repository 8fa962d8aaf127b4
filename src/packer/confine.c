/* The walls of a packer: three descriptors and memory. It can read records, write its file,
 * empty it, and end. */
#include <sys/mman.h>
#include <sys/syscall.h>

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
	ALLOW(clock_gettime),
	ALLOW(restart_syscall),
	ALLOW(rt_sigreturn),
	ALLOW(exit),
	ALLOW(exit_group),
};
/* clang-format on */

ch_err confine(const int *keep_fds, size_t n)
{
	const struct syscall_list list = { own, COUNT_OF(own) };
	int abi = 0;
	TRY(sandbox_undumpable());
	TRY(sandbox_limits(&(struct sandbox_limits){ .files = 16, .processes = 0 }));
	TRY(sandbox_close_from(3, keep_fds, n));
	TRY(sandbox_landlock(NULL, 0, NET_NONE, &abi));
	return sandbox_seccomp(&list, 1);
}
