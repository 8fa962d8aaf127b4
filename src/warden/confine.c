/* The warden's walls. No landlock: a process in a landlock domain may trace only those
 * in the same domain, and the signers are in one of their own. No open, no socket. */
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "sandbox/sandbox.h"
#include "warden_internal.h"

#ifndef __NR_memfd_secret
#define __NR_memfd_secret 447
#endif

static const struct syscall_rule own[] = {
	ALLOW_IF(ptrace, 0, PTRACE_SEIZE),
	ALLOW_IF(ptrace, 0, PTRACE_CONT),
	ALLOW_IF(ptrace, 0, PTRACE_LISTEN),
	ALLOW_IF(ptrace, 0, PTRACE_PEEKUSER),
	ALLOW(wait4),
	/* to map status pages and to hand the key over */
	{ SCMP_SYS_NUMBER(mmap), true, 2, 4 /* PROT_EXEC */, 0 },
	ALLOW(munmap),
	ALLOW(mlock),
	ALLOW(madvise),
	ALLOW(memfd_secret),
	ALLOW(memfd_create),
	ALLOW(ftruncate),
	ALLOW(brk),
};

ch_err warden_confine(void)
{
	const struct syscall_list lists[] = { { sandbox_common, sandbox_common_n },
					      { own, COUNT_OF(own) } };
	const struct sandbox_limits limits = { .files = 64, .processes = 0 };
	TRY(sandbox_limits(&limits));
	return sandbox_seccomp(lists, COUNT_OF(lists));
}
