/* base64url without padding. Trusts nothing about the text; must never accept two
 * texts for one value, or a token would have two spellings. */
#include "codec/base64url.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The value of a character plus one; 0: not in the alphabet. */
static const uint8_t value_of[256] = {
	['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,
	['H'] = 8,  ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14,
	['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21,
	['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28,
	['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35,
	['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
	['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49,
	['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
	['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63,
	['_'] = 64,
};

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
	while (at < b.n && value_of[b.p[at]])
		at++;
	return ch_fail(CH_E_SYNTAX, "base64url has a character outside its alphabet", at);
}

/* The last two or three characters; bits that no byte uses must be zero. */
static ch_err tail_read(bytes whole, size_t at, uint8_t *to)
{
	size_t n = whole.n - at;
	uint32_t v = 0;
	for (size_t i = 0; i < n; i++) {
		uint8_t c = value_of[whole.p[at + i]];
		if (!c)
			return bad_character(whole);
		v = v << 6 | (uint32_t)(c - 1);
	}
	if (v & (n == 2 ? 15 : 3))
		return ch_fail(CH_E_SYNTAX, "base64url ends in bits that are not zero",
			       whole.n - 1);
	to[0] = (uint8_t)(n == 2 ? v >> 4 : v >> 10);
	if (n == 3)
		to[1] = (uint8_t)(v >> 2);
	return CH_DONE;
}

static ch_err read_into(bytes b, uint8_t *to)
{
	size_t i = 0;
	for (; b.n - i >= 4; i += 4, to += 3) {
		/* 0, a character outside the alphabet, becomes more than any value */
		uint32_t c0 = value_of[b.p[i]] - 1U, c1 = value_of[b.p[i + 1]] - 1U;
		uint32_t c2 = value_of[b.p[i + 2]] - 1U, c3 = value_of[b.p[i + 3]] - 1U;
		if ((c0 | c1 | c2 | c3) > 63)
			return bad_character(b);
		uint32_t v = c0 << 18 | c1 << 12 | c2 << 6 | c3;
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
