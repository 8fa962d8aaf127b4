/* A running authority takes up what changed among its keys. */
#pragma once
#include "authority.h"

/* A new generation of signers for the group of this realm, which the issuer has when this
 * returns. *ret_runs: whether there is a running authority; if not, there is nothing to do,
 * and it is no error. */
ch_err renew(const struct authority *a, str realm, bool *ret_runs);
