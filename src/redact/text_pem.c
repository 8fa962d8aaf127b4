/* Private keys as text and as bytes: PEM and what is like it, DER, OpenSSH's own. What is
 * found is masked whole; the numbers in it are said so that their other forms are, too. */
#include "text_internal.h"

enum { LABEL_MAX = 48, LINE_MIN = 32 };

static int digit_of(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

size_t text_unbase64(bytes text, uint8_t *to, size_t cap)
{
	size_t n = 0;
	uint32_t bits = 0, have = 0;
	for (size_t i = 0; i < text.n && n < cap; i++) {
		uint8_t c = text.p[i];
		if (c == '\\' && i + 1 < text.n) {
			i++; /* \n or \r of JSON and C */
			continue;
		}
		if (c == '\r' || c == '\n' || c == ' ' || c == '\t')
			continue;
		int d = digit_of(c);
		if (d < 0)
			break;
		bits = bits << 6 | (uint32_t)d;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		to[n++] = (uint8_t)(bits >> have);
	}
	return n;
}

ch_err text_lines(struct text_job *j, size_t from, size_t to)
{
	for (size_t at = from; at < to; at++) {
		size_t end = at;
		while (end < to && text_is(j->v.p[end], AL_BASE64))
			end++;
		if (end - at >= LINE_MIN)
			TRY(text_value(j, j->kind, false, (bytes){ j->v.p + at, end - at }));
		at = end;
		/* behind a backslash comes n or r */
		if (at < to && j->v.p[at] == '\\')
			at++;
	}
	return CH_DONE;
}

static ch_err decoded(struct text_job *j, str label, bytes body)
{
	NOT_ZEROED uint8_t der[TEXT_DER_MAX];
	size_t size = 0, n = text_unbase64(body, der, sizeof(der));
	bytes in = { der, n };
	if (!str_ends(label, LIT("PRIVATE KEY")))
		return publics_of_der(j, in);
	ch_err e = str_starts(label, LIT("OPENSSH")) ? key_openssh(j, in, &size)
						     : key_any(j, in, &size);
	if (!failed(e))
		e = text_value(j, j->kind, false, (bytes){ der, size });
	mem_wipe(der, sizeof(der));
	return text_no(e) ? CH_DONE : e;
}

static size_t skip_blanks(bytes v, size_t at)
{
	for (; at < v.n; at++) {
		uint8_t c = v.p[at];
		if (c == '\\')
			at++;
		else if (c != '\r' && c != '\n' && c != ' ' && c != '\t')
			break;
	}
	return at < v.n ? at : v.n;
}

/* RFC 1421's headers, and PGP's: Proc-Type: 4,ENCRYPTED */
static size_t skip_headers(bytes v, size_t at)
{
	for (unsigned i = 0; i < 8; i++) {
		size_t colon = skip_blanks(v, at), end = 0;
		while (colon < v.n && (text_is(v.p[colon], AL_URL)))
			colon++;
		if (colon == v.n && colon - at < LINE_MIN)
			return v.n; /* a name, perhaps */
		if (colon >= v.n || v.p[colon] != ':')
			return skip_blanks(v, at);
		for (end = colon; end < v.n && v.p[end] != '\n' && v.p[end] != '\\';)
			end++;
		at = end;
	}
	return skip_blanks(v, at);
}

/* Behind -----END …----- when that is there, where the body ends otherwise. */
static size_t armour_end(bytes v, size_t body_end, size_t label_n)
{
	size_t at = 0, n = label_n + 16;
	bytes left = { v.p + body_end, v.n - body_end < n ? v.n - body_end : n };
	if (left.n < 8 || !bytes_find((bytes){ left.p, 8 }, LIT("-----END"), &at))
		return body_end;
	bytes tail = { left.p + 8, left.n - 8 };
	return bytes_find(tail, LIT("-----"), &at) ? body_end + 8 + at + 5 : body_end;
}

static ch_err pem_body(struct text_job *j, str label, size_t from, size_t start)
{
	size_t body = skip_headers(j->v, start);
	bool private = str_ends(label, LIT("PRIVATE KEY")) ||
		       str_ends(label, LIT("PRIVATE KEY BLOCK"));
	if (body >= j->v.n) {
		j->open = true;
		return CH_DONE;
	}
	size_t line = text_run_of(j, body, j->row->min, AL_BASE64) - body;
	if (line < (j->open ? 16u : j->row->min) ||
	    text_distinct((bytes){ j->v.p + body, line }) < 8)
		return CH_DONE;
	size_t end = text_run(j, body, 0);
	size_t to = armour_end(j->v, end, label.n);
	j->open = j->open || j->v.n - end < label.n + 16;
	if (private)
		TRY(text_secret(j, from, to, TEXT_HERE));
	if (private && j->sink->value)
		TRY(text_lines(j, body, end));
	bool wanted = private ? !!j->sink->value : !!j->sink->learn;
	return wanted ? decoded(j, label, (bytes){ j->v.p + body, end - body }) : CH_DONE;
}

ch_err check_pem(struct text_job *j)
{
	size_t at = j->at, end = 0;
	while (at < j->v.n && at - j->at < LABEL_MAX && j->v.p[at] != '-')
		at++;
	str label = { (const char *)j->v.p + j->at, at - j->at };
	bytes dashes = { j->v.p + at, j->v.n - at < 5 ? j->v.n - at : 5 };
	if (dashes.n < 5)
		j->open = true;
	if (!bytes_find(dashes, LIT("-----"), &end))
		return CH_DONE;
	/* publics are of no use to who only masks */
	size_t in = 0;
	if (!bytes_find(bytes_of_str(label), LIT("PRIVATE"), &in) && !j->sink->learn)
		return CH_DONE;
	return pem_body(j, label, j->at - j->row->back, at + 5);
}

ch_err check_putty(struct text_job *j)
{
	size_t end = text_run(j, j->at, 0);
	/* the next header begins like base64 */
	while (!j->open && end > j->at && j->v.p[end - 1] != '\n')
		end--;
	if (end - j->at < j->row->min || text_distinct((bytes){ j->v.p + j->at, end - j->at }) < 12)
		return CH_DONE;
	TRY(text_secret(j, j->at, end, TEXT_HERE));
	return j->sink->value ? text_lines(j, j->at, end) : CH_DONE;
}

/* --- binary --- */

typedef ch_err key_fn(struct text_job *j, bytes in, size_t *ret_size);

/* A key may start at `from`: masked when it is one and whole. */
static ch_err key_at(struct text_job *j, size_t from, key_fn *read)
{
	size_t size = 0;
	ch_err e = read(j, (bytes){ j->v.p + from, j->v.n - from }, &size);
	if (!failed(e))
		return text_secret(j, from, from + size, TEXT_EVERYWHERE);
	if (e.site->code == CH_E_TRUNCATED)
		j->open = true;
	return text_no(e) ? CH_DONE : e;
}

/* The same when a header of two to four bytes stands before the version. */
static ch_err key_before(struct text_job *j, key_fn *read)
{
	size_t version = j->at - j->row->back;
	for (size_t header = 2; header <= 4 && header <= version; header++)
		if (j->v.p[version - header] == 0x30 &&
		    (header == 2 || j->v.p[version - header + 1] == 0x80 + header - 2))
			TRY(key_at(j, version - header, read));
	return CH_DONE;
}

static ch_err sec1(struct text_job *j, bytes in, size_t *ret_size)
{
	return key_sec1(j, in, (bytes){ 0 }, ret_size);
}

ch_err check_openssh(struct text_job *j)
{
	return key_at(j, j->at - j->row->back, key_openssh);
}

ch_err check_pkcs8(struct text_job *j)
{
	return key_before(j, key_pkcs8);
}

ch_err check_pkcs1(struct text_job *j)
{
	return key_at(j, j->at - j->row->back, key_pkcs1);
}

ch_err check_sec1(struct text_job *j)
{
	return key_before(j, sec1);
}
