/* Private keys whose beginning was overwritten, as whoever frees memory does with its first bytes:
 * what follows tells what it is. In DER the numbers of RSA behind its public exponent, and the
 * scalar before the public point that only private keys have there; in base64 the same, or
 * whatever stands before -----END. Reads what may be anything. */
#include "codec/der.h"
#include "text_internal.h"

enum { TAIL_D, TAIL_P, TAIL_Q, TAIL_DP, TAIL_DQ, TAIL_QI, TAIL_NUMBERS };
enum { MODULUS_MAX = 1024, EXPONENT = 5, DISTINCT_MIN = 12 };

/* A part of some bytes; to 0: there is none. */
struct part {
	size_t from, to;
};

/* --- RSA --- */

/* a.n + b.n bytes */
static void multiply(bytes a, bytes b, uint8_t *to)
{
	mem_zero(to, a.n + b.n);
	for (size_t i = a.n; i-- > 0;) {
		unsigned carry = 0;
		for (size_t k = b.n; k-- > 0;) {
			carry += to[i + k + 1] + (unsigned)a.p[i] * b.p[k];
			to[i + k + 1] = (uint8_t)carry;
			carry >>= 8;
		}
		to[i] = (uint8_t)carry;
	}
}

static bool is_prime_like(bytes p)
{
	return p.n >= 32 && p.n <= MODULUS_MAX / 2 && p.p[p.n - 1] & 1 && text_distinct(p) >= 16;
}

/* The first n of the numbers from `first` on. */
static bool numbers_fit(const bytes *v, size_t first, size_t n)
{
	if (n <= first)
		return false;
	if (first == TAIL_D && (v[TAIL_D].n < 64 || v[TAIL_D].n > MODULUS_MAX))
		return false;
	if (text_distinct(v[first]) < 32 || (n > TAIL_P && !is_prime_like(v[TAIL_P])) ||
	    (n > TAIL_Q && !is_prime_like(v[TAIL_Q])))
		return false;
	for (size_t i = TAIL_DP; i < n; i++)
		if (v[i].n < 16 || v[i].n > (i == TAIL_DQ ? v[TAIL_Q].n : v[TAIL_P].n))
			return false;
	return true;
}

static ch_err say_rsa(struct text_job *j, const bytes *v, size_t first, size_t n)
{
	static const enum value_kind kinds[TAIL_NUMBERS] = {
		[TAIL_D] = VALUE_RSA_EXPONENT, [TAIL_P] = VALUE_RSA_PRIME,
		[TAIL_Q] = VALUE_RSA_PRIME,    [TAIL_DP] = VALUE_RSA_CRT,
		[TAIL_DQ] = VALUE_RSA_CRT,     [TAIL_QI] = VALUE_RSA_CRT,
	};
	uint8_t NOT_ZEROED modulus[MODULUS_MAX];
	for (size_t i = first; i < n; i++)
		TRY(text_value(j, kinds[i], true, v[i]));
	if (n <= TAIL_Q || !j->sink->learn)
		return CH_DONE;
	/* it leads to the numbers that are gone */
	multiply(v[TAIL_P], v[TAIL_Q], modulus);
	j->work += v[TAIL_P].n * v[TAIL_Q].n / 16;
	bytes is = { modulus, v[TAIL_P].n + v[TAIL_Q].n };
	if (!is.p[0])
		is = (bytes){ is.p + 1, is.n - 1 };
	return is.n < 128 ? CH_DONE : text_learn(j, PUBLIC_RSA_MODULUS, is);
}

/* Behind the public exponent, which ends at `at`. */
static ch_err rsa_behind(struct text_job *j, bytes in, size_t at, struct part *ret_part)
{
	enum { CUT_MIN = 64 };
	struct rd r = rd_of((bytes){ in.p + at, in.n - at });
	bytes v[TAIL_NUMBERS] = { { 0 } };
	bool cut = false;
	size_t n = 0;
	for (; n < TAIL_NUMBERS; n++) {
		ch_err e = der_take_uint(&r, &v[n]);
		cut = failed(e) && e.site->code == CH_E_TRUNCATED;
		if (failed(e))
			break;
	}
	size_t to = cut ? in.n : (size_t)(r.p - in.p);
	j->open = j->open || cut;
	bytes left = { in.p + at, to - at };
	if (n ? !numbers_fit(v, TAIL_D, n) : !cut || left.n < CUT_MIN || text_distinct(left) < 32)
		return CH_DONE;
	*ret_part = (struct part){ at, to };
	return say_rsa(j, v, TAIL_D, n);
}

