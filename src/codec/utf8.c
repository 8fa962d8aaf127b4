/* UTF-8, checked. Two decoders that disagree on broken text see two tokens, so
 * broken text is refused, never mended, on the way in. */
#include "utf8.h"

#include "codec/json.h"

/* By the first byte: how long, and the range of the second (RFC 3629 section 4). */
struct lead {
	uint8_t from, to, size, low, high;
};

static const struct lead leads[] = {
	{ 0xc2, 0xdf, 2, 0x80, 0xbf }, { 0xe0, 0xe0, 3, 0xa0, 0xbf }, { 0xe1, 0xec, 3, 0x80, 0xbf },
	{ 0xed, 0xed, 3, 0x80, 0x9f }, { 0xee, 0xef, 3, 0x80, 0xbf }, { 0xf0, 0xf0, 4, 0x90, 0xbf },
	{ 0xf1, 0xf3, 4, 0x80, 0xbf }, { 0xf4, 0xf4, 4, 0x80, 0x8f },
};

static const struct lead *lead_of(uint8_t c)
{
	for (size_t i = 0; i < COUNT_OF(leads); i++)
		if (c >= leads[i].from && c <= leads[i].to)
			return &leads[i];
	return NULL;
}

size_t utf8_size(str s, size_t at)
{
	const uint8_t *p = (const uint8_t *)s.p + at;
	if (p[0] < 0x80)
		return 1;
	const struct lead *l = lead_of(p[0]);
	if (!l || l->size > s.n - at || p[1] < l->low || p[1] > l->high)
		return 0;
	for (size_t i = 2; i < l->size; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return l->size;
}

size_t utf8_put(uint32_t point, char ret_text[static 4])
{
	static const uint8_t mark[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t n = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
	for (size_t i = n; i > 1; i--, point >>= 6)
		ret_text[i - 1] = (char)(0x80 | (point & 0x3f));
	ret_text[0] = (char)(mark[n] | point);
	return n;
}

bool utf8_ok(str s)
{
	size_t step = 1;
	for (size_t at = 0; at < s.n && step; at += step)
		step = utf8_size(s, at);
	return step;
}
