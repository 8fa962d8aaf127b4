/* base64 with padding. Trusts nothing about the text; must never accept two texts for one
 * value, or a signed note would have two spellings. */
#include "codec/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_text_size(size_t n)
{
	return (n / 3 + (n % 3 != 0)) * 4;
}

void base64_write(struct wr *w, bytes b)
{
	uint8_t *to = wr_room(w, base64_text_size(b.n));
	if (!to)
		return;
	for (size_t i = 0; i < b.n; i += 3, to += 4) {
		size_t n = b.n - i < 3 ? b.n - i : 3;
		uint32_t v = (uint32_t)b.p[i] << 16;
		v |= n > 1 ? (uint32_t)b.p[i + 1] << 8 : 0;
		v |= n > 2 ? b.p[i + 2] : 0;
		to[0] = (uint8_t)alphabet[v >> 18];
		to[1] = (uint8_t)alphabet[v >> 12 & 63];
		to[2] = n > 1 ? (uint8_t)alphabet[v >> 6 & 63] : '=';
		to[3] = n > 2 ? (uint8_t)alphabet[v & 63] : '=';
	}
}

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters, of which the first n + 1 stand for n bytes. -1: one is not of the alphabet. */
static int64_t group_of(const char *p, size_t n)
{
	int64_t v = 0;
	for (size_t i = 0; i <= n; i++) {
		int one = value_of(p[i]);
		if (one < 0)
			return -1;
		v |= (int64_t)one << (18 - 6 * i);
	}
	return v;
}

/* How many bytes the group at p stands for, by its padding; only the last may have any. */
static size_t bytes_in(const char *p, bool last)
{
	if (!last || p[3] != '=')
		return 3;
	return p[2] == '=' ? 1 : 2;
}

/* Where the text is bad, or its size; to is written unless it is NULL. */
static size_t read_into(str text, uint8_t *to)
{
	for (size_t i = 0; i < text.n; i += 4) {
		size_t n = bytes_in(text.p + i, text.n - i == 4);
		int64_t v = group_of(text.p + i, n);
		if (v < 0 || (v & (0xffffff >> 8 * n)) != 0)
			return i;
		for (size_t k = 0; to && k < n; k++)
			*to++ = (uint8_t)(v >> (16 - 8 * k));
	}
	return text.n;
}

static size_t byte_size(str text)
{
	if (text.n == 0)
		return 0;
	return text.n / 4 * 3 - 3 + bytes_in(text.p + text.n - 4, true);
}

bool base64_ok(str text, size_t *ret_n)
{
	if (text.n % 4 != 0 || read_into(text, NULL) != text.n)
		return false;
	*ret_n = byte_size(text);
	return true;
}

ch_err base64_read(str text, struct wr *w)
{
	size_t before = w->n;
	if (text.n % 4 != 0)
		return ch_fail(CH_E_SYNTAX, "base64 has a length that no bytes give", text.n);
	if (text.n == 0)
		return CH_DONE;
	uint8_t *to = wr_room(w, byte_size(text));
	if (!to)
		return ch_fail(CH_E_FULL, "decoded base64 does not fit", w->cap);
	size_t at = read_into(text, to);
	if (at == text.n)
		return CH_DONE;
	w->n = before;
	return ch_fail(CH_E_SYNTAX, "base64 is not well formed", at);
}
