/* Asks the supervisor for a new generation of signers; it makes one at a time. */
#include "renew.h"

#include "control_ask.h"

enum { ANSWER_MS = 30000 };

ch_err renew(const struct authority *a, str realm, bool *ret_runs)
{
	ch_err e = control_ask(a, CONTROL_RENEW, authority_group_of(a, realm)->name, ANSWER_MS,
			       ret_runs);
	return *ret_runs ? e : CH_DONE;
}
