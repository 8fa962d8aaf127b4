/* Rows of the store by a table of their attributes. It trusts the table, and neither options
 * nor JSON: what a text may hold is for the store to say. Hashes leave it only when asked. */
#include "attrs.h"

#include <stdio.h>

#include "codec/base64url.h"

static const void *part(const struct attr *at, const void *row)
{
	return (const uint8_t *)row + at->at;
}

static void *place(const struct attr *at, void *row)
{
	return (uint8_t *)row + at->at;
}

str attrs_text(const struct attr *at, const void *row)
{
	return *(const str *)part(at, row);
}

bool *attrs_flag(const struct attr *at, void *row)
{
	return place(at, row);
}

static bytes hash_of(const struct attr *at, const void *row)
{
	return *(const bytes *)part(at, row);
}

static bool is_set(const struct attr *at, const void *row)
{
	return at->kind == ATTR_HASH ? hash_of(at, row).n > 0 : attrs_text(at, row).n > 0;
}

static void put_value(struct json_out *o, const struct attr *at, const void *row)
{
	char room[64];
	struct wr w = wr_of(room, sizeof(room));
	str list = { 0 };
	switch (at->kind) {
	case ATTR_TEXT:
	case ATTR_LOWER:
	case ATTR_WORDS:
		json_put_str(o, at->name, attrs_text(at, row));
		return;
	case ATTR_JSON:
		if (attrs_text(at, row).n > 0)
			json_put_raw(o, at->name, attrs_text(at, row));
		return;
	case ATTR_FLAG:
		json_put_bool(o, at->name, *(const bool *)part(at, row));
		return;
	case ATTR_HASH:
		base64url_write(&w, hash_of(at, row));
		json_put_str(o, at->name, wr_text(&w));
		return;
	case ATTR_LIST:
		list = attrs_text(at, row);
		json_begin(o, at->name, '[');
		while (list.n > 0)
			json_put_str(o, (str){ 0 }, list_cut(&list));
		json_finish(o, ']');
		return;
	}
}

void attrs_json(struct json_out *o, const struct attrs *r, const void *row, bool hashes)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct attr *at = &r->attrs[i];
		if (at->told_as.n > 0)
			json_put_bool(o, at->told_as, is_set(at, row));
		if (at->told_as.n == 0 || hashes)
			put_value(o, at, row);
	}
}

void attrs_print(const struct attrs *r, const void *row)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct attr *at = &r->attrs[i];
		bool told = at->told_as.n > 0;
		bool flag = told ? is_set(at, row)
				 : at->kind == ATTR_FLAG && *(const bool *)part(at, row);
		str name = told ? at->told_as : at->name;
		str text = told || at->kind == ATTR_FLAG ? (flag ? LIT("yes") : LIT("no"))
							 : attrs_text(at, row);
		(void)printf("%.*s: %.*s\n", (int)name.n, name.p, (int)text.n, text.p);
	}
}

static bool signed_item(str item, char sign)
{
	return item.n > 1 && item.p[0] == sign;
}

static bool all_signed(str items)
{
	while (items.n > 0) {
		str one = list_cut(&items);
		if (!signed_item(one, '+') && !signed_item(one, '-'))
			return false;
	}
	return true;
}

static bool taken_out(str items, str item)
{
	while (items.n > 0) {
		str one = list_cut(&items);
		if (signed_item(one, '-') && str_eq(str_sub(one, 1, one.n), item))
			return true;
	}
	return false;
}

static ch_err list_edit(str old, str items, struct arena *a, str *ret_list)
{
	char room[STORE_LIST_MAX];
	struct wr w = wr_of(room, sizeof(room));
	str left = all_signed(items) ? old : (str){ 0 };
	while (left.n > 0) {
		str one = list_cut(&left);
		if (!taken_out(items, one))
			list_put(&w, one);
	}
	for (left = items; left.n > 0;) {
		str one = list_cut(&left);
		if (!signed_item(one, '-'))
			list_put(&w, signed_item(one, '+') ? str_sub(one, 1, one.n) : one);
	}
	TRY(wr_done(&w));
	return arena_str(a, wr_text(&w), ret_list);
}

static ch_err lowered(str text, struct arena *a, str *ret_text)
{
	char room[STORE_NAME_MAX];
	struct wr w = wr_of(room, sizeof(room));
	for (size_t i = 0; i < text.n; i++)
		wr_char(&w, text.p[i] >= 'A' && text.p[i] <= 'Z' ? (char)(text.p[i] | 0x20)
								 : text.p[i]);
	TRY(wr_done(&w));
	return arena_str(a, wr_text(&w), ret_text);
}

