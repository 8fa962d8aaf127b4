/* A tree → a struct, by a table. Every complaint says what was found, where, and what
 * belongs there. */
#include "fields_internal.h"

#include <arpa/inet.h>

#include "base/address.h"
#include "base/ck.h"
#include "base/path.h"
#include "codec/url.h"
#include "time_internal.h"
#include "wire/roles.h"

struct value {
	const struct complaint *c;
	const struct field *f;
	const struct node *n;
	uint8_t *section;
};

static void *place(const struct value *v)
{
	return v->section + v->f->at;
}

static struct wr *complain_key(const struct value *v)
{
	struct wr *w = complain(v->c, v->n->line);
	str key = v->n->key.p ? v->n->key : str_from_c(v->f->key);
	if (key.n > 0) {
		wr_str(w, key);
		wr_lit(w, ": ");
	}
	return w;
}

/* "found X; mend" for a value of another kind than the key takes. */
static ch_err wrong_type(const struct value *v, const char *mend)
{
	struct wr *w = complain_key(v);
	static const char *const found[] = { "", "a list", "a map" };
	if (v->n->kind == NODE_TEXT)
		complain_quote(w, v->n->text);
	else
		wr_str(w, str_from_c(found[v->n->kind]));
	wr_lit(w, " does not belong here; ");
	wr_str(w, str_from_c(mend));
	return ch_fail(CH_E_SYNTAX, "a value of the wrong type", v->n->line);
}

static ch_err wrong_value(const struct value *v, const char *complaint)
{
	struct wr *w = complain_key(v);
	complain_quote(w, v->n->text);
	wr_char(w, ' ');
	wr_str(w, str_from_c(complaint));
	return ch_fail(CH_E_RANGE, "a value that is not allowed", v->n->line);
}

static bool is_empty(const struct node *n)
{
	return n->plain &&
	       (n->text.n == 0 || str_eq(n->text, LIT("~")) || str_eq(n->text, LIT("null")));
}

static ch_err text_of(const struct value *v, str *ret_text)
{
	if (v->n->kind != NODE_TEXT)
		return wrong_type(v, "write one text");
	if (v->n->text.n == 0 || is_empty(v->n)) {
		wr_lit(complain_key(v), "has no value; write one behind the colon");
		return ch_fail(CH_E_SYNTAX, "a key has no value", v->n->line);
	}
	if (v->n->text.n > URL_MAX_BYTES)
		return wrong_value(v, "is too long; 256 bytes is the most");
	const char *complaint = v->f->check ? v->f->check(v->n->text) : NULL;
	if (complaint)
		return wrong_value(v, complaint);
	*ret_text = v->n->text;
	return CH_DONE;
}

static ch_err on_text(const struct value *v)
{
	str text = { 0 };
	TRY(text_of(v, &text));
	*(str *)place(v) = text;
	return CH_DONE;
}

static ch_err on_number(const struct value *v)
{
	uint64_t number = 0;
	if (v->n->kind != NODE_TEXT || !v->n->plain || !str_to_u64(v->n->text, UINT32_MAX, &number))
		return wrong_type(v, "write a whole number without quotes");
	if (number < v->f->min || number > v->f->max) {
		struct wr *w = complain_key(v);
		wr_dec(w, number);
		wr_lit(w, " is out of range; choose one from ");
		wr_dec(w, v->f->min);
		wr_lit(w, " to ");
		wr_dec(w, v->f->max);
		return ch_fail(CH_E_RANGE, "a number out of range", v->n->line);
	}
	*(uint32_t *)place(v) = (uint32_t)number;
	return CH_DONE;
}

static ch_err on_time(const struct value *v)
{
	if (v->n->kind != NODE_TEXT || !time_parse(v->n->text, place(v)))
		return wrong_type(v, "write a date like 2026-11-22T15:00:00Z, or seconds since "
				     "1970");
	return CH_DONE;
}

static ch_err on_bool(const struct value *v)
{
	bool yes = v->n->kind == NODE_TEXT && str_eq(v->n->text, LIT("true"));
	bool no = v->n->kind == NODE_TEXT && str_eq(v->n->text, LIT("false"));
	if (!v->n->plain || (!yes && !no))
		return wrong_type(v, "write true or false, without quotes");
	*(bool *)place(v) = yes;
	return CH_DONE;
}

static ch_err word_index(const struct value *v, unsigned *ret_index)
{
	str text = { 0 };
	TRY(text_of(v, &text));
	for (unsigned i = 0; v->f->words[i]; i++) {
		if (!str_eq(text, str_from_c(v->f->words[i])))
			continue;
		*ret_index = i;
		return CH_DONE;
	}
	struct wr *w = complain_key(v);
	complain_quote(w, text);
	wr_lit(w, " is not known; choose one of");
	for (unsigned i = 0; v->f->words[i]; i++) {
		wr_char(w, ' ');
		wr_str(w, str_from_c(v->f->words[i]));
	}
	return ch_fail(CH_E_RANGE, "a word that is not known", v->n->line);
}