/* Does a whole key lead to the public exponent that ends at `at`, behind n bytes of a modulus?
 * Then others have said it. */
static bool has_head(struct text_job *j, size_t at, size_t n)
{
	struct text_sink quiet = { NULL, NULL, NULL, NULL };
	struct text_job inner = { .row = j->row, .sink = &quiet };
	static const size_t heads[] = { 11, 10, 9 }; /* up to where the modulus begins */
	for (size_t i = 0; i < COUNT_OF(heads); i++) {
		size_t back = EXPONENT + n + heads[i], size = 0;
		if (at < back || j->v.p[at - back] != DER_SEQUENCE)
			continue;
		bytes in = { j->v.p + at - back, j->v.n - at + back };
		if (!failed(key_pkcs1(&inner, in, &size)))
			return true;
	}
	return false;
}

/* The last five of its numbers, which end where all ends. */
static ch_err rsa_at_end(struct text_job *j, bytes in, struct part *ret_part)
{
	for (size_t at = 0; at + 64 < in.n; at++) {
		struct rd r = rd_of((bytes){ in.p + at, in.n - at });
		bytes v[TAIL_NUMBERS] = { { 0 } };
		size_t n = TAIL_P;
		if (in.p[at] != DER_INTEGER)
			continue;
		while (n < TAIL_NUMBERS && !failed(der_take_uint(&r, &v[n])))
			n++;
		if (n < TAIL_NUMBERS || !rd_end(&r) || !numbers_fit(v, TAIL_P, n))
			continue;
		*ret_part = (struct part){ at, in.n };
		return say_rsa(j, v, TAIL_P, n);
	}
	return CH_DONE;
}

/* --- EC: RFC 5915; the scalar, [0] the curve perhaps, [1] the point --- */

static size_t curve_header(bytes in, size_t at)
{
	static const struct {
		uint8_t size, is[4];
	} headers[] = { { 12, { 0xa0, 10, 6, 8 } }, { 9, { 0xa0, 7, 6, 5 } } };
	for (size_t i = 0; i < COUNT_OF(headers); i++) {
		size_t n = headers[i].size;
		if (at >= n && mem_eq(in.p + at - n, headers[i].is, sizeof(headers[i].is)))
			return n;
	}
	return 0;
}

/* [1] is at `at`. */
static ch_err ec_before(struct text_job *j, bytes in, size_t at, struct part *ret_part)
{
	enum { SHORTEST = 16 };
	size_t size = in.p[at + 1] == 0x44 ? 32 : in.p[at + 1] == 0x64 ? 48 : 66;
	size_t point = at + (size == 66 ? 7 : 5), end = at - curve_header(in, at);
	size_t from = end > size ? end - size : 0;
	bytes d = { in.p + from, end - from };
	if (d.n < SHORTEST || text_distinct(d) < DISTINCT_MIN)
		return CH_DONE;
	*ret_part = (struct part){ from, end };
	TRY(text_value(j, VALUE_EC_SCALAR, true, d));
	if (in.n - point < 1 + 2 * size)
		return CH_DONE;
	return public_of_point(j, (bytes){ in.p + point, 1 + 2 * size },
			       (bytes){ in.p + end, at - end });
}

/* --- bytes --- */

ch_err check_rsa_tail(struct text_job *j)
{
	struct part part = { 0, 0 };
	size_t at = j->at - j->row->back, header = 0, d = 0;
	bytes left = { j->v.p + at, j->v.n - at };
	ch_err e = der_measure(left, &header, &d);
	j->open = failed(e) && e.site->code == CH_E_TRUNCATED;
	/* d is as long as n, or a little shorter */
	if (failed(e) || d > MODULUS_MAX + 8)
		return CH_DONE;
	if (has_head(j, at, (d - header - 1 + 15) / 16 * 16 + 1))
		return CH_DONE;
	TRY(rsa_behind(j, j->v, at, &part));
	return part.to ? text_secret(j, part.from, part.to, TEXT_EVERYWHERE) : CH_DONE;
}

