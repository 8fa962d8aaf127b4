/* W3C Trace Context. What a stranger sends is 55 characters of a fixed form, or nothing:
 * it goes into log lines. */
#include "codec/trace.h"

enum { VERSION_AT = 0, ID_AT = 3, SPAN_AT = 36, FLAGS_AT = 53 };

static int digit_of(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex_take(str text, size_t at, uint8_t *ret, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int high = digit_of(text.p[at + 2 * i]), low = digit_of(text.p[at + 2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* Version 00 ends here; a later one may go on behind a dash; ff is none. */
static bool length_fits(str text, uint8_t version)
{
	if (text.n == TRACE_PARENT_TEXT)
		return version != 0xff;
	return version != 0 && version != 0xff && text.p[TRACE_PARENT_TEXT] == '-';
}

ch_err trace_read(str text, struct trace *ret_t)
{
	struct trace t = { .present = true };
	uint8_t version = 0;
	if (text.n < TRACE_PARENT_TEXT || !hex_take(text, VERSION_AT, &version, 1) ||
	    !length_fits(text, version) || text.p[ID_AT - 1] != '-' || text.p[SPAN_AT - 1] != '-' ||
	    text.p[FLAGS_AT - 1] != '-')
		return ch_fail(CH_E_SYNTAX, "this is no traceparent", text.n);
	if (!hex_take(text, ID_AT, t.id, sizeof(t.id)) ||
	    !hex_take(text, SPAN_AT, t.span, sizeof(t.span)) ||
	    !hex_take(text, FLAGS_AT, &t.flags, 1))
		return ch_fail(CH_E_SYNTAX, "a traceparent has small hex digits", text.n);
	if (bytes_are_zero(BYTES_OF(t.id)) || bytes_are_zero(BYTES_OF(t.span)))
		return ch_fail(CH_E_SYNTAX, "an id of a traceparent is not zero", 0);
	*ret_t = t;
	return CH_DONE;
}

void trace_write(struct wr *w, const struct trace *t, const uint8_t span[static TRACE_SPAN_SIZE])
{
	wr_lit(w, "00-");
	wr_hex(w, BYTES_OF(t->id));
	wr_char(w, '-');
	wr_hex(w, (bytes){ span, TRACE_SPAN_SIZE });
	wr_char(w, '-');
	wr_hex(w, (bytes){ &(uint8_t){ t->flags & 1 }, 1 });
}
