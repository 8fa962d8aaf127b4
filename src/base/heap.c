/* Size classes of powers of two from 32 bytes, each with a free list; the class
 * stands in 16 bytes before the block. Freed blocks are wiped at once: what a
 * library leaves behind does not stay. */
#include "base/heap.h"

#include <assert.h>

enum { HEADER = 16, SMALLEST_SHIFT = 5 };

/* Stands in the header of a block in use: a double free and a wild pointer stop the
 * process instead of linking a block twice. */
static const size_t live = 0x6c697665;

struct header {
	size_t class;
	size_t mark;
};

_Static_assert(sizeof(struct header) == HEADER, "blocks stay aligned to 16");

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

static struct header *header_of(void *p)
{
	return (struct header *)(void *)((uint8_t *)p - HEADER);
}

static struct header *live_header(void *p)
{
	struct header *h = header_of(p);
	assert(h->mark == live && h->class < HEAP_CLASSES);
	return h;
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
		header_of(p)->mark = live;
		return p;
	}
	if (class_size(c) > h->cap - h->used)
		return NULL;
	uint8_t *block = h->p + h->used;
	h->used += class_size(c);
	*header_of(block + HEADER) = (struct header){ c, live };
	return block + HEADER;
}

void heap_free(struct heap *h, void *p)
{
	if (!p)
		return;
	struct header *header = live_header(p);
	size_t c = header->class;
	mem_wipe(p, class_size(c) - HEADER);
	header->mark = 0;
	*(void **)p = h->free_list[c];
	h->free_list[c] = p;
}

void *heap_resize(struct heap *h, void *p, size_t n)
{
	if (!p)
		return heap_alloc(h, n);
	size_t has = class_size(live_header(p)->class) - HEADER;
	if (n <= has)
		return p;
	void *q = heap_alloc(h, n);
	if (!q)
		return NULL;
	mem_copy(q, p, has);
	heap_free(h, p);
	return q;
}
