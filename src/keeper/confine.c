/* The keeper's walls: it has all its descriptors when it starts. */
#include <sys/syscall.h>

#include "keeper_internal.h"
#include "sandbox/sandbox.h"

#ifndef __NR_memfd_secret
#define __NR_memfd_secret 447
#endif

static const struct syscall_rule own[] = {
	ALLOW(memfd_secret), ALLOW(memfd_create), ALLOW(ftruncate),
	ALLOW(mlock),        ALLOW(munlock),      ALLOW(prlimit64),
};

ch_err keeper_confine(void)
{
	const struct syscall_list lists[] = { { sandbox_common, sandbox_common_n },
					      { sandbox_server, sandbox_server_n },
					      { own, COUNT_OF(own) } };
	const struct sandbox_limits limits = { .files = 64, .processes = 0 };
	int abi = 0;
	TRY(sandbox_limits(&limits));
	TRY(sandbox_landlock(NULL, 0, NET_NONE, &abi));
	return sandbox_seccomp(lists, COUNT_OF(lists));
}
