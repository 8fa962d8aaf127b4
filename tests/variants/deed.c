/* Test variant: the true signer, which does one forbidden thing (DEED) as soon as its
 * walls are up. It must die of it; with deed_none it must live. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "signer_internal.h"
#include "variant.h"

VARIANT("deed");

/* by their numbers: the C library may do other things first */
static __attribute__((unused)) void deed_open(void)
{
	(void)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY, 0);
}

static __attribute__((unused)) void deed_socket(void)
{
	(void)syscall(SYS_socket, 2, 1, 0);
}

static __attribute__((unused)) void deed_fork(void)
{
	(void)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static __attribute__((unused)) void deed_ptrace(void)
{
	(void)syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
}

static __attribute__((unused)) void deed_execve(void)
{
	(void)syscall(SYS_execve, "/bin/true", NULL, NULL);
}

static __attribute__((unused)) void deed_mmap(void)
{
	(void)syscall(SYS_mmap, NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* tgkill is allowed, but only to ourselves: for abort() */
static __attribute__((unused)) void deed_kill(void)
{
	(void)syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static __attribute__((unused)) void deed_none(void)
{
}

ch_err __real_confine_steady(void);
ch_err __wrap_confine_steady(void);

ch_err __wrap_confine_steady(void)
{
	TRY(__real_confine_steady());
	DEED();
	return CH_DONE;
}