ch_err attrs_apply(const struct attrs *r, const struct given *given, struct arena *a, void *row)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct attr *at = &r->attrs[i];
		if (given[i].text && at->kind == ATTR_FLAG)
			*(bool *)place(at, row) = str_eq(str_from_c(given[i].text), LIT("yes"));
		else if (given[i].text && at->kind == ATTR_LOWER)
			TRY(lowered(str_from_c(given[i].text), a, place(at, row)));
		else if (given[i].text)
			*(str *)place(at, row) = str_from_c(given[i].text);
		else if (given[i].list.n > 0)
			TRY(list_edit(attrs_text(at, row), wr_text(&given[i].list), a,
				      place(at, row)));
	}
	return CH_DONE;
}

static bool same(const struct attr *at, const void *a, const void *b)
{
	if (at->kind == ATTR_FLAG)
		return *(const bool *)part(at, a) == *(const bool *)part(at, b);
	if (at->kind == ATTR_HASH)
		return bytes_eq(hash_of(at, a), hash_of(at, b));
	return str_eq(attrs_text(at, a), attrs_text(at, b));
}

uint32_t attrs_diff(const struct attrs *r, const void *a, const void *b)
{
	uint32_t differ = 0;
	for (size_t i = 0; i < r->n; i++)
		if (!same(&r->attrs[i], a, b))
			differ |= (uint32_t)1 << i;
	return differ;
}

static ch_err read_list(const struct json_node *v, struct arena *a, str *ret_list)
{
	char room[STORE_LIST_MAX];
	struct wr w = wr_of(room, sizeof(room));
	if (v->type != JSON_ARRAY)
		return ch_fail(CH_E_SYNTAX, "is no list", 0);
	for (const struct json_node *n = json_first(v); n; n = json_next(v, n)) {
		str item = { 0 };
		TRY(json_to_str(n, a, &item));
		if (item.n == 0 || str_has(item, ' '))
			return ch_fail(CH_E_SYNTAX, "an item is empty or has blanks", item.n);
		list_put(&w, item);
	}
	TRY(wr_done(&w));
	return arena_str(a, wr_text(&w), ret_list);
}

static ch_err read_hash(const struct json_node *v, struct arena *a, bytes *ret_hash)
{
	str text = { 0 };
	char room[STORE_HASH_SIZE + 8];
	struct wr w = wr_of(room, sizeof(room));
	TRY(json_to_str(v, a, &text));
	TRY(base64url_read(text, &w));
	if (w.n != 0 && w.n != STORE_HASH_SIZE)
		return ch_fail(CH_E_RANGE, "a hash of another size", w.n);
	TRY(arena_str(a, wr_text(&w), &text));
	*ret_hash = bytes_of_str(text);
	return CH_DONE;
}

void json_squeeze(struct wr *w, str text)
{
	bool quoted = false;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (!quoted && str_has(LIT(" \t\r\n"), c))
			continue;
		wr_char(w, c);
		if (c == '"')
			quoted = !quoted;
		else if (quoted && c == '\\' && i + 1 < text.n)
			wr_char(w, text.p[++i]);
	}
}

static ch_err read_json(const struct json_node *v, struct arena *a, str *ret_text)
{
	static char room[STORE_JWKS_MAX];
	struct wr w = wr_of(room, sizeof(room));
	if (v->type != JSON_OBJECT)
		return ch_fail(CH_E_SYNTAX, "is no object", 0);
	json_squeeze(&w, v->text);
	TRY(wr_done(&w));
	return arena_str(a, wr_text(&w), ret_text);
}

static ch_err read_value(const struct attr *at, const struct json_node *v, struct arena *a,
			 void *row)
{
	str text = { 0 };
	switch (at->kind) {
	case ATTR_LOWER:
		TRY(json_to_str(v, a, &text));
		return lowered(text, a, place(at, row));
	case ATTR_TEXT:
	case ATTR_WORDS:
		return json_to_str(v, a, place(at, row));
	case ATTR_JSON:
		return read_json(v, a, place(at, row));
	case ATTR_LIST:
		return read_list(v, a, place(at, row));
	case ATTR_HASH:
		return read_hash(v, a, place(at, row));
	case ATTR_FLAG:
		if (v->type != JSON_TRUE && v->type != JSON_FALSE)
			return ch_fail(CH_E_SYNTAX, "is neither true nor false", 0);
		*(bool *)place(at, row) = v->type == JSON_TRUE;
		return CH_DONE;
	}
	return ch_fail(CH_E_INTERNAL, "an attribute of no kind", at->kind);
}

bool attrs_read(const struct attrs *r, const struct json_node *object, struct arena *a, void *row,
		str *ret_bad)
{
	for (const struct json_node *m = json_first(object); m; m = json_next(object, m)) {
		bool known = false;
		ch_err e = CH_DONE;
		for (size_t i = 0; i < r->n && !known; i++) {
			known = str_eq(m->name, r->attrs[i].name);
			if (known)
				e = read_value(&r->attrs[i], m, a, row);
			/* what follows from the rest */
			known = known || str_eq(m->name, r->attrs[i].told_as);
		}
		if (!known || failed(e)) {
			*ret_bad = m->name;
			return false;
		}
	}
	return true;
}
