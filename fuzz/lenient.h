/* A judge that takes every signature for good, for targets that mutate one part of a token.
 * Link with --wrap=public_key_verify. */
#pragma once
#include "token/verify.h"

enum { FUZZ_NOW = 1700000000 };

/* Under a policy of https://id.test/home: keys "es" and "ed", audience "mail", at+jwt, 30
 * seconds of skew, an hour at most. Judged twice: with and without a cache. */
void fuzz_judge(str token, struct token_verdict *ret_verdict);
