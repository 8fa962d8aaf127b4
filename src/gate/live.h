/* The live set: which unexpired tokens a log has. A token is a fingerprint of 128 bits of its
 * identity under a key of this process, kept with those that expire in the same few seconds; so
 * what has expired goes as a whole, and a look-up, which knows when the token expires, goes
 * straight to its own few. Some 24 bytes a token; grows and shrinks with what lives. No clock.
 *
 * Not to be found here means "was not added, or expires at or before live_floor". */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

enum { LIVE_ID_SIZE = 32, LIVE_WINDOW_S = 8 };

struct live;
/* Holds at most so many. E_NOMEM. */
ch_err live_new(uint64_t most, struct live **ret_l);
void live_free(struct live *l);
void live_done(struct live **l);

/* A token as the set has it; of this set alone. */
struct live_print {
	uint64_t first, second;
	int64_t exp_s;
};
struct live_print live_print_of(const struct live *l, const uint8_t id[static LIVE_ID_SIZE],
				int64_t exp_s);
bool live_has(const struct live *l, const struct live_print *p);
/* Fine when it is there, and when it expires at or before the floor, though it is not kept then.
 * E_LIMIT: there are as many as there may be; E_NOMEM. */
ch_err live_add(struct live *l, const struct live_print *p);
/* Tokens that expire at or before floor_s, and need not be known any more, may go. A floor never
 * sinks. */
void live_forget(struct live *l, int64_t floor_s);
/* INT64_MIN: nothing was forgotten. */
int64_t live_floor(const struct live *l);
/* Forgets all, the floor too. */
void live_clear(struct live *l);
uint64_t live_count(const struct live *l);
/* As many as there may be. */
uint64_t live_most(const struct live *l);
/* Of memory. */
uint64_t live_bytes(const struct live *l);

/* --- live_slots.c, for live.c --- */

struct live_slot;
/* So many free slots of that size; NULL: no memory. */
struct live_slot *live_slots_new(uint32_t room, size_t size);
void live_slots_free(struct live_slot *slots);
