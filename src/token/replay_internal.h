/* The shape of the store of used proofs: sets of slots, a slot one word.
 *
 *     63                     27 26            0
 *    | fingerprint, never zero | until, seconds |     0: never used
 *
 * The seconds wrap after four years. A slot counts as live up to REPLAY_FAR_S before its
 * end, which is longer than anything is kept, so that clocks that differ by a little agree. */
#pragma once
#include <stdatomic.h>

#include "token/replay.h"

enum {
	REPLAY_WAYS = 64,
	REPLAY_UNTIL_BITS = 27,
	REPLAY_PRINT_BITS = 64 - REPLAY_UNTIL_BITS,
	REPLAY_KEPT_MAX_S = 24 * 3600,
	REPLAY_FAR_S = 1 << 20,
	REPLAY_PER_SET = 16, /* so many proofs a set on average: see sets_for */
};

struct replay_set {
	_Alignas(64) _Atomic uint64_t slots[REPLAY_WAYS];
};

struct replay {
	_Alignas(64) uint8_t key[32];
	uint64_t n_sets;
	struct replay_set sets[];
};

/* Notes the word `mine` in its set; what replay_note does once it has hashed. */
enum replay_answer replay_set_note(struct replay_set *s, uint64_t mine, int64_t now_s);
