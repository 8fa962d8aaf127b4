/* A judge that can take every signature for good, so that mutations get as far as what
 * stands behind it. Link with --wrap=public_key_verify. */
#pragma once
#include "token/policy.h"
#include "token/verify.h"

enum { FUZZ_NOW = 1700000000 };

/* Is every signature good? If not, each is checked. True at first. */
extern bool fuzz_lenient;

/* The corpus's throw-away keys: "es", "ed" and "rs", each of one algorithm. */
extern const str fuzz_jwks;
/* Of https://id.test/home, realm "home", by these keys: audience "mail", at+jwt, 30 seconds
 * of skew, an hour at most. Made once. */
struct policy *fuzz_policy(void);
/* Under that policy, twice: with and without a cache. */
void fuzz_judge(str token, struct token_verdict *ret_verdict);
