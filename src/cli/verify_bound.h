/* `chancery verify` on tokens that are bound to a key: what the client showed beside the
 * token comes from files. */
#pragma once
#include "token/verify.h"

struct bound_wish {
	const char *dpop, *method, *url, *nonce; /* the proof's file, and what it must be for */
	const char *certificate;                 /* its file */
};

/* Is any of these options given? */
bool bound_asked(const struct bound_wish *b);
/* EXIT_YES, or EXIT_USAGE when the options do not go together, which it says. */
int bound_check(const struct bound_wish *b);
/* Confirms an accepted token: *v is then the answer. EXIT_TROUBLE when a file cannot be
 * read, which it says. */
int bound_judge(const struct bound_wish *b, str token, int64_t now_s, struct token_verdict *v);
