/* What stands in the dump where a secret was: text of the same length. Values that cannot be
 * guessed have a tag, equal for equal values within one dump, so that a reader sees that two
 * structures held the same key; its key is lost with the masker. */
#pragma once
#include "crypto/hash.h"
#include "redact/value.h"

enum { MARK_MAX = 32 };

struct mark {
	uint32_t tag;
	uint8_t kind; /* enum value_kind */
	bool tagged, repeated;
};

/* The mark of a value; id: what makes it equal to another. */
struct mark mark_of(const uint8_t key[static MAC_KEY_SIZE], enum value_kind kind, bytes id);
/* Writes p[0 .. n), which begins at byte `at` of a secret of `size` bytes. */
void mark_put(const struct mark *m, uint8_t *p, size_t n, uint64_t at, uint64_t size);
