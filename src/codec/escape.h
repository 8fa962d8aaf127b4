/* The escapes of a JSON string (RFC 8259 section 7), for the parser that checks them
 * and the reader that undoes them. */
#pragma once
#include "base/bytes.h"

enum { ESCAPE_MAX = 12 }; /* a surrogate pair */

/* s begins with a backslash. How long the escape is and what it stands for; 0 when
 * it is none, a lone surrogate among them. */
size_t escape_read(str s, uint32_t *ret_point);
