/* The JSON parser: one pass, no recursion, no allocation; text stays in the caller's
 * buffer. Trusts nothing; must never let through what another parser might read
 * differently: a member twice, an escaped name, broken UTF-8, a lone surrogate. */
#include "codec/json.h"

#include "escape.h"
#include "utf8.h"

enum { NO_NODE = INT32_MAX };

struct parser {
	str text;
	size_t at;
	struct json_limits limits;
	struct json_node *nodes;
	size_t cap;
	uint32_t count;   /* nodes so far */
	uint32_t members; /* in all containers */
	uint32_t depth;
	uint32_t open; /* the innermost container not yet closed, or NO_NODE; while one is
			* open, its `next` holds the container around it */
};

static const struct literal {
	str text;
	enum json_type type;
} literals[] = {
	{ { "null", 4 }, JSON_NULL },
	{ { "false", 5 }, JSON_FALSE },
	{ { "true", 4 }, JSON_TRUE },
};

static bool peek(const struct parser *p, char c)
{
	return p->at < p->text.n && p->text.p[p->at] == c;
}

static bool digit_here(const struct parser *p)
{
	return p->at < p->text.n && p->text.p[p->at] >= '0' && p->text.p[p->at] <= '9';
}

static void blanks_skip(struct parser *p)
{
	while (p->at < p->text.n && str_has(LIT(" \n\r\t"), p->text.p[p->at]))
		p->at++;
}

/* Nothing above the blank is one: mostly there is none. */
static inline void skip_blank(struct parser *p)
{
	if (p->at < p->text.n && (uint8_t)p->text.p[p->at] <= ' ')
		blanks_skip(p);
}

/* Something else is here than must be. */
static ch_err unexpected(const struct parser *p)
{
	if (p->at >= p->text.n)
		return ch_fail(CH_E_TRUNCATED, "JSON ends early", p->at);
	return ch_fail(CH_E_SYNTAX, "JSON has something unexpected", p->at);
}

/* Eight characters at once: bit 7 of each byte that is not plain, exact up to and
 * including the first such byte, which is all that is asked. */
static uint64_t special_bits(uint64_t w)
{
	const uint64_t each = UINT64_MAX / 0xff;
	uint64_t quote = w ^ each * '"', backslash = w ^ each * '\\';
	uint64_t control = (w - each * ' ') & ~w;
	uint64_t found = control | ((quote - each) & ~quote) | ((backslash - each) & ~backslash);
	return (found | w) & each * 0x80;
}

static bool is_plain(char c)
{
	return c >= ' ' && c != '"' && c != '\\' && !((uint8_t)c & 0x80);
}

/* The first offset from `at` on whose character is not plain, or the end. */
static size_t plain_skip(str text, size_t at)
{
	for (; text.n - at >= 8; at += 8) {
		uint64_t special = special_bits(load_le64(text.p + at));
		if (special)
			return at + (size_t)__builtin_ctzll(special) / 8;
	}
	while (at < text.n && is_plain(text.p[at]))
		at++;
	return at;
}

/* What is not plain: an escape, or a character of several bytes. 0: neither. */
static size_t special_size(const struct parser *p)
{
	uint32_t point = 0;
	if ((uint8_t)p->text.p[p->at] < ' ')
		return 0;
	if (p->text.p[p->at] == '\\')
		return escape_read(str_sub(p->text, p->at, ESCAPE_MAX), &point);
	return utf8_size(p->text, p->at);
}

/* The rest of a string from its first character that is not plain, to the closing quote. */
static ch_err string_finish(struct parser *p, bool *ret_escaped)
{
	bool escaped = false;
	for (;;) {
		size_t at = p->at = plain_skip(p->text, p->at);
		if (at >= p->text.n)
			return unexpected(p);
		if (p->text.p[at] == '"')
			break;
		size_t step = special_size(p);
		if (!step)
			return ch_fail(CH_E_SYNTAX,
				       "JSON string has a control byte, a bad escape or bad UTF-8",
				       at);
		escaped |= p->text.p[at] == '\\';
		p->at += step;
	}
	*ret_escaped = escaped;
	return CH_DONE;
}

