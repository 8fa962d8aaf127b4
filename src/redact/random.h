/* What looks random: 32 bytes of which 24 differ, and none of whose words points into
 * the process. Every window of 32 bytes that is such is masked, whatever it is: a key of a kind
 * that nobody thought of, a hash, a float.
 *
 * A word is eight bytes at a multiple of eight; a window that touches a pointer is none. So
 * return addresses, saved frame pointers and lists stay as they are. */
#pragma once
#include "elfcore/core.h"

enum { RANDOM_WINDOW = 32, RANDOM_DISTINCT = 24, RANDOM_RANGES = 6, RANDOM_BLOCK = 4096 };

/* Where pointers point to: all mappings, those near each other as one. A word that is random
 * lies in one of them once in 2^20 at most. */
struct random_rule {
	uint64_t from[RANDOM_RANGES], size[RANDOM_RANGES];
};
void random_rule_init(struct random_rule *r, const struct core_map *map);

/* Windows that begin in p[0 .. n), where p is at a multiple of eight and `there` bytes can be
 * read. Sets owners[i] to `owner` for bytes i < n that belong to one. How many bytes, behind
 * p, the last of them covers; 0 for none. n <= RANDOM_BLOCK. */
size_t random_find(const struct random_rule *r, const uint8_t *p, size_t n, size_t there,
		   uint16_t *owners, uint16_t owner);
/* The same in the plainest way, for tests. */
size_t random_find_plain(const struct random_rule *r, const uint8_t *p, size_t n, size_t there,
			 uint16_t *owners, uint16_t owner);
