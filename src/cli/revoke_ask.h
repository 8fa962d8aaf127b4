/* Making revocations due, and having a running authority take them in: for every command that
 * ends what somebody has. */
#pragma once
#include "authority.h"
#include "revoke/record.h"
#include "store/store.h"

/* In the transaction that ends it. */
ch_err revoke_due(struct store *s, str realm, const struct revocation *r);
/* Has each issuer take in what is due in its store; says it when the authority does not run (then
 * it does so as it starts, and *ret_queued is true) or when it cannot. EXIT_YES or
 * EXIT_TROUBLE. The store that was used is closed by now. */
int revoke_settle(const struct authority *a, bool *ret_queued);
