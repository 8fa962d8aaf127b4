/* PEM to DER. The field is the web server's, which a misconfigured one could let through
 * from a client: so nothing but exactly one certificate is one. */
#include "cert.h"

#include "codec/form.h"

static const str begin = { "-----BEGIN CERTIFICATE-----", 27 };
static const str blanks = LIT(" \t\r\n");
static const str end = { "-----END CERTIFICATE-----", 25 };

/* 64 for what is no base64 digit */
static unsigned digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0') + 52;
	return c == '+' ? 62 : c == '/' ? 63 : 64;
}

struct quads {
	uint8_t *out;
	size_t n;      /* written */
	unsigned bits; /* of the quad */
	size_t digits, pads;
};

/* False: no base64, or bits that stand for nothing are set. */
static bool take(struct quads *q, char c)
{
	unsigned d = c == '=' ? 0 : digit(c);
	if (d > 63 || (q->pads > 0 && c != '=') || (c == '=' && q->digits % 4 < 2))
		return false;
	q->pads += c == '=';
	q->bits = q->bits << 6 | d;
	if (++q->digits % 4 != 0)
		return true;
	if ((q->pads == 1 && (q->bits & 0xff)) || (q->pads == 2 && (q->bits & 0xffff)))
		return false;
	for (size_t i = 0; i < 3 - q->pads; i++)
		q->out[q->n++] = (uint8_t)(q->bits >> (16 - 8 * i));
	q->bits = 0;
	return true;
}

static ch_err base64_read(str text, struct arena *a, bytes *ret_der)
{
	struct quads q = { .out = arena_alloc(a, text.n / 4 * 3 + 3) };
	if (!q.out)
		return ch_fail(CH_E_LIMIT, "no room for a certificate", text.n);
	for (size_t i = 0; i < text.n; i++) {
		if (str_has(blanks, text.p[i]))
			continue;
		if (q.pads > 0 && q.digits % 4 == 0)
			return ch_fail(CH_E_SYNTAX, "base64 goes on behind its end", i);
		if (!take(&q, text.p[i]))
			return ch_fail(CH_E_SYNTAX, "a certificate is no base64", i);
	}
	if (q.digits % 4 != 0 || q.n == 0)
		return ch_fail(CH_E_SYNTAX, "a certificate ends early", q.digits);
	*ret_der = (bytes){ q.out, q.n };
	return CH_DONE;
}

ch_err cert_read(str text, struct arena *a, bytes *ret_der)
{
	str plain = { NULL, 0 };
	if (text.n > CERT_TEXT_MAX)
		return ch_fail(CH_E_LIMIT, "a certificate is too long", text.n);
	TRY(url_decode(text, false, a, &plain));
	plain = str_trim(plain, blanks);
	if (!str_starts(plain, begin) || !str_ends(plain, end) || plain.n < begin.n + end.n)
		return ch_fail(CH_E_SYNTAX, "no certificate in PEM", plain.n);
	return base64_read(str_sub(plain, begin.n, plain.n - begin.n - end.n), a, ret_der);
}
