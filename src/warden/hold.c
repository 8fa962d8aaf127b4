/* PTRACE_SEIZE and what follows from it. Reads one register of a crashed signer, rip:
 * the others may hold a key. */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/user.h>

#include "warden_internal.h"

enum { TRIES = 2000, TRY_MS = 2 };

/* Without root, a new signer can be held only once it has made itself ready for that, so a
 * refusal is asked again for some seconds: giving up ends every signer. One that has died is
 * refused in the same way until the supervisor collects it, which may be busy for long; but
 * with its end its key socket closes. */
ch_err hold_seize(pid_t pid, int key_fd)
{
	struct pollfd p = { .fd = key_fd }; /* POLLHUP comes unasked */
	for (int i = 0; i < TRIES; i++) {
		if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)PTRACE_O_EXITKILL) == 0)
			return CH_DONE;
		if (errno == ESRCH)
			return ch_fail(CH_E_GONE, "the signer is gone before it was held", errno);
		if (errno != EPERM)
			break;
		if (poll(&p, 1, TRY_MS) > 0)
			return ch_fail(CH_E_GONE, "the signer died before it was held", 0);
	}
	return ch_fail(CH_E_IO, "cannot hold the signer (is ptrace shut off for this user?)",
		       errno);
}

ch_err hold_rip(pid_t pid, uint64_t *ret_rip)
{
#if defined(__x86_64__)
	errno = 0;
	long rip = ptrace(PTRACE_PEEKUSER, pid, (void *)offsetof(struct user, regs.rip), NULL);
	if (errno != 0)
		return ch_fail(CH_E_IO, "cannot read where the signer stopped", errno);
	*ret_rip = (uint64_t)rip;
	return CH_DONE;
#else
	(void)pid;
	(void)ret_rip;
	return ch_fail(CH_E_UNSUPPORTED, "the place of a crash is read on x86-64 only", 0);
#endif
}

void hold_continue(pid_t pid, int signal)
{
	/* it may have been killed meanwhile: then the wait says so */
	(void)ptrace(PTRACE_CONT, pid, NULL, (void *)(long)signal);
}

void hold_listen(pid_t pid)
{
	(void)ptrace(PTRACE_LISTEN, pid, NULL, NULL);
}
