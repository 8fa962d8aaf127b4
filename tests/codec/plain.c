/* Decoders written from the RFCs, character by character and recursively. Nothing here is
 * shared with src/codec, so that both must make the same mistake for it to go unseen. */
#include "plain.h"

#include <string.h>

enum { NAMES = 256 };

static int value_of(char c)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *at = c ? strchr(alphabet, c) : NULL;
	return at ? (int)(at - alphabet) : -1;
}

bool plain_base64url(str text, uint8_t *ret_bytes, size_t *ret_n)
{
	unsigned bits = 0, have = 0;
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++) {
		int v = value_of(text.p[i]);
		if (v < 0)
			return false;
		bits = (bits << 6 | (unsigned)v) & 0xffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			ret_bytes[n++] = (uint8_t)(bits >> have);
		}
	}
	*ret_n = n;
	return have < 6 && (bits & ((1U << have) - 1)) == 0;
}

struct plain {
	const char *p, *end;
	struct json_limits left;
};

static bool value(struct plain *s);

static bool take(struct plain *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

static void blanks(struct plain *s)
{
	while (take(s, ' ') || take(s, '\t') || take(s, '\n') || take(s, '\r'))
		;
}

static bool hex4(struct plain *s, unsigned *ret_v)
{
	unsigned v = 0;
	for (size_t i = 0; i < 4; i++, s->p++) {
		static const char digits[] = "0123456789abcdef0123456789ABCDEF";
		const char *at = s->p < s->end && *s->p ? strchr(digits, *s->p) : NULL;
		if (!at)
			return false;
		v = v << 4 | (unsigned)((at - digits) & 15);
	}
	*ret_v = v;
	return true;
}

static bool escape(struct plain *s)
{
	unsigned high = 0, low = 0;
	if (s->p == s->end)
		return false;
	char c = *s->p++;
	if (c != 'u')
		return c && strchr("\"\\/bfnrt", c);
	if (!hex4(s, &high))
		return false;
	if (high < 0xd800 || high > 0xdfff)
		return true;
	return high < 0xdc00 && take(s, '\\') && take(s, 'u') && hex4(s, &low) && low >= 0xdc00 &&
	       low <= 0xdfff;
}

/* One character of several bytes, decoded, then looked at. */
static bool utf8(struct plain *s)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t lead = (uint8_t)*s->p++;
	size_t n = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
	uint32_t point = lead & (0x7fU >> n);
	if (lead < 0xc0 || lead > 0xf7)
		return false;
	for (size_t i = 1; i < n; i++, s->p++) {
		if (s->p == s->end || ((uint8_t)*s->p & 0xc0) != 0x80)
			return false;
		point = point << 6 | ((uint8_t)*s->p & 0x3f);
	}
	return point >= least[n] && point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff);
}

static bool string(struct plain *s, str *ret_raw, bool *ret_escaped)
{
	const char *from = s->p + 1;
	bool escaped = false, good = take(s, '"');
	while (good && s->p < s->end && *s->p != '"') {
		uint8_t c = (uint8_t)*s->p;
		if (c == '\\') {
			escaped = true;
			s->p++;
			good = escape(s);
		} else if (c >= 0x80) {
			good = utf8(s);
		} else {
			good = c >= 0x20;
			s->p++;
		}
	}
	*ret_raw = (str){ from, (size_t)(s->p - from) };
	*ret_escaped = escaped;
	return good && take(s, '"');
}

static bool digits(struct plain *s)
{
	const char *from = s->p;
	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return s->p > from;
}

static bool number(struct plain *s)
{
	(void)take(s, '-');
	if (!take(s, '0') && !digits(s))
		return false;
	if (take(s, '.') && !digits(s))
		return false;
	if (!take(s, 'e') && !take(s, 'E'))
		return true;
	if (!take(s, '+'))
		(void)take(s, '-');
	return digits(s);
}

static bool word(struct plain *s, const char *w)
{
	size_t n = strlen(w);
	if ((size_t)(s->end - s->p) < n || memcmp(s->p, w, n) != 0)
		return false;
	s->p += n;
	return true;
}

static bool member(struct plain *s, str *names, size_t *n)
{
	bool escaped = false;
	blanks(s);
	if (*n == NAMES || !string(s, &names[*n], &escaped) || escaped)
		return false;
	for (size_t i = 0; i < *n; i++)
		if (names[i].n == names[*n].n && memcmp(names[i].p, names[*n].p, names[i].n) == 0)
			return false;
	++*n;
	blanks(s);
	return take(s, ':');
}

static bool container(struct plain *s, bool object)
{
	str names[NAMES];
	size_t n = 0;
	char close = object ? '}' : ']';
	s->p++;
	if (s->left.depth-- == 0)
		return false;
	blanks(s);
	bool more = !take(s, close);
	while (more) {
		if ((object && !member(s, names, &n)) || s->left.members-- == 0 || !value(s))
			return false;
		blanks(s);
		more = take(s, ',');
		if (!more && !take(s, close))
			return false;
	}
	s->left.depth++;
	return true;
}

static bool value(struct plain *s)
{
	str raw;
	bool escaped;
	blanks(s);
	if (s->p == s->end)
		return false;
	if (*s->p == '{' || *s->p == '[')
		return container(s, *s->p == '{');
	if (*s->p == '"')
		return string(s, &raw, &escaped);
	return word(s, "null") || word(s, "true") || word(s, "false") || number(s);
}

bool plain_json(str text, struct json_limits limits)
{
	struct plain s = { text.p, text.p + text.n, limits };
	if (!text.n || !value(&s))
		return false;
	blanks(&s);
	return s.p == s.end;
}
