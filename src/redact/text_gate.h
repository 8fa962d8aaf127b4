/* Where in memory a pattern of text can be at all: all of it is looked through for three bytes
 * that may be of a fragment (text_fragments.h), many places at a time, and what may be one is
 * compared whole. */
#pragma once
#include "text_fragments.h"

enum {
	GATE_SETS = 2, /* of eight buckets of fragments each */
	GATE_BUCKETS = 8 * GATE_SETS,
	GATE_PLACES = 3,
	GATE_GRAM_BITS = 16,
	GATE_BACK = FRAGMENT_MAX -
		    1, /* so much before an end is looked at again with more behind it */
	/* no match of a pattern is longer, and what it lacks not is in it */
	GATE_REACH = 320,
};

/* A fragment, as the bits that all that may stand there share. */
struct gate_word {
	uint64_t mask, want;
	uint64_t at; /* of the three bytes in it */
};

struct gate_table {
	/* in which buckets a byte may stand at each of three places, by its lower and its upper
	 * half: in those that both have */
	uint8_t low[GATE_PLACES][GATE_SETS][16], high[GATE_PLACES][GATE_SETS][16];
	/* which three bytes are those of a fragment, by gate_gram: with few others */
	uint64_t grams[(1 << GATE_GRAM_BITS) / 64];
	uint8_t first[GATE_BUCKETS + 1]; /* of each bucket's words */
	struct gate_word words[FRAGMENTS_MAX];
};

static inline uint32_t gate_gram(uint32_t three_bytes)
{
	return (three_bytes << 8) * 0x9e3779b1u >> (32 - GATE_GRAM_BITS);
}

/* Puts the fragments into buckets, so that few bytes of what memory mostly holds fit one: when
 * this is built. */
void gate_make(struct gate_table *ret_t);
/* Made by text_gen.c. */
extern const struct gate_table text_gate_made;

/* The first byte from `at` on that is in a fragment, or may be; n when there is none. Reads
 * p[0 .. n): a fragment may begin before `at`. */
size_t gate_next(const uint8_t *p, size_t at, size_t n);
/* The same on any processor, to compare with. */
size_t gate_next_plainly(const uint8_t *p, size_t at, size_t n);
