/* Heapsort: O(n log n) whatever the order, since who made the core chose it. What is sorted
 * already, as the kernel's is, costs one pass. */
#include "base/sort.h"

#include <assert.h>

#include "base/bytes.h"

struct heap_of {
	uint8_t *p;
	size_t size;
	bool (*less)(const void *, const void *);
};

static void swap(const struct heap_of *h, size_t a, size_t b)
{
	uint8_t tmp[SORT_ITEM_MAX];
	mem_copy(tmp, h->p + a * h->size, h->size);
	mem_copy(h->p + a * h->size, h->p + b * h->size, h->size);
	mem_copy(h->p + b * h->size, tmp, h->size);
}

static bool before(const struct heap_of *h, size_t a, size_t b)
{
	return h->less(h->p + a * h->size, h->p + b * h->size);
}

static void sift(const struct heap_of *h, size_t at, size_t n)
{
	for (size_t child = 2 * at + 1; child < n; child = 2 * at + 1) {
		if (child + 1 < n && before(h, child, child + 1))
			child++;
		if (!before(h, at, child))
			return;
		swap(h, at, child);
		at = child;
	}
}

void sort_in_place(void *items, size_t n, size_t size, bool (*less)(const void *, const void *))
{
	const struct heap_of h = { items, size, less };
	size_t sorted = 1;
	assert(size <= SORT_ITEM_MAX);
	while (sorted < n && !before(&h, sorted, sorted - 1))
		sorted++;
	if (sorted >= n)
		return;
	for (size_t i = n / 2; i > 0; i--)
		sift(&h, i - 1, n);
	for (size_t end = n - 1; end > 0; end--) {
		swap(&h, 0, end);
		sift(&h, 0, end);
	}
}
