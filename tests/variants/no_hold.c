/* Test variant: a warden that holds nobody, so that root's gcore can attach. */
#include "variant.h"
#include "warden_internal.h"

VARIANT("no hold");

ch_err hold_seize(pid_t pid, int key_fd)
{
	(void)pid;
	(void)key_fd;
	return CH_DONE;
}

ch_err hold_rip(pid_t pid, uint64_t *ret_rip)
{
	(void)pid;
	*ret_rip = 0;
	return CH_DONE;
}

void hold_continue(pid_t pid, int signal)
{
	(void)pid;
	(void)signal;
}

void hold_listen(pid_t pid)
{
	(void)pid;
}
