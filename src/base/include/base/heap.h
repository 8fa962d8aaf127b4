/* An allocator inside one fixed region: size classes, wiped on free, never grows.
 * It is what libcrypto gets in the signer. Single-threaded. */
#pragma once
#include "base/bytes.h"

enum { HEAP_CLASSES = 20 };

struct heap {
	uint8_t *p;
	size_t used;
	size_t cap;
	void *free_list[HEAP_CLASSES];
};

/* The region (n bytes, the caller's) is the heap's alone from now on. */
void heap_init(struct heap *h, void *region, size_t n);
/* NULL when the region is used up. n == 0 gives a block too. Aligned to 16. */
void *heap_alloc(struct heap *h, size_t n);
void *heap_resize(struct heap *h, void *p, size_t n);
void heap_free(struct heap *h, void *p);
