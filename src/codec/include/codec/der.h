/* DER (X.690 section 10), as much as keys need: tags of one byte, definite lengths of at most
 * three bytes, in their shortest form. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/rw.h"

enum der_tag {
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_SEQUENCE = 0x30,
	DER_CONTEXT = 0xa0 /* [0], constructed; [1] is one more */
};

/* How long the element at the start of b is, header and all, whether b holds all of it or
 * not; *ret_header: of which so many bytes are its header. E_TRUNCATED: the header is cut;
 * E_SYNTAX: it is none. */
ch_err der_measure(bytes b, size_t *ret_header, size_t *ret_size);
/* Takes the next element, which has this tag; its contents. E_MISMATCH: another tag;
 * E_TRUNCATED, E_SYNTAX as above, and r stays where it was. */
ch_err der_take(struct rd *r, unsigned tag, bytes *ret_contents);
/* The same for an INTEGER that is not negative: big endian, without the zero of its sign;
 * empty for 0. */
ch_err der_take_uint(struct rd *r, bytes *ret_number);
/* Is the next tag this one? */
bool der_is_next(const struct rd *r, unsigned tag);
