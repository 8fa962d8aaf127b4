/* The filter of system calls, from lists that read as lists. What is not in one
 * kills the process: nothing here returns an error for a surprised caller to mishandle. */
#include <errno.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "sandbox/sandbox.h"

/* clang-format off: a line of these tables is a group of calls that belong together */
const struct syscall_rule sandbox_common[] = {
	ALLOW(read),    ALLOW(write),           ALLOW(close),         ALLOW(recvmsg),
	ALLOW(sendmsg), ALLOW(recvfrom),        ALLOW(sendto),        ALLOW(poll),
	ALLOW(ppoll),   ALLOW(restart_syscall), ALLOW(clock_gettime), ALLOW(gettimeofday),
	ALLOW(time),    ALLOW(clock_nanosleep), ALLOW(getrandom),     ALLOW(futex),
	ALLOW(getpid),  ALLOW(gettid),          ALLOW(rt_sigreturn),  ALLOW(rt_sigprocmask),
	ALLOW(exit),    ALLOW(exit_group),
};
const size_t sandbox_common_n = COUNT_OF(sandbox_common);

/* memory may come and go, but never to be executed */
#define NEVER_EXEC(name)                                     \
	{                                                    \
		SCMP_SYS_NUMBER(name), true, 2, PROT_EXEC, 0 \
	}

const struct syscall_rule sandbox_server[] = {
	NEVER_EXEC(mmap),  NEVER_EXEC(mprotect), ALLOW(munmap),        ALLOW(mremap),
	ALLOW(brk),        ALLOW(madvise),       ALLOW(epoll_create1), ALLOW(epoll_ctl),
	ALLOW(epoll_wait), ALLOW(epoll_pwait),   ALLOW(accept),        ALLOW(accept4),
	ALLOW(shutdown),   ALLOW(getsockname),   ALLOW(getpeername),   ALLOW(getsockopt),
	ALLOW(setsockopt), ALLOW(readv),         ALLOW(writev),        ALLOW(sendfile),
	ALLOW(fcntl),      ALLOW(fstat),         ALLOW(newfstatat),    ALLOW(lseek),
	ALLOW(eventfd2),   ALLOW(sched_yield),   ALLOW(rt_sigaction),  ALLOW(sigaltstack),
	ALLOW(getuid),     ALLOW(geteuid),       ALLOW(getgid),        ALLOW(getegid),
	ALLOW(uname),      ALLOW(sysinfo),
};
const size_t sandbox_server_n = COUNT_OF(sandbox_server);
/* clang-format on */

static void filter_done(scmp_filter_ctx *f)
{
	if (*f)
		seccomp_release(*f);
}

static int add(scmp_filter_ctx f, const struct syscall_rule *r)
{
	if (!r->has_arg)
		return seccomp_rule_add(f, SCMP_ACT_ALLOW, r->number, 0);
	struct scmp_arg_cmp cmp = {
		.arg = r->arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = r->mask, .datum_b = r->value
	};
	return seccomp_rule_add_array(f, SCMP_ACT_ALLOW, r->number, 1, &cmp);
}

ch_err sandbox_seccomp(const struct syscall_list *lists, size_t n)
{
	AUTO(filter_done) scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!f)
		return ch_fail(CH_E_NOMEM, "cannot make a seccomp filter", 0);
	/* a binary tree, so that the list's length costs little a call */
	(void)seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	int r = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
	if (r != 0)
		return ch_fail(CH_E_UNSUPPORTED, "seccomp cannot be had for all threads", -r);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < lists[i].n; k++) {
			r = add(f, &lists[i].rules[k]);
			if (r != 0 && r != -EEXIST)
				return ch_fail(CH_E_IO, "cannot add a rule to the seccomp filter",
					       -r);
		}
	r = seccomp_load(f);
	if (r != 0)
		return ch_fail(CH_E_IO, "cannot load the seccomp filter", -r);
	return CH_DONE;
}
