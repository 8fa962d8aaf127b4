/* A scratch's cache of tokens that were found good, in the caller's storage. */
#include "inside.h"

enum { ALIGN = 64 };

/* One ALIGN to reach an aligned address in any storage. */
size_t ch_cache_size(size_t tokens, size_t token_max)
{
	size_t n = token_cache_size(tokens, token_max);
	return n ? n + ALIGN : 0;
}

ch_err ch_cache_use(union ch_scratch *s, void *storage, size_t size, size_t tokens,
		    size_t token_max)
{
	struct inside *in = inside_of(s);
	size_t ahead = (ALIGN - (uintptr_t)storage % ALIGN) % ALIGN;
	if (!in || !storage)
		return ch_fail(CH_E_USAGE, "ch_cache_use got a NULL or no scratch", 0);
	if (size < ahead || !token_cache_size(tokens, token_max))
		return ch_fail(CH_E_RANGE, "impossible size of a cache", tokens);
	in->cache = NULL;
	return token_cache_init((uint8_t *)storage + ahead, size - ahead, tokens, token_max,
				&in->cache);
}

void ch_cache_clear(union ch_scratch *s)
{
	struct inside *in = inside_of(s);
	if (in && in->cache)
		token_cache_clear(in->cache);
}

struct ch_counts ch_cache_counts(const union ch_scratch *s)
{
	const struct inside *in = inside_seen(s);
	struct token_cache_counts c = { 0 };
	if (in && in->cache)
		c = token_cache_counts(in->cache);
	return (struct ch_counts){ c.hits, c.misses, c.evicted };
}
