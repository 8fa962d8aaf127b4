/* Sorting in place without memory of its own; qsort may take as much again. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* size ≤ SORT_ITEM_MAX; less(a, b): a belongs before b. */
enum { SORT_ITEM_MAX = 64 };
void sort_in_place(void *items, size_t n, size_t size, bool (*less)(const void *, const void *));
