/* Tokens that were found good, so that seeing one again costs a keyed hash and a compare
 * of the whole text. A cache belongs to a scratch; ch_verify then uses it by itself. A token
 * is believed only by the verifier that judged it, while its key is valid, and until exp. Scope,
 * keys it is bound to and revocation are asked every time. */
#ifndef CHANCERY_CACHE_H
#define CHANCERY_CACHE_H

#include "chancery/verify.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of storage for at least so many tokens of at most token_max bytes (up to 8192; what
 * is longer is judged each time). 0: impossible numbers. */
CH_API size_t ch_cache_size(size_t tokens, size_t token_max);
/* Gives the scratch a cache in storage of the caller's, empty; an earlier one is dropped.
 * It must stay where it is until ch_scratch_done; nothing of it needs to be freed. CH_E_USAGE:
 * a NULL, a scratch that was not made. CH_E_RANGE: too small for the numbers. */
CH_API ch_err ch_cache_use(union ch_scratch *s, void *storage, size_t size, size_t tokens,
			   size_t token_max);
/* Forgets all tokens. */
CH_API void ch_cache_clear(union ch_scratch *s);

struct ch_counts {
	uint64_t hits, misses, evicted;
};
/* Since ch_cache_use; all zero without a cache. */
CH_API struct ch_counts ch_cache_counts(const union ch_scratch *s);

#ifdef __cplusplus
}
#endif
#endif
