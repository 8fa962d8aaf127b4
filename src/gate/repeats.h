/* What was noted a short while ago, and how often since: whoever shows one token again and
 * again makes two records in a window instead of one each time. A repeat is a sighting of
 * the same bytes (wire/sighting.h), the client's address taken as address_client has it, so
 * that one IPv6 network is one client. A table for each chain: junk displaces nothing signed.
 *
 * The caller records the first at once, and what followed when the window is over, or when
 * the place is needed. No clock, no allocation, one thread. */
#pragma once
#include "crypto/short_hash.h"
#include "wire/sighting.h"

enum {
	/* a flood of one token makes 12 records a minute; a kill -9 forgets no more than this */
	REPEATS_WINDOW_MS = 10000,
	REPEATS_WAYS = 8,
	REPEATS_SETS = 64,
	REPEATS_SLOTS = REPEATS_SETS * REPEATS_WAYS,
};

struct repeats_slot {
	uint64_t hash;
	int64_t since_ms; /* when the first was recorded */
	struct sighting_repeats r;
	uint16_t n; /* bytes of the sighting; 0: free */
};

struct repeats {
	uint8_t key[SHORT_HASH_KEY_SIZE]; /* nobody outside can choose who shares a set */
	struct repeats_slot slots[REPEATS_SLOTS];
	uint8_t texts[REPEATS_SLOTS][SIGHTING_MAX];
};

struct repeats_found {
	bool known;
	size_t at; /* its slot; of one not known, the slot that it may have */
	uint64_t hash;
};

/* Some 1 MiB, the caller's; of that only what is used is touched. Takes a random key. */
void repeats_init(struct repeats *r);
/* sighting is at most SIGHTING_MAX bytes. In a full set the slot with the fewest repeats is
 * the one to have: newcomers do not displace a flood, which would be written each time. */
struct repeats_found repeats_find(const struct repeats *r, bytes sighting);
/* One more of a known one. */
void repeats_count(struct repeats *r, size_t at, int64_t now_ms);
/* The first of its kind was recorded. The slot's repeats have been, too. */
void repeats_begin(struct repeats *r, struct repeats_found at, bytes sighting, int64_t now_ms);
/* Is its window over? Also when the clock was set back. False of a free one. */
bool repeats_over(const struct repeats *r, size_t at, int64_t now_ms);
/* The record of its repeats: bytes it takes, and into p of that size. */
size_t repeats_size(const struct repeats *r, size_t at);
void repeats_write(const struct repeats *r, size_t at, uint8_t *p);
