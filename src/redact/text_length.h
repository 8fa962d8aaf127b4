/* Strings of V8 that are as long as a signature, by the length that stands before them. */
#pragma once
#include "base/bytes.h"

/* The first offset from `at` on where a length of 43, 86 or 342 stands in 32 bits and a character
 * of base64url behind it, or nothing any more; n when there is none. Reads p[0 .. n). */
size_t length_next(const uint8_t *p, size_t at, size_t n);
/* The same on any processor, to compare with. */
size_t length_next_plainly(const uint8_t *p, size_t at, size_t n);
