/* All the ways in which programs keep one value in memory. A number: big and little endian,
 * words of 32 bits with the most significant first (a JDK's int[]), digits of 30 bits
 * (Python's int), of 28 and of 60 (libtommath's). Bytes and numbers: base64 and base64url in all three phases, hex of
 * either case. Text (printable ASCII throughout): as it is, base64 likewise. All that is
 * text also in UTF-16 of both orders.
 *
 * A phase is how many bytes of something else stand before the value in a group of three;
 * of base64 only those characters are given that depend on nothing but the value. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

struct form {
	str name; /* "le", "base64url", "utf16le hex": a literal */
	bytes is; /* until the next one is given */
};
struct form_taker {
	ch_err (*take)(struct form_taker *t, const struct form *f);
};
enum { FORMS_MAX = 64, FORM_VALUE_MAX = 16 * 1024, FORM_SIZE_MAX = 4 * FORM_VALUE_MAX };

/* Gives each form of the value once, the value itself ("be" or "raw") first. Buffers are
 * wiped before it returns. A value shorter than 16 bytes has its plain and UTF-16 forms alone;
 * of longer ones no form of less than 16 bytes is given. E_RANGE: empty or over
 * FORM_VALUE_MAX. */
ch_err forms_of(bytes value, bool number, struct form_taker *t);

/* The same byte by byte, for whoever cannot keep all forms of all values. A number has no
 * leading zeros here. */
struct form_value {
	bytes is;
	bool number, text;
};
struct form_value form_value_of(bytes is, bool number);
unsigned forms_count(void); /* at most FORMS_MAX */
str form_name(unsigned form);
/* UTF-16 in big endian is the same bytes as in little endian, but for one zero. */
bool form_is_utf16be(unsigned form);
/* How long this form of the value is; 0 when it has none. */
size_t form_size(unsigned form, const struct form_value *v);
/* Its byte i < form_size. */
uint8_t form_byte(unsigned form, const struct form_value *v, size_t i);
