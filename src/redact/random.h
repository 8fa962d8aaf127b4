/* What looks random: 32 bytes of which 24 differ, and none of whose words points into
 * the process. Every window of 32 bytes that is such is masked, whatever it is: a key of a kind
 * that nobody thought of, a hash, a float.
 *
 * A word is eight bytes at a multiple of eight; a window that touches a pointer is none. So
 * return addresses, saved frame pointers and lists stay as they are.
 *
 * Digits of hex are of 16 kinds only: 32 in a row, not all of them decimal, look random too;
 * of decimal ones 64, which is more than any number has that is no key. */
#pragma once
#include "elfcore/core.h"

enum {
	RANDOM_WINDOW = 32,
	RANDOM_DISTINCT = 24,
	RANDOM_RANGES = 6,
	RANDOM_BLOCK = 4096,
	RANDOM_HEX_MIN = 32,
	RANDOM_DECIMAL_MIN = 64
};

struct random_rule;
/* See random_kernels.h. */
typedef void random_kernel(const struct random_rule *r, const uint8_t *p, size_t n, uint8_t *d);

/* Where pointers point to: all mappings, those near each other as one, which lets a word
 * pass as a pointer that points between them. The addresses of the kernel are none, so that
 * signed numbers will do: before < pointer < end. */
struct random_rule {
	int64_t before[RANDOM_RANGES], end[RANDOM_RANGES];
	size_t n;
	random_kernel *kernel; /* the fastest that the processor has */
};
void random_rule_init(struct random_rule *r, const struct core_map *map);

/* Windows that begin in p[0 .. n), where p is at a multiple of eight and `there` bytes can be
 * read; n <= RANDOM_BLOCK. owners[i], for bytes i < n that belong to one, is set to `owner`. */
struct random_block {
	const uint8_t *p;
	size_t n, there;
	uint16_t *owners, owner;
};
/* How many bytes, from p on, the last window covers to; 0 for none. */
size_t random_find(const struct random_rule *r, struct random_block b);
size_t random_find_by(random_kernel *kernel, const struct random_rule *r, struct random_block b);
/* The same in the plainest way, for tests; of any n. */
size_t random_find_plain(const struct random_rule *r, struct random_block b);
/* Likewise runs of at least RANDOM_HEX_MIN digits of hex, that begin in the block or before. */
size_t random_find_hex(struct random_block b);
