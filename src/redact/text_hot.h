/* Where in memory text may be: most of a heap is pointers and numbers, and the patterns of
 * text need not be looked for there. */
#pragma once
#include "base/bytes.h"

enum { HOT_BLOCK = 64, HOT_BLOCKS_MAX = 512 };

struct hot {
	uint64_t bits[HOT_BLOCKS_MAX / 64 + 1];
	size_t blocks; /* of HOT_BLOCK bytes, the last may be shorter */
};

/* Marks the blocks in which a run of 8 or more characters of text ends or goes on, or of 4
 * and more in UTF-16LE, and their neighbours; and always the first block and the last two, so
 * that nothing is missed where p is cut. n ≤ HOT_BLOCK * HOT_BLOCKS_MAX. */
void hot_mark(const uint8_t *p, size_t n, struct hot *ret_hot);
/* The same on any processor, to compare with. */
void hot_mark_plainly(const uint8_t *p, size_t n, struct hot *ret_hot);
/* The next stretch of marked blocks from block *at on: [*at, *ret_end); false: none. Stretches
 * that are near each other are one. */
bool hot_next(const struct hot *h, size_t *at, size_t *ret_end);

/* The first offset from `at` on where a length of 43, 86 or 342 stands in 32 bits, as V8 has it
 * before the characters of a string; n when there is none. Reads p[0 .. n). */
size_t hot_length(const uint8_t *p, size_t at, size_t n);
