/* Test variant: a supervisor that leaves the limit of core files as it found it, so that
 * only a signer's own walls can keep a core from being written. */
#include "sandbox/sandbox.h"
#include "variant.h"

VARIANT("no limits");

ch_err __wrap_sandbox_undumpable(void);

ch_err __wrap_sandbox_undumpable(void)
{
	return CH_DONE;
}
