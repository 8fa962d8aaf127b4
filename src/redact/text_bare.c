/* Private keys in base64 that no PEM stands around: members of JSON, lines of configuration, a PEM
 * whose head was overwritten. The match ends 24 characters behind the first byte of the DER, which
 * says how long it is; what stands there may be anything, and is masked only where it is a key,
 * whole or cut. */
#include "codec/der.h"
#include "text_internal.h"

static bool is_digit(uint8_t c)
{
	return c != '=' && (text_is(c, AL_BASE64) || c == '-' || c == '_');
}

/* Behind the end of a line and what the next one is indented by; `at`: there is none. */
static size_t skip_line_end(bytes v, size_t at)
{
	size_t i = at;
	for (; i < v.n; i++) {
		uint8_t c = v.p[i];
		if (c == '\\' && i + 1 < v.n && (v.p[i + 1] == 'n' || v.p[i + 1] == 'r'))
			i++;
		else if (c != '\r' && c != '\n' && (i == at || (c != ' ' && c != '\t')))
			break;
	}
	return i;
}

size_t text_base64_end(struct text_job *j, size_t from, size_t n)
{
	bytes v = j->v;
	size_t at = from, end = from, left = (n * 8 + 5) / 6;
	while (left && at < v.n) {
		if (is_digit(v.p[at])) {
			end = ++at;
			left--;
			continue;
		}
		size_t next = skip_line_end(v, at);
		if (next == at)
			break;
		at = next;
	}
	j->work += at - from;
	if (left && at < v.n)
		return end;
	size_t padding = left ? 0 : (3 - n % 3) % 3;
	for (; padding && end < v.n && v.p[end] == '='; padding--)
		end++;
	j->open = j->open || left || (padding && end == v.n);
	return end;
}

size_t text_base64_lines_end(struct text_job *j, size_t from)
{
	bool open = j->open;
	size_t to = text_base64_end(j, from, TEXT_DER_MAX);
	j->open = open || to == j->v.n;
	return to;
}

/* Of a key that is cut so much is there that it is told from a text about keys. */
static ch_err cut(struct text_job *j, bytes in)
{
	enum { CUT_MIN = 24 };
	return in.n < CUT_MIN ? ch_fail(CH_E_SYNTAX, "no private key", in.n) : key_cut(j, in);
}

/* What the first bytes say: the DER's size. 0: none. */
static size_t size_of(struct text_job *j, size_t from)
{
	uint8_t first[8];
	size_t header = 0, size = 0;
	size_t n = text_unbase64((bytes){ j->v.p + from, j->at - from }, first, sizeof(first));
	if (failed(der_measure((bytes){ first, n }, &header, &size)) || size > TEXT_DER_MAX)
		return 0;
	return size;
}

ch_err check_bare(struct text_job *j)
{
	NOT_ZEROED uint8_t der[TEXT_DER_MAX];
	size_t from = j->at - j->row->back, size = size_of(j, from), whole = 0;
	if (!size)
		return CH_DONE;
	size_t to = text_base64_end(j, from, size);
	size_t n = text_unbase64((bytes){ j->v.p + from, to - from }, der, size);
	bytes in = { der, n };
	ch_err e = n == size ? key_any(j, in, &whole) : cut(j, in);
	if (!failed(e))
		e = text_value(j, j->kind, false, in);
	mem_wipe(der, sizeof(der));
	if (failed(e))
		return text_no(e) ? CH_DONE : e;
	TRY(text_secret(j, from, to, TEXT_HERE));
	return j->sink->value ? text_lines(j, from, to) : CH_DONE;
}
