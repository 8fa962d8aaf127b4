/* The signer's walls. In the steady state it can receive, sign, send and tell the time;
 * anything else kills it. */
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/sandbox.h"
#include "signer_internal.h"

ch_err confine_early(void)
{
	const struct sandbox_limits limits = { .files = 64, .processes = 0 };
	TRY(sandbox_undumpable());
	return sandbox_limits(&limits);
}

ch_err confine_steady(void)
{
	static const struct syscall_rule steady[] = {
		ALLOW(recvmsg),
		ALLOW(sendmsg),
		ALLOW(poll),
		ALLOW(ppoll),
		ALLOW(restart_syscall),
		ALLOW(close),
		ALLOW(clock_gettime),
		ALLOW(gettimeofday),
		ALLOW(time),
		ALLOW(getrandom),
		ALLOW(getpid),
		ALLOW(gettid),
		ALLOW(futex),
		ALLOW(rt_sigreturn),
		ALLOW(rt_sigprocmask),
		ALLOW(exit_group),
		/* diagnostics, to what was standard error when it started */
		ALLOW_IF(write, 0, STDERR_FILENO),
	};
	/* abort() raises SIGABRT in ourselves, for the warden to see */
	const struct syscall_rule abort_self[] = {
		ALLOW_IF(tgkill, 0, (uint64_t)getpid()),
	};
	const struct syscall_list lists[] = { { steady, COUNT_OF(steady) },
					      { abort_self, COUNT_OF(abort_self) } };
	int abi = 0;
	TRY(sandbox_landlock(NULL, 0, NET_NONE, &abi));
	return sandbox_seccomp(lists, COUNT_OF(lists));
}