static ch_err on_choice(const struct value *v)
{
	unsigned index = 0;
	TRY(word_index(v, &index));
	*(unsigned *)place(v) = index;
	return CH_DONE;
}

static ch_err on_word(const struct value *v)
{
	unsigned index = 0;
	TRY(word_index(v, &index));
	*(str *)place(v) = v->n->text;
	return CH_DONE;
}

static bool is_address(str host)
{
	struct in6_addr address;
	struct path text = { 0 };
	return !failed(path_of(&text, host)) && (inet_pton(AF_INET, text.p, &address) == 1 ||
						 inet_pton(AF_INET6, text.p, &address) == 1);
}

static ch_err on_listen(const struct value *v)
{
	str host = { 0 };
	uint64_t port = 0;
	TRY(text_of(v, &host));
	size_t colon = host.n;
	while (colon > 0 && host.p[colon - 1] != ':')
		colon--;
	str number = str_sub(host, colon, host.n);
	host = str_sub(host, 0, colon ? colon - 1 : 0);
	bool bracketed = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
	if (bracketed)
		host = str_sub(host, 1, host.n - 2);
	if (!is_address(host) || bracketed != str_has(host, ':') ||
	    !str_to_u64(number, 65535, &port) || port == 0)
		return wrong_value(v, "is no address and port; write like 127.0.0.1:8080 or "
				      "[::1]:8080");
	*(str *)place(v) = host;
	*(uint32_t *)(void *)(v->section + v->f->count_at) = (uint32_t)port;
	return CH_DONE;
}

/* A list or map with a fitting number of elements. */
static ch_err count_check(const struct value *v, enum node_kind kind, const char *mend)
{
	if (v->n->kind != kind)
		return wrong_type(v, mend);
	if (v->n->count >= v->f->min && v->n->count <= v->f->max)
		return CH_DONE;
	struct wr *w = complain_key(v);
	wr_lit(w, "has ");
	wr_dec(w, v->n->count);
	wr_lit(w, " elements; it takes ");
	wr_dec(w, v->f->min);
	wr_lit(w, " to ");
	wr_dec(w, v->f->max);
	return ch_fail(CH_E_RANGE, "too few or too many elements", v->n->line);
}

static ch_err on_texts(const struct value *v)
{
	str *texts = place(v);
	size_t n = 0;
	TRY(count_check(v, NODE_LIST, "write a list: [one, two]"));
	for (const struct node *item = v->n->first; item; item = item->next) {
		struct value one = { v->c, v->f, item, v->section };
		TRY(text_of(&one, &texts[n]));
		for (size_t i = 0; i < n; i++)
			if (str_eq(texts[i], texts[n])) {
				struct wr *w = complain_key(&one);
				complain_quote(w, texts[n]);
				wr_lit(w, " is in the list twice; keep one");
				return ch_fail(CH_E_DUPLICATE, "twice in a list", item->line);
			}
		n++;
	}
	*(size_t *)(void *)(v->section + v->f->count_at) = n;
	return CH_DONE;
}

static ch_err value_read(const struct value *v);

static ch_err item_read(const struct value *v, const struct node *item, uint8_t *at)
{
	const struct field *table = v->f->item;
	if (table->key[0] == 0)
		return value_read(&(struct value){ v->c, table, item, at });
	return fields_read(v->c, item, table, v->f->key, at);
}

static ch_err on_items(const struct value *v)
{
	uint8_t *at = place(v);
	for (const struct node *item = v->n->first; item; item = item->next) {
		TRY(item_read(v, item, at));
		at += v->f->item_size;
	}
	*(size_t *)(void *)(v->section + v->f->count_at) = v->n->count;
	return CH_DONE;
}

static ch_err on_list(const struct value *v)
{
	TRY(count_check(v, NODE_LIST, "write a list, each element behind a `-`"));
	return on_items(v);
}

static ch_err on_map(const struct value *v)
{
	uint8_t *at = place(v);
	TRY(count_check(v, NODE_MAP, "write a map: `name: value`, one a line"));
	for (const struct node *item = v->n->first; item; item = item->next) {
		const char *complaint = check_name(item->key);
		if (complaint) {
			struct wr *w = complain(v->c, item->line);
			complain_quote(w, item->key);
			wr_char(w, ' ');
			wr_str(w, str_from_c(complaint));
			return ch_fail(CH_E_RANGE, "a name that is not allowed", item->line);
		}
		*(str *)(void *)at = item->key;
		at += v->f->item_size;
	}
	return on_items(v);
}

static ch_err on_section(const struct value *v)
{
	return fields_read(v->c, v->n, v->f->item, v->f->key, place(v));
}

static ch_err (*const on_kind[FIELD_KIND_COUNT])(const struct value *) = {
	[FIELD_TEXT] = on_text,       [FIELD_NUMBER] = on_number, [FIELD_BOOL] = on_bool,
	[FIELD_CHOICE] = on_choice,   [FIELD_WORD] = on_word,     [FIELD_LISTEN] = on_listen,
	[FIELD_TEXTS] = on_texts,     [FIELD_LIST] = on_list,     [FIELD_MAP] = on_map,
	[FIELD_SECTION] = on_section, [FIELD_TIME] = on_time,
};

