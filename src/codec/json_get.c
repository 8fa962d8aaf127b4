/* Looking into parsed JSON. The nodes were made by json_parse, so their text is
 * well formed; types and values are still the sender's. */
#include "codec/json.h"
#include "escape.h"
#include "utf8.h"

static const struct escape {
	char letter;
	char meaning;
} escapes[] = {
	{ '"', '"' },  { '\\', '\\' }, { '/', '/' },  { 'b', '\b' },
	{ 'f', '\f' }, { 'n', '\n' },  { 'r', '\r' }, { 't', '\t' },
};

static bool hex_digit(char c, uint32_t *ret_v)
{
	char low = (char)(c | 0x20);
	if (c >= '0' && c <= '9')
		*ret_v = (uint32_t)(c - '0');
	else if (low >= 'a' && low <= 'f')
		*ret_v = (uint32_t)(low - 'a' + 10);
	else
		return false;
	return true;
}

/* \uXXXX at the start of s: one UTF-16 unit. */
static bool unit_read(str s, uint32_t *ret_unit)
{
	uint32_t unit = 0;
	if (s.n < 6 || !str_starts(s, LIT("\\u")))
		return false;
	for (size_t i = 2; i < 6; i++) {
		uint32_t digit = 0;
		if (!hex_digit(s.p[i], &digit))
			return false;
		unit = unit << 4 | digit;
	}
	*ret_unit = unit;
	return true;
}

static size_t unicode_read(str s, uint32_t *ret_point)
{
	uint32_t high = 0, low = 0;
	if (!unit_read(s, &high) || (high >= 0xdc00 && high <= 0xdfff))
		return 0;
	*ret_point = high;
	if (high < 0xd800 || high > 0xdbff)
		return 6;
	if (!unit_read(str_sub(s, 6, 6), &low) || low < 0xdc00 || low > 0xdfff)
		return 0;
	*ret_point = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
	return 12;
}

size_t escape_read(str s, uint32_t *ret_point)
{
	if (s.n < 2)
		return 0;
	for (size_t i = 0; i < COUNT_OF(escapes); i++)
		if (s.p[1] == escapes[i].letter) {
			*ret_point = (uint32_t)escapes[i].meaning;
			return 2;
		}
	return unicode_read(s, ret_point);
}

const struct json_node *json_first(const struct json_node *parent)
{
	return parent->count ? parent + 1 : NULL;
}

const struct json_node *json_next(const struct json_node *parent, const struct json_node *child)
{
	const struct json_node *next = child + child->next;
	return next < parent + parent->next ? next : NULL;
}

const struct json_node *json_member(const struct json_node *obj, str name)
{
	if (!obj || obj->type != JSON_OBJECT)
		return NULL;
	const struct json_name wanted = { name, str_head(name) };
	for (const struct json_node *m = json_first(obj); m; m = json_next(obj, m))
		if (json_is_named(m, &wanted))
			return m;
	return NULL;
}

size_t json_members(const struct json_node *obj, const struct json_name *names, size_t n,
		    const struct json_node **ret_members)
{
	const struct json_node *end = obj + obj->next;
	size_t found = 0;
	for (size_t i = 0; i < n; i++)
		ret_members[i] = NULL;
	if (obj->type != JSON_OBJECT)
		return 0;
	for (const struct json_node *m = obj + 1; m < end; m += m->next) {
		size_t i = 0;
		while (i < n && !json_is_named(m, &names[i]))
			i++;
		if (i == n)
			continue;
		ret_members[i] = m;
		found++;
	}
	return found;
}

bool json_is_str(const struct json_node *n, str s)
{
	return n && n->type == JSON_STRING && !n->escaped && str_eq(n->text, s);
}

ch_err json_to_str(const struct json_node *n, struct arena *a, str *ret_s)
{
	if (n->type != JSON_STRING)
		return ch_fail(CH_E_SYNTAX, "is no string", n->type);
	if (!n->escaped) {
		*ret_s = n->text;
		return CH_DONE;
	}
	/* an escape is never shorter than what it stands for */
	char *plain = arena_alloc(a, n->text.n);
	if (!plain)
		return ch_fail(CH_E_LIMIT, "request needs more memory than it may have", a->cap);
	struct wr w = wr_of(plain, n->text.n);
	for (size_t at = 0, step = 1; at < n->text.n; at += step, step = 1) {
		if (n->text.p[at] != '\\') {
			wr_char(&w, n->text.p[at]);
			continue;
		}
		char text[4];
		uint32_t point = 0;
		step = escape_read(str_sub(n->text, at, ESCAPE_MAX), &point);
		if (!step)
			return ch_fail(CH_E_SYNTAX, "JSON string has a bad escape", at);
		wr_str(&w, (str){ text, utf8_put(point, text) });
	}
	TRY(wr_done(&w));
	*ret_s = wr_text(&w);
	return CH_DONE;
}
