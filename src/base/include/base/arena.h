/* A request's memory: one block with a hard cap, freed at once. The cap is the
 * denial-of-service limit. In debug builds a reset arena is filled with 0xa5. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

struct arena {
	uint8_t *p;
	size_t used;
	size_t cap;
};

/* Caller's storage. */
void arena_init(struct arena *a, void *storage, size_t cap);
void arena_reset(struct arena *a);
/* Zeroed, aligned to 16; NULL when it is used up. */
void *arena_alloc(struct arena *a, size_t n);
#define arena_new(a, type, count) ((type *)arena_alloc_array((a), (count), sizeof(type)))
void *arena_alloc_array(struct arena *a, size_t count, size_t size);
/* A copy that lives as long as the arena. */
ch_err arena_str(struct arena *a, str s, str *ret_copy);
size_t arena_left(const struct arena *a);
