/* Size classes of powers of two from 32 bytes, each with a free list; the class
 * stands in 16 bytes before the block. Freed blocks are wiped at once: what a
 * library leaves behind does not stay. */
#include "base/heap.h"

#include <assert.h>

enum { HEADER = 16, SMALLEST_SHIFT = 5 };

static size_t class_size(size_t c)
{
	return (size_t)1 << (c + SMALLEST_SHIFT);
}

static size_t class_for(size_t n)
{
	size_t c = 0;
	while (c < HEAP_CLASSES && class_size(c) < n)
		c++;
	return c;
}

static size_t *header_of(void *p)
{
	return (size_t *)(void *)((uint8_t *)p - HEADER);
}

void heap_init(struct heap *h, void *region, size_t n)
{
	*h = (struct heap){ .p = region, .cap = n };
}

void *heap_alloc(struct heap *h, size_t n)
{
	size_t c = n > h->cap ? HEAP_CLASSES : class_for(n + HEADER);
	if (c >= HEAP_CLASSES)
		return NULL;
	if (h->free_list[c]) {
		void *p = h->free_list[c];
		h->free_list[c] = *(void **)p;
		*(void **)p = NULL;
		return p;
	}
	if (class_size(c) > h->cap - h->used)
		return NULL;
	uint8_t *block = h->p + h->used;
	h->used += class_size(c);
	*(size_t *)(void *)block = c;
	return block + HEADER;
}

void heap_free(struct heap *h, void *p)
{
	if (!p)
		return;
	size_t c = *header_of(p);
	assert(c < HEAP_CLASSES);
	mem_wipe(p, class_size(c) - HEADER);
	*(void **)p = h->free_list[c];
	h->free_list[c] = p;
}

void *heap_resize(struct heap *h, void *p, size_t n)
{
	if (!p)
		return heap_alloc(h, n);
	size_t has = class_size(*header_of(p)) - HEADER;
	if (n <= has)
		return p;
	void *q = heap_alloc(h, n);
	if (!q)
		return NULL;
	mem_copy(q, p, has);
	heap_free(h, p);
	return q;
}
