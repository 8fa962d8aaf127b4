/* What the masker has to mask, found in the plainest way: one byte for each of memory, 1 where
 * it goes. */
#pragma once
#include "redact/masker.h"

void plain_masker(const struct masker_setup *s, uint64_t addr, bytes memory, uint8_t *covered);
/* The same memory through a masker in pieces of at most `step` bytes, which it is given as
 * a stream would be. Fails an assertion when the masker breaks its word. */
ch_err mask_in_pieces(struct masker *m, uint64_t addr, uint8_t *p, size_t n, size_t step);
