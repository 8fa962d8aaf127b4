/* base64url without padding. Trusts nothing about the text; must never accept two
 * texts for one value, or a token would have two spellings. */
#include "codec/base64url.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* What the character in each of the four places of a group stands for, already where its
 * bits belong, with a mark of the place above them: four marks make a good group. Zero
 * for a character outside the alphabet. */
#define GOOD UINT32_C(0xf000000)
/* clang-format off */
#define ALPHABET(P) \
	P('A', 0), P('B', 1), P('C', 2), P('D', 3), P('E', 4), P('F', 5), P('G', 6), P('H', 7), \
	P('I', 8), P('J', 9), P('K', 10), P('L', 11), P('M', 12), P('N', 13), P('O', 14), P('P', 15), \
	P('Q', 16), P('R', 17), P('S', 18), P('T', 19), P('U', 20), P('V', 21), P('W', 22), P('X', 23), \
	P('Y', 24), P('Z', 25), P('a', 26), P('b', 27), P('c', 28), P('d', 29), P('e', 30), P('f', 31), \
	P('g', 32), P('h', 33), P('i', 34), P('j', 35), P('k', 36), P('l', 37), P('m', 38), P('n', 39), \
	P('o', 40), P('p', 41), P('q', 42), P('r', 43), P('s', 44), P('t', 45), P('u', 46), P('v', 47), \
	P('w', 48), P('x', 49), P('y', 50), P('z', 51), P('0', 52), P('1', 53), P('2', 54), P('3', 55), \
	P('4', 56), P('5', 57), P('6', 58), P('7', 59), P('8', 60), P('9', 61), P('-', 62), P('_', 63),
#define P0(c, v) [c] = UINT32_C(v) << 18 | UINT32_C(0x1000000)
#define P1(c, v) [c] = UINT32_C(v) << 12 | UINT32_C(0x2000000)
#define P2(c, v) [c] = UINT32_C(v) << 6 | UINT32_C(0x4000000)
#define P3(c, v) [c] = UINT32_C(v) | UINT32_C(0x8000000)
static const uint32_t places[4][256] = {
	{ ALPHABET(P0) }, { ALPHABET(P1) }, { ALPHABET(P2) }, { ALPHABET(P3) }
};
/* clang-format on */

size_t base64url_text_size(size_t n)
{
	return n / 3 * 4 + (n % 3 ? n % 3 + 1 : 0);
}

size_t base64url_byte_size(size_t n)
{
	return n / 4 * 3 + (n % 4 > 1 ? n % 4 - 1 : 0);
}

void base64url_write(struct wr *w, bytes b)
{
	uint8_t *to = wr_room(w, base64url_text_size(b.n));
	if (!to)
		return;
	size_t i = 0;
	for (; b.n - i >= 3; i += 3, to += 4) {
		uint32_t v = (uint32_t)b.p[i] << 16 | (uint32_t)b.p[i + 1] << 8 | b.p[i + 2];
		to[0] = (uint8_t)alphabet[v >> 18];
		to[1] = (uint8_t)alphabet[v >> 12 & 63];
		to[2] = (uint8_t)alphabet[v >> 6 & 63];
		to[3] = (uint8_t)alphabet[v & 63];
	}
	if (i == b.n)
		return;
	uint32_t v = (uint32_t)b.p[i] << 16 | (b.n - i == 2 ? (uint32_t)b.p[i + 1] << 8 : 0);
	to[0] = (uint8_t)alphabet[v >> 18];
	to[1] = (uint8_t)alphabet[v >> 12 & 63];
	if (b.n - i == 2)
		to[2] = (uint8_t)alphabet[v >> 6 & 63];
}

/* Where the first bad character is: only for the error, so it may be slow. */
static ch_err bad_character(bytes b)
{
	size_t at = 0;
	while (at < b.n && places[0][b.p[at]])
		at++;
	return ch_fail(CH_E_SYNTAX, "base64url has a character outside its alphabet", at);
}

static uint32_t group_read(const uint8_t p[static 4])
{
	return places[0][p[0]] | places[1][p[1]] | places[2][p[2]] | places[3][p[3]];
}

/* The last two or three characters; bits that no byte uses must be zero. */
static ch_err tail_read(bytes whole, size_t at, uint8_t *to)
{
	const uint8_t *p = whole.p + at;
	bool three = whole.n - at == 3;
	uint32_t v = group_read((const uint8_t[]){ p[0], p[1], three ? p[2] : 'A', 'A' });
	if ((v & GOOD) != GOOD)
		return bad_character(whole);
	if (v & (three ? 0xff : 0xffff))
		return ch_fail(CH_E_SYNTAX, "base64url ends in bits that are not zero",
			       whole.n - 1);
	to[0] = (uint8_t)(v >> 16);
	if (three)
		to[1] = (uint8_t)(v >> 8);
	return CH_DONE;
}

static ch_err read_into(bytes b, uint8_t *to)
{
	size_t i = 0;
	for (; b.n - i >= 4; i += 4, to += 3) {
		uint32_t v = group_read(b.p + i);
		if ((v & GOOD) != GOOD)
			return bad_character(b);
		to[0] = (uint8_t)(v >> 16);
		to[1] = (uint8_t)(v >> 8);
		to[2] = (uint8_t)v;
	}
	return i == b.n ? CH_DONE : tail_read(b, i, to);
}

ch_err base64url_read(str text, struct wr *w)
{
	if (text.n == 0)
		return CH_DONE;
	if (text.n % 4 == 1)
		return ch_fail(CH_E_SYNTAX, "base64url has a length that no bytes give", text.n);
	size_t before = w->n;
	uint8_t *to = wr_room(w, base64url_byte_size(text.n));
	if (!to)
		return ch_fail(CH_E_FULL, "decoded base64url does not fit", w->cap);
	ch_err e = read_into(bytes_of_str(text), to);
	if (failed(e))
		w->n = before;
	return e;
}
