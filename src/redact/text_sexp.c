/* Private keys of libgcrypt, GnuPG's: S-expressions, whose elements have a name of one letter. As
 * text, (d #00AB…#), broken into lines; in canonical form, (1:d33:…); and as libgcrypt has them
 * in memory: 3, 1, 1 in two bytes, the name, 1, the size in two bytes, the number, 4. Trusts
 * nothing. */
#include "base/cleanup.h"
#include "base/rw.h"
#include "text_internal.h"

enum { NUMBER_MIN = 16, NUMBER_MAX = 2048, RSA_MIN = 64, DIGITS_MAX = 4, CLOSE = 4 };

/* 0x40 || public key, of Ed25519 or X25519; or 4 || x || y. */
static ch_err learn_point(struct text_job *j, bytes q)
{
	if (q.n == 33 && q.p[0] == 0x40) {
		bytes key = { q.p + 1, 32 };
		TRY(text_learn(j, PUBLIC_ED25519, key));
		return text_learn(j, PUBLIC_X25519, key);
	}
	return public_of_point(j, q, (bytes){ 0 });
}

static ch_err say(struct text_job *j, uint8_t name, bytes is)
{
	switch (name) {
	case 'p':
	case 'q':
		return text_value(j, VALUE_RSA_PRIME, true, is);
	case 'u':
		return text_value(j, VALUE_RSA_CRT, true, is);
	case 'd':
		return text_value(j, is.n < RSA_MIN + 3 ? VALUE_EC_SCALAR : VALUE_RSA_EXPONENT,
				  true, is);
	default:
		return text_value(j, VALUE_DH_EXPONENT, true, is);
	}
}

/* The element `name` is the number `is`, which stands at v[from .. to). */
static ch_err element(struct text_job *j, uint8_t name, bytes is, size_t from, size_t to)
{
	while (is.n && !is.p[0])
		is = (bytes){ is.p + 1, is.n - 1 };
	if (is.n < NUMBER_MIN || is.n > NUMBER_MAX || text_distinct(is) < 12)
		return CH_DONE;
	/* a point has a byte more than its numbers, a prime has none */
	if (name == 'q' && is.n % 2 && is.n < 2 * RSA_MIN + 6)
		return learn_point(j, is);
	TRY(text_secret(j, from, to, TEXT_HERE));
	return j->sink->value ? say(j, name, is) : CH_DONE;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static uint8_t nibble(uint8_t c)
{
	return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* How many bytes the digits at v[from ..) stand for; *ret_end: behind the last. */
static size_t unhex(struct text_job *j, size_t from, uint8_t *to, size_t *ret_end)
{
	size_t digits = 0, at = from;
	for (; at < j->v.n && digits < 2 * (NUMBER_MAX + 1); at++) {
		uint8_t c = j->v.p[at];
		if (is_blank(c))
			continue;
		if (!text_is(c, AL_HEX))
			break;
		unsigned high = digits % 2 ? (unsigned)to[digits / 2] << 4 : 0;
		to[digits / 2] = (uint8_t)(high | nibble(c));
		digits++;
	}
	j->open = j->open || at == j->v.n;
	*ret_end = at;
	return digits / 2;
}

/* Behind the first digits. A number that memory ends in is masked as far as it goes. */
ch_err check_sexp(struct text_job *j)
{
	NOT_ZEROED uint8_t number[NUMBER_MAX + 1];
	size_t from = j->at - j->row->back, end = 0;
	if (from < 3)
		return CH_DONE;
	size_t n = unhex(j, from, number, &end);
	j->work += end - from;
	ch_err e = element(j, j->v.p[from - 3], (bytes){ number, n }, from, end);
	mem_wipe(number, sizeof(number));
	return e;
}

/* `close` ends an element: without it these few bytes are something else's. */
static ch_err counted(struct text_job *j, uint8_t name, size_t n, uint8_t close)
{
	if (n < NUMBER_MIN || n > NUMBER_MAX + 1)
		return CH_DONE;
	if (j->v.n - j->at <= n) {
		j->open = true;
		return CH_DONE;
	}
	if (j->v.p[j->at + n] != close)
		return CH_DONE;
	return element(j, name, (bytes){ j->v.p + j->at, n }, j->at, j->at + n);
}

/* Behind the colon. */
ch_err check_sexp_canonical(struct text_job *j)
{
	size_t n = 0, digits = 0, unit = 1;
	for (size_t at = j->at - 1; digits < DIGITS_MAX && at > 0; digits++, unit *= 10) {
		uint8_t c = j->v.p[--at];
		if (c < '0' || c > '9')
			break;
		n += (size_t)(c - '0') * unit;
	}
	return j->at < digits + 2 ? CH_DONE : counted(j, j->v.p[j->at - digits - 2], n, ')');
}

/* Behind the 1 that goes before the size. */
ch_err check_sexp_binary(struct text_job *j)
{
	struct rd r = rd_of((bytes){ j->v.p + j->at, j->v.n - j->at });
	size_t low = rd_u8(&r), high = rd_u8(&r);
	if (r.bad) {
		j->open = true;
		return CH_DONE;
	}
	uint8_t name = j->v.p[j->at - 2];
	j->at += 2;
	return counted(j, name, low | high << 8, CLOSE);
}
