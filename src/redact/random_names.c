/* Which text in a run of letters was drawn at random, and which is a name or a number that somebody
 * made. Names of all programs are made of few pairs of letters: 700 of the 4,096 are 84 in 100 of
 * theirs, and 18 in 100 of those of random text. Time goes by the length of the run alone. */
#include "random_text.h"

#define INLINE static inline __attribute__((always_inline))

const uint8_t letter_codes[256] = {
	['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,
	['H'] = 8,  ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14,
	['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21,
	['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28,
	['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35,
	['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
	['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49,
	['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
	['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63,
	['-'] = 63, ['/'] = 64, ['_'] = 64,
};

/* Which second letters are common in names behind each first one, by tools/name_pairs.py from
 * 770,000 names: symbols of libraries, paths, words of sources; and those of numbers. */
static const uint64_t common[64] = {
	0x80000880000eb84c, 0x8200400004000800, 0x80001902040e5591, 0x8000000444004110,
	0x8002808000aea81d, 0x8000010400004900, 0x8000000040000810, 0x8000000000000011,
	0x800000c0100cf86c, 0x0000000000000000, 0x8000000040002010, 0x80000104000c4911,
	0x800001004400c111, 0x8520a100002c457d, 0x800002000816a80c, 0x80000900040ee411,
	0x0000000000000000, 0x80000000400e6511, 0x80702004540ca995, 0x80040900450e4995,
	0x00000080000e2000, 0x8000000004000010, 0x8000000000000000, 0x8000100000080000,
	0x8000000000008000, 0x0000000000082000, 0x8007faf538000100, 0x8000512c44000000,
	0x80047b765c000010, 0xc00059346c000010, 0xd0e7bfe5fc04a114, 0x80e05964c4000000,
	0x800839a654000000, 0x8000290444000000, 0x94aabbe1fc000000, 0x0000000040000000,
	0x8000100444000000, 0x8004f32464000000, 0x81607364cc000000, 0xc080f3f5f4000010,
	0x8003fbf5bc000000, 0x80047b2674000000, 0x8000400000000000, 0x8024fbf5fc002110,
	0x8ce4fbf7f4000110, 0xc2247b36d404a116, 0x90a23ae5fc000000, 0x80029864d4801000,
	0x8000090404000000, 0xbff43240fc000000, 0x800032c010000000, 0x0000000040000000,
	0xbff2000000000000, 0xbff0000000000010, 0xbff0084000000010, 0xbff0000080000000,
	0xbff0006010000000, 0xbff0000000000000, 0xbff0004000000000, 0xbff0000020000000,
	0xbff0004000000004, 0xbff0000000000000, 0x0080120010000000, 0xbfe3fbf7fe7ef9ff,
};

/* A pair that is common says that it is a name, one that is not that it is none, in thirds of a
 * bit or so. What is summed up so over 43 random letters stays below the least once in a million
 * times, over 40 once in 270,000, over 22 once in 240. */
enum { RARE = 5, COMMON = -3, EDGE = 16, DISTINCT_MIN = 8 };

/* Does the sum of any piece come up to the least? */
INLINE bool has_drawn(const uint8_t *p, size_t n, size_t width)
{
	int sum = 0, most = 0;
	uint64_t row = common[letter_codes[*p] - 1];
	for (size_t i = 1; i < n; i++) {
		p += width;
		unsigned code = letter_codes[*p] - 1u;
		sum += row >> code & 1 ? COMMON : RARE;
		sum = sum > 0 ? sum : 0;
		most = sum > most ? sum : most;
		row = common[code];
	}
	return most >= DRAWN_SUM_MIN;
}

int letters_weight(uint8_t a, uint8_t b)
{
	return common[letter_codes[a] - 1u] >> (letter_codes[b] - 1u) & 1 ? COMMON : RARE;
}

/* With what is beside it, since a value's first and last pairs may be any. */
static struct letter_piece with_edges(const struct letter_run *r, struct letter_piece piece)
{
	piece.from -= piece.from < EDGE ? piece.from : EDGE;
	piece.to = r->n - piece.to < EDGE ? r->n : piece.to + EDGE;
	return piece;
}

/* Numbers, addresses, UUIDs: judged as digits. */
static bool are_numbers(const struct letter_run *r, struct letter_piece piece)
{
	while (piece.from < piece.to &&
	       (is_hex(letter_at(r, piece.from)) || letter_at(r, piece.from) == '-'))
		piece.from++;
	return piece.from == piece.to;
}

bool drawn_letters_next(const struct letter_run *r, size_t *at, struct letter_piece *ret)
{
	struct letter_piece best = { *at, *at };
	int sum = 0, most = 0;
	if (*at == 0 &&
	    !(r->width == 1 ? has_drawn(r->p, r->n, 1) : has_drawn(r->p, r->n, r->width)))
		return false;
	for (size_t i = *at; i + 1 < r->n; i++) {
		sum += letters_weight(letter_at(r, i), letter_at(r, i + 1));
		if (sum > most) {
			most = sum;
			best.to = i + 2;
		}
		/* what follows is a name */
		bool ends = sum <= 0 || most - sum >= DRAWN_SUM_MIN || i + 2 == r->n;
		if (ends && most >= DRAWN_SUM_MIN && !are_numbers(r, best)) {
			*at = i + 1;
			*ret = with_edges(r, best);
			return true;
		}
		if (ends) {
			sum = most = 0;
			best.from = i + 1;
		}
	}
	return false;
}

/* Zeros, patterns and numbers are not, but for long ones in decimal; nor are addresses as
 * programs print them. */
static bool are_drawn(const struct letter_run *r, struct letter_piece piece)
{
	unsigned seen = 0, letters = 0;
	size_t n = piece.to - piece.from, zeros = 0;
	while (zeros < n && letter_at(r, piece.from + zeros) == '0')
		zeros++;
	for (size_t i = piece.from; i < piece.to; i++) {
		uint8_t c = letter_at(r, i);
		unsigned letter = c >> 6;
		seen |= 1u << ((c & 15) + 9 * letter);
		letters += letter;
	}
	bool decimal = !letters && n >= RANDOM_DECIMAL_MIN;
	bool hex = letters && letters < n && (n >= RANDOM_HEX_LONG || zeros < 4);
	return n >= RANDOM_TEXT_MIN && (decimal || hex) && __builtin_popcount(seen) >= DISTINCT_MIN;
}

bool drawn_digits_next(const struct letter_run *r, size_t *at, struct letter_piece *ret)
{
	/* of so many in a row every sixteenth letter is one */
	for (size_t i = *at + RANDOM_TEXT_MIN - 1; i < r->n; i += RANDOM_TEXT_MIN) {
		if (!is_hex(letter_at(r, i)))
			continue;
		struct letter_piece piece = { i, i };
		while (piece.from > *at && is_hex(letter_at(r, piece.from - 1)))
			piece.from--;
		while (piece.to < r->n && is_hex(letter_at(r, piece.to)))
			piece.to++;
		i = piece.to;
		if (!are_drawn(r, piece))
			continue;
		*at = piece.to;
		*ret = piece;
		return true;
	}
	return false;
}
