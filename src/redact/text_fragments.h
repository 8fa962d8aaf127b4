/* Fragments: a few bytes in a row that a match of a pattern cannot do without. Where none of
 * any pattern is, no pattern need be looked for; that is so nearly everywhere. */
#pragma once
#include "base/bytes.h"

enum { FRAGMENT_MIN = 3, FRAGMENT_MAX = 8, FRAGMENTS_MAX = 192 };

struct fragment {
	size_t n;
	uint8_t sets[FRAGMENT_MAX][256 / 8]; /* which bytes may stand at each place */
};

size_t fragments_count(void);
/* Terminates what it cannot parse: the table is wrong. */
void fragment_at(size_t i, struct fragment *ret_f);
bool fragment_has(const struct fragment *f, size_t at, uint8_t c);
