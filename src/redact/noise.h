/* Where memory looks random: what may hold a key as bytes or limbs. Kept while memory is
 * walked, so that finders that know at the end what to look for need not walk all of it
 * again. */
#pragma once
#include "redact/finder.h"

/* Bit i: the 8 bytes at p + 8 i are neither ASCII or UTF-16 text, nor small, nor a pointer. Of
 * random ones 1 in 250 is taken for plain. n: bytes, a multiple of 8, at most 512. */
enum { NOISE_BLOCK = 512, NOISE_LIMB = 8 };
uint64_t noise_bits(const uint8_t *p, size_t n);

/* The same of one block, and which of its limbs have their highest byte in common with the next
 * one, as floating-point numbers in a row do; of random ones 1 in 256 has. `there` bytes can be
 * read at p; of a limb without a next one it is not known, and the bit is 0. */
struct noise_masks {
	uint64_t noise, alike;
};
struct noise_masks noise_masks(const uint8_t *p, size_t there);
/* On any processor, to compare with. */
struct noise_masks noise_masks_plainly(const uint8_t *p, size_t there);

/* All places where 3 of 4 limbs look random and are no row of floating-point numbers, with at
 * least NOISE_MARGIN bytes around them; bounded: when there are too many, short gaps between
 * them are taken in. Of 4 random limbs 1 in 5,000 is taken for none of these. */
enum { NOISE_MARGIN = 1024, NOISE_PIECE_MAX = 64 * 1024 + 2 * NOISE_MARGIN };
struct noise;
ch_err noise_new(struct noise **ret_n);
void noise_done(struct noise **n);
void noise_see(struct noise *n, const struct window *w);
/* What another has seen of later memory. */
void noise_join(struct noise *n, const struct noise *later);
/* How much may be tried: 1 for each 256 MiB of memory that was shown, up to 64, so that time
 * goes by memory and not by what it holds. */
unsigned noise_scale(const struct noise *n);

/* A piece of such a place. What begins in [from, to) is this piece's; around it there is
 * context of NOISE_MARGIN bytes, as far as memory has it. */
struct noise_piece {
	uint64_t addr; /* of p[0], a multiple of 8 */
	const uint8_t *p;
	size_t n, from, to;
	const uint64_t *bits; /* of each 8 bytes of p, as noise_bits; zeros follow */
};
struct noise_taker {
	ch_err (*take)(struct noise_taker *t, const struct noise_piece *p);
};
ch_err noise_walk(struct noise *n, struct core_memory *m, struct noise_taker *t);
/* count ≤ 32 bits from limb i of a piece */
static inline uint64_t noise_run(const struct noise_piece *p, size_t i, unsigned count)
{
	uint64_t low = p->bits[i / 64] >> i % 64;
	uint64_t high = i % 64 ? p->bits[i / 64 + 1] << (64 - i % 64) : 0;
	return (low | high) & ((1ull << count) - 1);
}
/* How many bits are set: inline, since not all machines that this runs on count them. */
static inline unsigned noise_count(uint64_t bits)
{
	bits -= bits >> 1 & 0x5555555555555555;
	bits = (bits & 0x3333333333333333) + (bits >> 2 & 0x3333333333333333);
	bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return (unsigned)(bits * 0x0101010101010101 >> 56);
}
