/* Tokens that were found good, so that the next time costs a keyed hash and a compare
 * of the whole text. One cache a thread, in the caller's storage, bounded. An entry is
 * believed only under the policy (policy_id) that it was judged by, while its key is
 * valid, from nbf and iat on and until exp. What is not the token's own matter, its
 * confirmation and its revocation, is never cached: the caller asks it every time. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "token/verify.h"

struct token_cache;

/* Bytes of storage for at least so many tokens of at most token_max bytes (up to
 * TOKEN_MAX; longer ones are judged but not kept). 0: the numbers are impossible. */
size_t token_cache_size(size_t tokens, size_t token_max);
/* Takes storage (n bytes, aligned to 64) and a random key of its own. E_RANGE when n is
 * too small for the numbers, E_USAGE when storage is not aligned. Nothing needs to be freed. */
ch_err token_cache_init(void *storage, size_t n, size_t tokens, size_t token_max,
			struct token_cache **ret_c);
/* As token_verify, through the cache. An accepted verdict points into the cache, until
 * the next call, or into the policy or the scratch. */
void token_cache_verify(struct token_cache *c, const struct policy *p, str token, int64_t now_s,
			struct token_scratch *scratch, struct token_verdict *ret_verdict);

/* Only what is kept: false when this token is not, or may not be believed now. For a caller
 * that has no time for a signature. */
bool token_cache_find(struct token_cache *c, const struct policy *p, str token, int64_t now_s,
		      struct token_verdict *ret_verdict);

struct token_cache_counts {
	uint64_t hits, misses, evicted;
};
struct token_cache_counts token_cache_counts(const struct token_cache *c);
/* Forgets all. */
void token_cache_clear(struct token_cache *c);
