/* Test variant: no walls at all, and dumps as big as the one who starts it allows. */
#include <sys/prctl.h>
#include <sys/resource.h>

#include "signer_internal.h"
#include "variant.h"

VARIANT("careless confine");

ch_err confine_early(void)
{
	struct rlimit core = { 0 };
	if (getrlimit(RLIMIT_CORE, &core) == 0) {
		core.rlim_cur = core.rlim_max;
		(void)setrlimit(RLIMIT_CORE, &core);
	}
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	return CH_DONE;
}

ch_err confine_steady(void)
{
	return CH_DONE;
}