/* SEQUENCE, version and the octet string's header are there: others have said the scalar. */
static bool has_ec_head(bytes in, size_t scalar)
{
	static const uint8_t version[] = { 2, 1, 1, 4 };
	enum { HEAD = 5 };
	if (scalar < HEAD + 3 || !mem_eq(in.p + scalar - HEAD, version, sizeof(version)))
		return false;
	return in.p[scalar - HEAD - 2] == DER_SEQUENCE || in.p[scalar - HEAD - 3] == DER_SEQUENCE;
}

ch_err check_ec_tail(struct text_job *j)
{
	struct part part = { 0, 0 };
	/* a1 44 03 42 00 04, a1 81 89 03 81 86 00 04 */
	size_t back = j->v.p[j->at - 3] == 0x86 ? 8 : 6;
	TRY(ec_before(j, j->v, j->at - back, &part));
	return part.to && !has_ec_head(j->v, part.from)
		       ? text_secret(j, part.from, part.to, TEXT_HERE)
		       : CH_DONE;
}

/* --- base64 --- */

static const struct anchor {
	str is;
	ch_err (*look)(struct text_job *j, bytes in, size_t at, struct part *ret_part);
	size_t behind; /* where it looks, from the anchor's beginning */
} anchors[] = {
	{ LIT("\x02\x03\x01\x00\x01\x02\x82"), rsa_behind, EXPONENT },
	{ LIT("\x02\x03\x01\x00\x01\x02\x81"), rsa_behind, EXPONENT },
	{ LIT("\xa1\x44\x03\x42\x00\x04"), ec_before, 0 },
	{ LIT("\xa1\x64\x03\x62\x00\x04"), ec_before, 0 },
	{ LIT("\xa1\x81\x89\x03\x81\x86\x00\x04"), ec_before, 0 },
};

static ch_err anchored(struct text_job *j, bytes in, struct part *ret_part)
{
	for (size_t i = 0; i < COUNT_OF(anchors) && !ret_part->to; i++) {
		size_t at = 0;
		if (bytes_find(in, anchors[i].is, &at))
			TRY(anchors[i].look(j, in, at + anchors[i].behind, ret_part));
	}
	return CH_DONE;
}

static bool is_digit(uint8_t c)
{
	return c != '=' && text_is(c, AL_BASE64);
}

/* Before the end of a line that ends at `at`, and what the next one is indented by; `at`: there
 * is none. */
static size_t before_line_end(bytes v, size_t at)
{
	size_t i = at, end = at;
	while (i && (v.p[i - 1] == ' ' || v.p[i - 1] == '\t'))
		i--;
	for (; i; end = i) {
		if (v.p[i - 1] == '\n' || v.p[i - 1] == '\r')
			i--;
		else if (i > 1 && v.p[i - 2] == '\\' && (v.p[i - 1] == 'n' || v.p[i - 1] == 'r'))
			i -= 2;
		else
			break;
	}
	return end;
}

/* Where base64 that ends at `to` begins; its lines may be broken. */
static size_t base64_start(bytes v, size_t to)
{
	size_t at = to;
	while (at) {
		size_t line = before_line_end(v, at);
		if (line != at && line && is_digit(v.p[line - 1]))
			at = line;
		else if (line == at && is_digit(v.p[at - 1]))
			at--;
		else
			break;
	}
	return at;
}

/* Behind n digits. */
static size_t skip_digits(bytes v, size_t at, size_t n)
{
	for (; at < v.n && (n || !is_digit(v.p[at])); at++) {
		if (v.p[at] == '\\')
			at++;
		else if (is_digit(v.p[at]) && n)
			n--;
	}
	return at < v.n ? at : v.n;
}

static size_t count_digits(bytes v, size_t from, size_t to)
{
	size_t n = 0;
	for (; from < to; from++) {
		if (v.p[from] == '\\')
			from++;
		else
			n += is_digit(v.p[from]) || v.p[from] == '=';
	}
	return n;
}

/* Base64 in `text`, of which the digit at `at` is number `index` of a group of four: whole groups
 * alone. */
static bytes decode(struct text_job *j, struct part *text, size_t at, size_t index, uint8_t *der)
{
	size_t digits = count_digits(j->v, text->from, at);
	j->work += text->to - text->from;
	text->from = skip_digits(j->v, text->from, (digits + 4 - index) % 4);
	size_t n = text->to > text->from ? text->to - text->from : 0;
	bytes is = { j->v.p + text->from, n };
	return (bytes){ der, text_unbase64(is, der, TEXT_DER_MAX) };
}

