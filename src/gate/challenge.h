/* What a client is told that was not let in: RFC 6750 section 3, RFC 9449 section 7.1. Only
 * constants and words of the policy: a client must not learn which check refused it. */
#pragma once
#include "base/rw.h"
#include "judge.h"

enum { CHALLENGE_MAX = 4096 };

/* 401, 403, 500 …; never 2xx but for TOLD_PASS. */
unsigned challenge_status(enum told told);
/* The value of WWW-Authenticate; nothing when there is none. */
void challenge_write(struct wr *w, const struct gate_location *place, enum told told, bool by_dpop);