static ch_err value_read(const struct value *v)
{
	return on_kind[v->f->kind](v);
}

static const struct field *field_of(const struct field *table, str key)
{
	for (const struct field *f = table; f->key; f++)
		if (str_eq(str_from_c(f->key), key))
			return f;
	return NULL;
}

/* "realms.home", or "issuers" for an element of a list */
static void write_section(struct wr *w, const char *what, const struct node *map)
{
	wr_str(w, str_from_c(what));
	if (!map->key.p || str_eq(map->key, str_from_c(what)))
		return;
	wr_char(w, '.');
	wr_str(w, map->key);
}

static ch_err unknown_key(const struct value *v, const struct field *table, const char *what,
			  const struct node *map)
{
	const struct complaint *c = v->c;
	const struct node *n = v->n;
	struct wr *w = complain(c, n->line);
	wr_lit(w, "unknown key ");
	complain_quote(w, n->key);
	wr_lit(w, " in ");
	write_section(w, what, map);
	wr_lit(w, "; the keys here are");
	for (const struct field *f = table; f->key; f++) {
		wr_char(w, ' ');
		wr_str(w, str_from_c(f->key));
	}
	return ch_fail(CH_E_SYNTAX, "an unknown key", n->line);
}

static ch_err missing_key(const struct complaint *c, const struct node *map, const struct field *f,
			  const char *what)
{
	struct wr *w = complain(c, map->line);
	wr_lit(w, "key ");
	complain_quote(w, str_from_c(f->key));
	wr_lit(w, " is missing in ");
	write_section(w, what, map);
	wr_lit(w, "; add it");
	return ch_fail(CH_E_MISSING, "a key is missing", map->line);
}

ch_err fields_read(const struct complaint *c, const struct node *map, const struct field *table,
		   const char *what, void *section)
{
	if (map->kind != NODE_MAP)
		return wrong_type(&(struct value){ c, &(struct field){ .key = what }, map, NULL },
				  "write a map: `key: value`, one a line");
	for (const struct node *n = map->first; n; n = n->next) {
		const struct field *f = field_of(table, n->key);
		struct value v = { c, f, n, section };
		if (!f)
			return unknown_key(&v, table, what, map);
		TRY(value_read(&v));
	}
	for (const struct field *f = table; f->key; f++)
		if (!f->optional && !node_get(map, str_from_c(f->key)))
			return missing_key(c, map, f, what);
	return CH_DONE;
}

const char *check_name(str text)
{
	if (name_ok(text, NAME_MAX_BYTES))
		return NULL;
	return "is no name; use letters, digits, '.', '_' and '-', a letter or digit first, "
	       "64 at most";
}

static bool is_scheme(str s)
{
	bool ok = s.n > 0;
	for (size_t i = 0; i < s.n; i++) {
		char low = (char)(s.p[i] | 0x20);
		bool digit = (s.p[i] >= '0' && s.p[i] <= '9') || str_has(LIT("+-."), s.p[i]);
		ok = ok && ((low >= 'a' && low <= 'z') || (i > 0 && digit));
	}
	return ok;
}

/* RFC 8707 section 2: an absolute URI without fragment. */
const char *check_absolute(str text)
{
	str rest = text;
	str scheme = str_cut(&rest, ':');
	bool ok = is_scheme(scheme) && rest.n > 0;
	for (size_t i = 0; i < text.n; i++)
		ok = ok && text.p[i] > ' ' && text.p[i] < 0x7f &&
		     !str_has(LIT("#\"<>\\^`{|}"), text.p[i]);
	struct url url;
	if (ok && (str_eq_nocase(scheme, LIT("http")) || str_eq_nocase(scheme, LIT("https"))))
		ok = !failed(url_parse(text, &url));
	return ok ? NULL : "is no absolute URI without fragment; write like https://mail.example";
}

/* RFC 6749 section 3.3: scope-token. */
const char *check_scope(str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] <= ' ' || text.p[i] > '~' || text.p[i] == '"' || text.p[i] == '\\')
			return "is no scope; use visible ASCII without blank, quote and backslash";
	return text.n > NAME_MAX_BYTES ? "is too long for a scope; 64 bytes is the most" : NULL;
}

const char *check_origin(str text)
{
	struct url url;
	bool ok = !failed(url_parse(text, &url)) && url.path.n == 0 && !url.query.p &&
		  (str_eq(url.scheme, LIT("https")) || url_is_loopback(&url));
	return ok ? NULL : "is no origin; write like https://api.example, without a path";
}

const char *check_kid(str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < ' ' || text.p[i] == 0x7f)
			return "is no kid; a control byte is in it";
	return text.n > NAME_MAX_BYTES ? "is too long for a kid; 64 bytes is the most" : NULL;
}

const char *check_address(str text)
{
	struct address a;
	return address_of(text, &a) ? NULL : "is no address; write like 127.0.0.1 or '::1'";
}
