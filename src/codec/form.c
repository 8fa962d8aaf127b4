/* Forms and percent escapes, in and out. A field that two readers could understand
 * differently is refused: given twice, a broken escape, NUL, bad UTF-8. */
#include "codec/form.h"

#include "codec/json.h"

static bool hex_value(char c, uint8_t *ret_v)
{
	char low = (char)(c | 0x20);
	if (c >= '0' && c <= '9')
		*ret_v = (uint8_t)(c - '0');
	else if (low >= 'a' && low <= 'f')
		*ret_v = (uint8_t)(low - 'a' + 10);
	else
		return false;
	return true;
}

static bool escape_value(str s, size_t at, char *ret_c)
{
	uint8_t high = 0, low = 0;
	if (s.n - at < 3 || !hex_value(s.p[at + 1], &high) || !hex_value(s.p[at + 2], &low))
		return false;
	*ret_c = (char)(high << 4 | low);
	return true;
}

ch_err url_decode(str s, bool plus, struct arena *a, str *ret_s)
{
	char *plain = arena_alloc(a, s.n);
	if (!plain)
		return ch_fail(CH_E_LIMIT, "request needs more memory than it may have", a->cap);
	size_t n = 0;
	for (size_t at = 0; at < s.n; at++) {
		char c = s.p[at];
		if (c == '%') {
			if (!escape_value(s, at, &c))
				return ch_fail(CH_E_SYNTAX, "percent escape is broken", at);
			at += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		if (!c)
			return ch_fail(CH_E_SYNTAX, "text has a NUL", at);
		plain[n++] = c;
	}
	if (!utf8_ok((str){ plain, n }))
		return ch_fail(CH_E_SYNTAX, "text is not UTF-8", 0);
	*ret_s = (str){ plain, n };
	return CH_DONE;
}

static const struct form_field *field_of(const struct form *f, str name)
{
	for (size_t i = 0; i < f->n; i++)
		if (str_eq(f->fields[i].name, name))
			return &f->fields[i];
	return NULL;
}

static ch_err field_read(str text, struct arena *a, struct form *f)
{
	struct form_field field = { { NULL, 0 }, { NULL, 0 } };
	str name = str_cut(&text, '=');
	if (!name.n)
		return ch_fail(CH_E_SYNTAX, "form field has no name", 0);
	TRY(url_decode(name, true, a, &field.name));
	TRY(url_decode(text, true, a, &field.value));
	if (field_of(f, field.name))
		return ch_fail(CH_E_DUPLICATE, "form field occurs twice", 0);
	if (f->n >= FORM_FIELDS_MAX)
		return ch_fail(CH_E_LIMIT, "form has too many fields", FORM_FIELDS_MAX);
	f->fields[f->n++] = field;
	return CH_DONE;
}

/* The encoded form is visible ASCII whatever it carries (URL Standard section 5.2). */
static ch_err raw_check(str body)
{
	for (size_t at = 0; at < body.n; at++)
		if (body.p[at] <= ' ' || body.p[at] > '~')
			return ch_fail(CH_E_SYNTAX, "form has a byte that must be escaped", at);
	return CH_DONE;
}

ch_err form_parse(str body, struct arena *a, struct form *ret_form)
{
	struct form f = { .n = 0 };
	TRY(raw_check(body));
	str rest = body;
	while (rest.n) {
		size_t at = body.n - rest.n;
		str field = str_cut(&rest, '&');
		if (!field.n)
			continue;
		ch_err e = field_read(field, a, &f);
		if (failed(e)) {
			if (ch_code_of(e) != CH_E_LIMIT)
				e.detail += at;
			return e;
		}
	}
	*ret_form = f;
	return CH_DONE;
}

str form_get(const struct form *f, str name)
{
	const struct form_field *field = field_of(f, name);
	return field && field->value.n ? field->value : (str){ NULL, 0 };
}

static bool unreserved(char c)
{
	char low = (char)(c | 0x20);
	return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || str_has(LIT("-._~"), c);
}

void url_write_encoded(struct wr *w, str s)
{
	static const char hex[] = "0123456789ABCDEF";
	for (size_t i = 0; i < s.n; i++) {
		uint8_t byte = (uint8_t)s.p[i];
		if (unreserved(s.p[i])) {
			wr_char(w, s.p[i]);
			continue;
		}
		wr_char(w, '%');
		wr_char(w, hex[byte >> 4]);
		wr_char(w, hex[byte & 15]);
	}
}

void form_write(struct wr *w, str name, str value)
{
	str so_far = wr_text(w);
	if (so_far.n && !str_ends(so_far, LIT("?")))
		wr_char(w, '&');
	url_write_encoded(w, name);
	wr_char(w, '=');
	url_write_encoded(w, value);
}

static const struct entity {
	char c;
	str text;
} entities[] = {
	{ '&', { "&amp;", 5 } },  { '<', { "&lt;", 4 } },   { '>', { "&gt;", 4 } },
	{ '"', { "&quot;", 6 } }, { '\'', { "&#39;", 5 } },
};

void html_write(struct wr *w, str s)
{
	for (size_t i = 0; i < s.n; i++) {
		str text = { s.p + i, 1 };
		for (size_t k = 0; k < COUNT_OF(entities); k++)
			if (s.p[i] == entities[k].c)
				text = entities[k].text;
		wr_str(w, text);
	}
}
