/* A bump allocator over the caller's block. No free inside: the request ends, the
 * arena is reset. */
#include "base/arena.h"

#include <string.h>

#include "base/ck.h"

enum { ALIGN = 16 };

void arena_init(struct arena *a, void *storage, size_t cap)
{
	*a = (struct arena){ storage, 0, cap };
}

void arena_reset(struct arena *a)
{
#ifndef NDEBUG
	memset(a->p, 0xa5, a->used);
#endif
	a->used = 0;
}

void *arena_alloc(struct arena *a, size_t n)
{
	uintptr_t base = (uintptr_t)a->p;
	size_t at = (size_t)(((base + a->used + ALIGN - 1) & ~(uintptr_t)(ALIGN - 1)) - base);
	if (at > a->cap || n > a->cap - at)
		return NULL;
	a->used = at + n;
	return n ? memset(a->p + at, 0, n) : a->p + at;
}

void *arena_alloc_array(struct arena *a, size_t count, size_t size)
{
	size_t n = 0;
	return ck_mul(count, size, &n) ? arena_alloc(a, n) : NULL;
}

ch_err arena_str(struct arena *a, str s, str *ret_copy)
{
	char *p = arena_alloc(a, s.n);
	if (!p)
		return ch_fail(CH_E_LIMIT, "request needs more memory than it may have", a->cap);
	mem_copy(p, s.p, s.n);
	*ret_copy = (str){ p, s.n };
	return CH_DONE;
}

size_t arena_left(const struct arena *a)
{
	return a->cap - a->used;
}