static ch_err say_lines(struct text_job *j, struct part text)
{
	TRY(text_secret(j, text.from, text.to, TEXT_HERE));
	return j->sink->value ? text_lines(j, text.from, text.to) : CH_DONE;
}

/* Which digit of four the first of an anchor is. */
static size_t index_of(uint8_t digit)
{
	static const str firsts[] = { LIT("Ao"), LIT("Kaq6"), LIT("I") };
	size_t i = 0;
	while (i < COUNT_OF(firsts) && !str_has(firsts[i], (char)digit))
		i++;
	return i;
}

/* The match is eight digits from the midst of a key. One that is whole is for others. */
ch_err check_base64_tail(struct text_job *j)
{
	NOT_ZEROED uint8_t der[TEXT_DER_MAX];
	size_t at = j->at - j->row->back, whole = 0;
	struct part part = { 0, 0 };
	struct part text = { base64_start(j->v, at), text_base64_lines_end(j, j->at) };
	bytes in = decode(j, &text, at, index_of(j->v.p[at]), der);
	ch_err e = key_any(j, in, &whole);
	if (text_no(e))
		e = anchored(j, in, &part);
	mem_wipe(der, sizeof(der));
	TRY(e);
	if (!part.to)
		return CH_DONE;
	text.to = text_base64_end(j, text.from, part.to);
	return say_lines(j, text);
}

/* --- before -----END --- */

/* PKCS#8 of Ed25519 and X25519 ends with their 32 bytes. */
static ch_err seed_at_end(struct text_job *j, bytes in)
{
	enum { KEY = 32, HEAD = 2, LONGEST = 48 };
	if (in.n < KEY / 2 || in.n > LONGEST)
		return CH_DONE;
	bytes seed = in.n < KEY ? in : (bytes){ in.p + in.n - KEY, KEY };
	bool headed = in.n >= KEY + HEAD && seed.p[-1] == KEY && seed.p[-HEAD] == DER_OCTET_STRING;
	return text_value(j, headed ? VALUE_ED25519_SEED : VALUE_PRIVATE_KEY, false, seed);
}

static ch_err say_end(struct text_job *j, bytes in)
{
	struct part part = { 0, 0 };
	size_t whole = 0;
	ch_err e = key_any(j, in, &whole);
	if (!failed(e) || !text_no(e))
		return e;
	TRY(anchored(j, in, &part));
	if (!part.to)
		TRY(rsa_at_end(j, in, &part));
	if (!part.to)
		TRY(key_openssh_section(j, in, &part.to));
	return part.to ? CH_DONE : seed_at_end(j, in);
}

static bool has_begin(bytes v, size_t at)
{
	enum { BEGIN_MAX = 64 };
	size_t n = at < BEGIN_MAX ? at : BEGIN_MAX, found = 0;
	return bytes_find((bytes){ v.p + at - n, n }, LIT("-----BEGIN "), &found);
}

ch_err check_pem_tail(struct text_job *j)
{
	enum { LINE_MAX = 48, DIGITS_MIN = 24 };
	NOT_ZEROED uint8_t der[TEXT_DER_MAX];
	size_t found = 0;
	bytes line = { j->v.p + j->at - (j->at < LINE_MAX ? j->at : LINE_MAX), 0 };
	line.n = (size_t)(j->v.p + j->at - line.p);
	if (!bytes_find(line, LIT("-----END "), &found))
		return CH_DONE;
	size_t end = j->at - line.n + found;
	size_t to = before_line_end(j->v, end);
	while (to && j->v.p[to - 1] == '=')
		to--;
	struct part text = { base64_start(j->v, to), end };
	size_t digits = count_digits(j->v, text.from, to);
	if (digits < DIGITS_MIN || has_begin(j->v, text.from) ||
	    text_distinct((bytes){ j->v.p + text.from, to - text.from }) < DISTINCT_MIN)
		return CH_DONE;
	text.to = before_line_end(j->v, end);
	ch_err e = CH_DONE;
	if (j->sink->value) {
		struct part whole = text;
		e = say_end(j, decode(j, &whole, end, 0, der));
	}
	mem_wipe(der, sizeof(der));
	TRY(e);
	return say_lines(j, text);
}
