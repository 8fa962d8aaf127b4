/* The rule of `strict` for keys that are written in hex, of which no 32 bytes can look random:
 * 32 and more digits in a row, letters among them. The memory is hostile, and time goes by its
 * size alone. */
#include "random.h"

enum { PIECE = 16, DISTINCT_MIN = 8 };

typedef uint8_t sixteen __attribute__((vector_size(16)));
typedef sixteen sixteen_anywhere __attribute__((aligned(1), may_alias));

/* All of 16 bytes. */
static inline bool are_hex(const uint8_t *p)
{
	typedef uint64_t two __attribute__((vector_size(16)));
	const sixteen x = *(const sixteen_anywhere *)p;
	two is = (two)((x - '0' < 10) | ((x | 0x20) - 'a' < 6));
	return (is[0] & is[1]) == UINT64_MAX;
}

static bool is_hex(uint8_t c)
{
	return (uint8_t)(c - '0') < 10 || (uint8_t)((c | 0x20) - 'a') < 6;
}

/* Drawn at random: numbers in decimal, zeros and patterns are not. */
static bool drawn(const uint8_t *p, size_t n)
{
	unsigned seen = 0, letters = 0;
	for (size_t i = 0; i < n; i++) {
		bool letter = p[i] > '9';
		seen |= 1u << (letter ? (p[i] | 0x20) - 'a' + 10 : p[i] - '0');
		letters += letter;
	}
	return letters && letters < n && __builtin_popcount(seen) >= DISTINCT_MIN;
}

size_t random_find_hex(struct random_block b)
{
	size_t covered = 0;
	/* digits that begin before the end of the block and go over it, too */
	for (size_t at = 0; at <= b.n && at + PIECE <= b.there; at += PIECE) {
		if (__builtin_expect(!are_hex(b.p + at), 1))
			continue;
		size_t from = at, to = at + PIECE;
		while (from && is_hex(b.p[from - 1]))
			from--;
		while (to < b.there && is_hex(b.p[to]))
			to++;
		if (from < b.n && to - from >= RANDOM_HEX_MIN && drawn(b.p + from, to - from)) {
			for (size_t i = from; i < to && i < b.n; i++)
				b.owners[i] = b.owner;
			covered = to;
		}
		at = to / PIECE * PIECE;
	}
	return covered;
}
