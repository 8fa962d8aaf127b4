/* A strict reader of DER. The bytes are anybody's: every length is checked against what is
 * left, and one value has one form. */
#include "codec/der.h"

/* tag | length < 0x80, or 0x81 n, 0x82 n n, 0x83 n n n | contents */
ch_err der_measure(bytes b, size_t *ret_header, size_t *ret_size)
{
	if (b.n < 2)
		return ch_fail(CH_E_TRUNCATED, "a DER header", b.n);
	size_t n = b.p[1], wide = n & 0x7f;
	if ((b.p[0] & 0x1f) == 0x1f)
		return ch_fail(CH_E_SYNTAX, "a DER tag of more than one byte", 0);
	if (n < 0x80) {
		*ret_header = 2;
		*ret_size = 2 + n;
		return CH_DONE;
	}
	if (wide < 1 || wide > 3)
		return ch_fail(CH_E_SYNTAX, "the length of a DER element", n);
	if (b.n < 2 + wide)
		return ch_fail(CH_E_TRUNCATED, "a DER header", b.n);
	n = 0;
	for (size_t i = 0; i < wide; i++)
		n = n << 8 | b.p[2 + i];
	if (n < 0x80 || (wide > 1 && !b.p[2]))
		return ch_fail(CH_E_SYNTAX, "a DER length that is not the shortest", n);
	*ret_header = 2 + wide;
	*ret_size = 2 + wide + n;
	return CH_DONE;
}

bool der_is_next(const struct rd *r, unsigned tag)
{
	return rd_left(r) && r->p[0] == tag;
}

ch_err der_take(struct rd *r, unsigned tag, bytes *ret_contents)
{
	size_t header = 0, size = 0;
	bytes left = { r->p, rd_left(r) };
	if (left.n && left.p[0] != tag)
		return ch_fail(CH_E_MISMATCH, "a DER tag", left.p[0]);
	TRY(der_measure(left, &header, &size));
	if (size > left.n)
		return ch_fail(CH_E_TRUNCATED, "a DER element", size - left.n);
	bytes all = rd_take(r, size);
	*ret_contents = (bytes){ all.p + header, size - header };
	return CH_DONE;
}

ch_err der_take_uint(struct rd *r, bytes *ret_number)
{
	struct rd before = *r;
	bytes b = { 0 };
	TRY(der_take(r, DER_INTEGER, &b));
	bool padded = b.n > 1 && !b.p[0];
	if (!b.n || b.p[0] & 0x80 || (padded && !(b.p[1] & 0x80))) {
		*r = before;
		return ch_fail(CH_E_SYNTAX, "a DER integer", b.n);
	}
	size_t zeros = b.p[0] ? 0 : 1;
	*ret_number = (bytes){ b.p + zeros, b.n - zeros };
	return CH_DONE;
}