/* From behind the opening quote to behind the closing one; mostly all of it is plain. */
static inline ch_err string_skip(struct parser *p, str *ret_raw, bool *ret_escaped)
{
	size_t from = p->at;
	*ret_escaped = false;
	p->at = plain_skip(p->text, from);
	if (!peek(p, '"'))
		TRY(string_finish(p, ret_escaped));
	*ret_raw = (str){ p->text.p + from, p->at - from };
	p->at++;
	return CH_DONE;
}

/* Has an earlier member of the open object this name? The object's own number is not in use:
 * it holds a bit for some of each name seen, so that most names need not be looked for. */
static bool name_taken(struct parser *p, const struct json_name *name)
{
	struct json_node *o = &p->nodes[p->open];
	uint64_t mixed = (name->head + name->name.n) * UINT64_C(0x9e3779b97f4a7c15);
	uint64_t bit = UINT64_C(1) << (mixed >> 58);
	bool maybe = (uint64_t)o->number & bit;
	o->number = (int64_t)((uint64_t)o->number | bit);
	const struct json_node *m = o + 1;
	for (uint32_t i = 0; maybe && i < o->count; i++, m += m->next)
		if (json_is_named(m, name))
			return true;
	return false;
}

static ch_err name_read(struct parser *p, struct json_name *ret_name)
{
	skip_blank(p);
	size_t at = p->at;
	bool escaped = false;
	struct json_name name = { { NULL, 0 }, 0 };
	if (!peek(p, '"'))
		return unexpected(p);
	p->at++;
	TRY(string_skip(p, &name.name, &escaped));
	if (escaped)
		return ch_fail(CH_E_SYNTAX, "JSON member name has an escape", at);
	name.head = str_head(name.name);
	if (name_taken(p, &name))
		return ch_fail(CH_E_DUPLICATE, "JSON member occurs twice", at);
	skip_blank(p);
	if (!peek(p, ':'))
		return unexpected(p);
	p->at++;
	*ret_name = name;
	return CH_DONE;
}

static ch_err digits_skip(struct parser *p)
{
	if (!digit_here(p))
		return unexpected(p);
	while (digit_here(p))
		p->at++;
	return CH_DONE;
}

/* The digits of an integer: does it fit int64_t? */
static bool int_of(str digits, int64_t *ret_v)
{
	bool minus = str_starts(digits, LIT("-"));
	uint64_t v = 0;
	if (!str_to_u64(str_sub(digits, minus, digits.n), (uint64_t)INT64_MAX + minus, &v))
		return false;
	*ret_v = (int64_t)(minus ? 0 - v : v);
	return true;
}

static ch_err number_finish(struct parser *p, struct json_node *n)
{
	size_t from = p->at;
	bool whole = true;
	if (peek(p, '-'))
		p->at++;
	if (peek(p, '0'))
		p->at++;
	else
		TRY(digits_skip(p));
	if (peek(p, '.')) {
		whole = false;
		p->at++;
		TRY(digits_skip(p));
	}
	if (peek(p, 'e') || peek(p, 'E')) {
		whole = false;
		p->at++;
		if (peek(p, '+') || peek(p, '-'))
			p->at++;
		TRY(digits_skip(p));
	}
	n->text = (str){ p->text.p + from, p->at - from };
	n->type = whole && int_of(n->text, &n->number) ? JSON_INT : JSON_NUMBER;
	return CH_DONE;
}

/* Times and counts go this way: 1 to 18 digits, the first not 0, and a comma or a brace. */
static ch_err number_read(struct parser *p, struct json_node *n)
{
	str t = str_sub(p->text, p->at, 19);
	uint64_t v = 0; /* has room for the 19 that are looked at */
	size_t i = 0;
	for (; i < t.n && t.p[i] >= '0' && t.p[i] <= '9'; i++)
		v = v * 10 + (uint64_t)(t.p[i] - '0');
	if (i == 0 || i >= t.n || t.p[0] == '0' || (t.p[i] != ',' && t.p[i] != '}'))
		return number_finish(p, n);
	n->text = (str){ t.p, i };
	n->type = JSON_INT;
	n->number = (int64_t)v;
	p->at += i;
	return CH_DONE;
}

