/* What the command line asks of a running authority. */
#pragma once
#include "authority.h"
#include "wire/control.h"

/* Asks the supervisor at DIR/run/control once for `kind` of this group, and again for up to
 * half a minute while it is busy. answer_ms: how long one answer may take. *ret_runs says
 * whether there was somebody to ask, on failure too; E_GONE when nobody was, or when the answer
 * did not come. */
ch_err control_ask(const struct authority *a, enum control_kind kind, str group, int answer_ms,
		   bool *ret_runs);
