/* Writing JSON. What is written here is valid JSON whatever the values hold; the
 * caller sees to it that names are not given twice. */
#include "codec/json.h"
#include "utf8.h"

/* RFC 8785 section 3.2.2.2: these letters, else \u00xx for control characters. */
static const char short_escape[0x20] = {
	['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r',
};

static void write_escaped(struct wr *w, char c)
{
	uint8_t byte = (uint8_t)c;
	wr_char(w, '\\');
	if (byte >= 0x20) {
		wr_char(w, c);
		return;
	}
	if (short_escape[byte]) {
		wr_char(w, short_escape[byte]);
		return;
	}
	wr_lit(w, "u00");
	wr_hex(w, (bytes){ &byte, 1 });
}

/* Printable ASCII that stands for itself: almost all that is ever written here. */
static bool is_plain(char c)
{
	uint8_t byte = (uint8_t)c;
	return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

static size_t plain_run(str s, size_t at)
{
	size_t end = at;
	while (end < s.n && is_plain(s.p[end]))
		end++;
	return end - at;
}

/* One character that is not plain; returns its size. */
static size_t write_other(struct wr *w, str s, size_t at)
{
	size_t size = utf8_size(s, at);
	if (size == 1)
		write_escaped(w, s.p[at]);
	else if (size == 0)
		wr_lit(w, "\xef\xbf\xbd");
	else
		wr_str(w, (str){ s.p + at, size });
	return size ? size : 1;
}

void json_write_str(struct wr *w, str s)
{
	wr_char(w, '"');
	for (size_t at = 0; at < s.n;) {
		size_t n = plain_run(s, at);
		if (n > 0)
			wr_str(w, (str){ s.p + at, n });
		else
			n = write_other(w, s, at);
		at += n;
	}
	wr_char(w, '"');
}

struct json_out json_out_of(struct wr *w)
{
	return (struct json_out){ w, true };
}

static void lead_in(struct json_out *o, str name)
{
	if (!o->first)
		wr_char(o->w, ',');
	o->first = false;
	if (!name.p)
		return;
	json_write_str(o->w, name);
	wr_char(o->w, ':');
}

void json_put_raw(struct json_out *o, str name, str text)
{
	lead_in(o, name);
	wr_str(o->w, text);
}

void json_put_str(struct json_out *o, str name, str value)
{
	lead_in(o, name);
	json_write_str(o->w, value);
}

void json_put_int(struct json_out *o, str name, int64_t value)
{
	lead_in(o, name);
	if (value < 0)
		wr_char(o->w, '-');
	wr_dec(o->w, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void json_put_u64(struct json_out *o, str name, uint64_t value)
{
	json_put_int(o, name, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

void json_put_bool(struct json_out *o, str name, bool value)
{
	json_put_raw(o, name, value ? LIT("true") : LIT("false"));
}

void json_put_null(struct json_out *o, str name)
{
	json_put_raw(o, name, LIT("null"));
}

void json_begin(struct json_out *o, str name, char open)
{
	lead_in(o, name);
	wr_char(o->w, open);
	o->first = true;
}

void json_finish(struct json_out *o, char close)
{
	wr_char(o->w, close);
	o->first = false;
}
