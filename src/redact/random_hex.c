/* The rule of `strict` for keys that are written in hex, of which no 32 bytes can look random:
 * 32 and more digits in a row, letters among them, or 64 and more of decimal. The memory is hostile, and time goes by its
 * size alone. */
#include "random.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { PIECE = 16, DISTINCT_MIN = 8, AHEAD_MAX = 4096 };

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

/* The first piece of p[at .. end), counted by their beginnings, that is all digits; end: none. */
static size_t seek_plainly(const uint8_t *p, size_t at, size_t end)
{
	while (at < end && __builtin_expect(!are_hex(p + at), 1))
		at += PIECE;
	return at < end ? at : end;
}

#if defined(__x86_64__)
/* Four pieces at a time. */
__attribute__((target("avx512bw"))) static size_t seek_avx512(const uint8_t *p, size_t at,
							      size_t end)
{
	for (; at + 3 * PIECE < end; at += 4 * PIECE) {
		__m512i x = _mm512_loadu_si512(p + at);
		__m512i digit = _mm512_sub_epi8(x, _mm512_set1_epi8('0'));
		__m512i small = _mm512_or_si512(x, _mm512_set1_epi8(0x20));
		__m512i letter = _mm512_sub_epi8(small, _mm512_set1_epi8('a'));
		uint64_t is = _mm512_cmplt_epu8_mask(digit, _mm512_set1_epi8(10)) |
			      _mm512_cmplt_epu8_mask(letter, _mm512_set1_epi8(6));
		is &= is >> 1;
		is &= is >> 2;
		is &= is >> 4;
		is &= is >> 8 & 0x0001000100010001;
		if (is)
			return at + (size_t)__builtin_ctzll(is);
	}
	return seek_plainly(p, at, end);
}
#endif

static size_t seek(const uint8_t *p, size_t at, size_t end)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512bw"))
		return seek_avx512(p, at, end);
#endif
	return seek_plainly(p, at, end);
}

static bool is_hex(uint8_t c)
{
	return (uint8_t)(c - '0') < 10 || (uint8_t)((c | 0x20) - 'a') < 6;
}

/* Drawn at random: zeros and patterns are not, nor are numbers in decimal, but for long ones. */
static bool drawn(const uint8_t *p, size_t n)
{
	unsigned seen = 0, letters = 0;
	for (size_t i = 0; i < n; i++) {
		bool letter = p[i] > '9';
		seen |= 1u << (letter ? (p[i] | 0x20) - 'a' + 10 : p[i] - '0');
		letters += letter;
	}
	bool decimal = !letters && n >= RANDOM_DECIMAL_MIN;
	return (decimal || (letters && letters < n)) && __builtin_popcount(seen) >= DISTINCT_MIN;
}

size_t random_find_hex(struct random_block b)
{
	size_t covered = 0, end = b.there < PIECE ? 0 : b.there - PIECE + 1;
	/* digits that begin before the end of the block and go over it, too */
	end = end <= b.n ? end : b.n + 1;
	/* what goes on for longer is the next block's to judge as well */
	size_t most = b.there < b.n + AHEAD_MAX ? b.there : b.n + AHEAD_MAX;
	for (size_t at = seek(b.p, 0, end); at < end; at = seek(b.p, at + PIECE, end)) {
		size_t from = at, to = at + PIECE;
		while (from && is_hex(b.p[from - 1]))
			from--;
		while (to < most && is_hex(b.p[to]))
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
