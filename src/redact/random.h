/* What looks random: 32 bytes of which 24 differ, and none of whose words points into
 * the process. Every window of 32 bytes that is such is masked, whatever it is: a key of a kind
 * that nobody thought of, a hash, a float.
 *
 * A word is eight bytes at a multiple of eight; a window that touches a pointer is none. So
 * return addresses, saved frame pointers and lists stay as they are.
 *
 * Text has fewer kinds of bytes. 16 letters and more in a row, of one byte each or wide, look random
 * too when their pairs are not those of names, or when they are digits of hex, not all of them
 * decimal; of decimal ones 64, which is more than any number has that is no key. */
#pragma once
#include "elfcore/core.h"

enum {
	RANDOM_WINDOW = 32,
	RANDOM_DISTINCT = 24,
	RANDOM_RANGES = 6,
	RANDOM_BLOCK = 4096,
	RANDOM_TEXT_MIN = 16,
	RANDOM_HEX_LONG = 32,
	RANDOM_DECIMAL_MIN = 64,
	RANDOM_RUN_MAX = 4096,
	RANDOM_WIDTHS = 3
};

struct random_rule;
/* See random_kernels.h. */
typedef void random_kernel(const struct random_rule *r, const uint8_t *p, size_t n, uint8_t *d);

/* Where pointers point to: all mappings that somebody may use, those near each other as one, which
 * lets a word pass as a pointer that points between them. The addresses of the kernel are none, so that
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
/* Likewise text. Each run of letters is judged once, by the block in which it begins: judged[w] is
 * where, behind b.p, that ends which was judged, of letters of each width: 0 at first, and what a
 * block left less its n for the next. What is to be judged whole must be there:
 * 4 * RANDOM_RUN_MAX bytes behind the block, unless memory ends. */
size_t random_find_text(struct random_block b, size_t *judged);
