/* Which limbs of memory may be part of a header that a finder knows: many at a time, since
 * nearly none is. */
#pragma once
#include "base/bytes.h"

enum { LIMB_SIZE = 8, LIMBS_BLOCK = 64 * LIMB_SIZE };

/* A limb fits when `mask` of it is `want`, and `part` of it is at least `least`. */
struct limb_filter {
	uint64_t mask, want, part, least;
};
/* Bit i: the limb at p + 8 i fits. n: bytes, of which whole limbs and at most LIMBS_BLOCK count. */
uint64_t limbs_fit(const struct limb_filter *f, const uint8_t *p, size_t n);
/* On any processor, to compare with. */
uint64_t limbs_fit_plainly(const struct limb_filter *f, const uint8_t *p, size_t n);
/* The offset of the first that is left in bits, which then lacks it. */
static inline size_t limbs_take(uint64_t *bits)
{
	size_t at = (size_t)__builtin_ctzll(*bits) * LIMB_SIZE;
	*bits &= *bits - 1;
	return at;
}
