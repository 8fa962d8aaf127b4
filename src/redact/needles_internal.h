/* The tables of the needles, for those who fill and those who ask them. */
#pragma once
#include "needles.h"

/* Where a word is: in which form of which value, and at which byte of it. */
struct needle_ref {
	uint32_t value, form;
	int32_t offset; /* -1: the word begins with the edge before a short text */
};

/* A word's tag and its place in one number; 0 is a free slot. */
struct word_table {
	uint64_t *slots, mask; /* a power of two of them */
	uint64_t *bits;        /* a filter before it, in words of 64 bits */
	unsigned bits_shift;   /* of a hash, to the filter's word */
};

struct open_hit {
	struct needle_ref ref;
	uint64_t at; /* address of its word */
};

enum { OPEN_MAX = 256 };

/* The first word of p[i .. end), in steps of eight, that a filter knows; end: none. */
typedef size_t needles_known_fn(const struct needles *n, const uint8_t *p, size_t i, size_t end);
needles_known_fn needles_known, needles_known_bmi2;

struct needles {
	struct needle_value *values;
	size_t n_values;
	uint64_t factor; /* of the hash: odd, random, so that nobody can choose what collides */
	struct word_table longs, shorts;
	bool has_longs, has_shorts;
	needles_known_fn *known; /* the fastest that the processor has */
	unsigned short_step;     /* 4, or 2 */
	size_t left_out;         /* words that fill memory, or that too many forms share */
	uint64_t next;           /* the first word that was not looked at */
	struct open_hit open[OPEN_MAX];
	size_t n_open;
};

/* The filter is asked for every word, with the upper bits of one product. */
static inline bool filter_has(const struct word_table *t, uint64_t product)
{
	uint64_t bits = UINT64_C(1) << (product >> 34 & 63) | UINT64_C(1) << (product >> 40 & 63);
	return (t->bits[product >> t->bits_shift] & bits) == bits;
}

static inline void filter_add(struct word_table *t, uint64_t product)
{
	uint64_t bits = UINT64_C(1) << (product >> 34 & 63) | UINT64_C(1) << (product >> 40 & 63);
	t->bits[product >> t->bits_shift] |= bits;
}

static inline uint64_t slot_hash(uint64_t factor, uint64_t product)
{
	return (product ^ product >> 32) * factor;
}

/* A slot: tag of 26 bits, offset + 1 (17), form (6), value + 1 (14). */
static inline uint64_t slot_tag(uint64_t h)
{
	return h >> 38 << 37;
}

static inline uint64_t slot_of_ref(uint64_t h, struct needle_ref r)
{
	uint64_t offset = (uint64_t)(uint32_t)(r.offset + 1);
	return slot_tag(h) | offset << 20 | (uint64_t)r.form << 14 | (r.value + 1);
}

static inline struct needle_ref ref_of_slot(uint64_t s)
{
	return (struct needle_ref){ (uint32_t)(s & 0x3fff) - 1, (uint32_t)(s >> 14 & 63),
				    (int32_t)(s >> 20 & 0x1ffff) - 1 };
}

static inline bool slot_is(uint64_t s, uint64_t h)
{
	return s && (s & ~((UINT64_C(1) << 37) - 1)) == slot_tag(h);
}

static inline uint64_t slot_index(const struct word_table *t, uint64_t h)
{
	return h >> 12 & t->mask;
}
