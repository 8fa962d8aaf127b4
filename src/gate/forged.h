/* A token whose signature is good and that its issuer's log does not have: somebody else holds
 * the issuer's key. Logged, counted, reported. */
#pragma once
#include "token/verify.h"

enum { FORGED_A_MINUTE = 6 }; /* lines; the rest is counted */

struct forged {
	uint64_t count;      /* in all, for the metrics */
	uint64_t begun_ns;   /* of the minute */
	uint64_t suppressed; /* in this minute */
	uint32_t logged;     /* in this minute */
};

struct gate;
struct asked;
/* v is TOKEN_not_logged, with its texts, times and identity. token is as it was shown; it must not
 * be logged. Never waits. */
void forged_note(struct gate *g, const struct token_verdict *v, str token, const struct asked *a);
