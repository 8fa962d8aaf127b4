/* Memory in which the finder of text saw nothing that is masked where it stands. The masker need
 * not look for text again where such memory is as it was: what is shared may change between
 * the two. Memory is known by a keyed hash, in cells: the part of a segment in 64 KiB of
 * addresses. Of each cell it is kept, too, which pages hold anything but zeros. */
#pragma once
#include "redact/finder.h"

enum { CALM_CELL = 64 * 1024, CALM_PAGE = 4096, CALM_CELLS_MAX = 128 * 1024 };

/* struct calm, calm_new, calm_done and calm_next: finder.h */

/* Another with the same key, for memory from `from` on, where a cell starts; and what it saw joins
 * what was seen before. */
ch_err calm_new_later(const struct calm *c, uint64_t from, struct calm **ret_c);
void calm_join(struct calm *c, const struct calm *later);

/* Memory of the segment, in order of addresses; what was seen before is not counted again. */
void calm_see(struct calm *c, const struct core_load *segment, uint64_t addr, bytes b);
/* The page in which addr lies cannot be read. */
void calm_blind(struct calm *c, const struct core_load *segment, uint64_t addr);
/* Something in memory that was seen is masked: from here to there. */
void calm_disturb(struct calm *c, uint64_t from, uint64_t to);

/* How many bytes the cell has from addr on: none of them behind the segment, if it is in one. */
size_t calm_left(const struct core_load *segment_or_null, uint64_t addr);
/* Is b all that the cell holds but zeros, was it so, and was there nothing? */
bool calm_is(const struct calm *c, const struct core_load *segment, uint64_t addr, bytes b);

/* The sum over products of pairs of 32 bits with the key added: of two different memories of n
 * bytes it is the same for one key in 2^32. n: at most CALM_PAGE, a multiple of 8. */
uint64_t calm_sum(const uint8_t *key, const uint8_t *p, size_t n);
/* On any processor, to compare with. */
uint64_t calm_sum_plainly(const uint8_t *key, const uint8_t *p, size_t n);