static ch_err literal_read(struct parser *p, struct json_node *n)
{
	for (size_t i = 0; i < COUNT_OF(literals); i++) {
		str here = str_sub(p->text, p->at, literals[i].text.n);
		if (!str_eq(here, literals[i].text))
			continue;
		n->type = literals[i].type;
		n->text = here;
		p->at += here.n;
		return CH_DONE;
	}
	return unexpected(p);
}

static ch_err scalar_read(struct parser *p, struct json_node *n)
{
	if (peek(p, '"')) {
		p->at++;
		n->type = JSON_STRING;
		return string_skip(p, &n->text, &n->escaped);
	}
	if (peek(p, '-') || digit_here(p))
		return number_read(p, n);
	return literal_read(p, n);
}

/* Counts the child in its parent and gives it a node. */
static ch_err node_new(struct parser *p, const struct json_name *name, struct json_node **ret_n)
{
	if (p->open != NO_NODE && ++p->members > p->limits.members)
		return ch_fail(CH_E_LIMIT, "JSON has too many members", p->limits.members);
	if (p->count >= p->cap || p->count >= NO_NODE)
		return ch_fail(CH_E_FULL, "JSON does not fit its nodes", p->cap);
	if (p->open != NO_NODE)
		p->nodes[p->open].count++;
	struct json_node *n = &p->nodes[p->count++];
	*n = (struct json_node){ .next = 1, .name = name->name, .head = name->head };
	*ret_n = n;
	return CH_DONE;
}

static ch_err container_open(struct parser *p, struct json_node *n)
{
	if (++p->depth > p->limits.depth)
		return ch_fail(CH_E_LIMIT, "JSON is nested too deep", p->limits.depth);
	n->type = peek(p, '{') ? JSON_OBJECT : JSON_ARRAY;
	n->text = (str){ p->text.p + p->at, 0 };
	n->next = p->open;
	p->open = (uint32_t)(n - p->nodes);
	p->at++;
	skip_blank(p);
	return CH_DONE;
}

static char closer(const struct parser *p)
{
	return p->nodes[p->open].type == JSON_OBJECT ? '}' : ']';
}

static void container_close(struct parser *p)
{
	struct json_node *n = &p->nodes[p->open];
	p->at++;
	n->text.n = (size_t)(p->text.p + p->at - n->text.p);
	uint32_t around = n->next;
	n->next = p->count - p->open;
	p->open = around;
	p->depth--;
}

/* One value; of a container that is not empty, down to its first scalar. */
static ch_err value_read(struct parser *p)
{
	for (;;) {
		struct json_name name = { { NULL, 0 }, 0 };
		struct json_node *n = NULL;
		if (p->open != NO_NODE && p->nodes[p->open].type == JSON_OBJECT)
			TRY(name_read(p, &name));
		skip_blank(p);
		TRY(node_new(p, &name, &n));
		if (!peek(p, '{') && !peek(p, '['))
			return scalar_read(p, n);
		TRY(container_open(p, n));
		if (peek(p, closer(p)))
			return CH_DONE;
	}
}

/* Behind a value: closes what ends here; a comma announces the next value. */
static ch_err value_end(struct parser *p, bool *ret_whole)
{
	while (p->open != NO_NODE) {
		skip_blank(p);
		if (peek(p, ',')) {
			p->at++;
			return CH_DONE;
		}
		if (!peek(p, closer(p)))
			return unexpected(p);
		container_close(p);
	}
	*ret_whole = true;
	return CH_DONE;
}

ch_err json_parse(bytes text, struct json_limits limits, struct json_node *nodes, size_t cap,
		  size_t *ret_count)
{
	struct parser p = {
		.text = str_of_bytes(text),
		.limits = limits,
		.nodes = nodes,
		.cap = cap,
		.open = NO_NODE,
	};
	bool whole = false;
	while (!whole) {
		TRY(value_read(&p));
		TRY(value_end(&p, &whole));
	}
	skip_blank(&p);
	if (p.at != text.n)
		return ch_fail(CH_E_TRAILING, "JSON has something after its end", p.at);
	*ret_count = p.count;
	return CH_DONE;
}

ch_err json_to_int(const struct json_node *n, int64_t *ret_v)
{
	if (n->type != JSON_INT)
		return ch_fail(CH_E_SYNTAX, "is no integer", n->text.n);
	*ret_v = n->number;
	return CH_DONE;
}
