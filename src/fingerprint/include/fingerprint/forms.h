/* All the ways in which programs keep one value in memory. A number: big and little endian,
 * words of 32 bits with the most significant first (a JDK's int[]), also with leading
 * zeros cut. Bytes and numbers: base64 and base64url in all three phases, hex of either
 * case. Text: as it is, base64 likewise. All that is text also in UTF-16 of both orders.
 * Forms of which less than 16 bytes are certain (base64 ends) are left out. */
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
enum { FORMS_MAX = 64, FORM_VALUE_MAX = 16 * 1024 };

/* Gives each form of the value once, the value itself ("be" or "raw") first. Buffers are
 * wiped before it returns. A value shorter than 16 bytes has its plain and UTF-16 forms alone. */
ch_err forms_of(bytes value, bool number, struct form_taker *t);
