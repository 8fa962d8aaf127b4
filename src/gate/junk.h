/* A limit on what one client address may cost by tokens whose signature does not verify:
 * the one check that is dear (30 to 120 µs). A bucket per client (address_client) in a
 * fixed table. The order in the request path, so that junk from behind a shared address
 * locks no good client out:
 *
 *   1. the cache of verified tokens: a known token is answered, whatever the bucket says
 *   2. shape, issuer, kid: cheap, refused without being charged
 *   3. junk_allowed: false → refused at once, counted, no signature check
 *   4. the signature check; junk_charge with its cost if it failed, nothing if it was good
 *
 * No clock, no allocation, one thread. */
#pragma once
#include "base/address.h"
#include "crypto/hash.h"

struct junk_limits {       /* 0: the default in brackets */
	uint32_t burst_us; /* checks may fail for so much time at once [100000] … */
	uint32_t us_per_s; /* … and this much is forgiven each second [20000: 2 % of a core] */
};

enum { JUNK_SETS = 512, JUNK_WAYS = 8 };

struct junk_slot {
	struct address client;
	uint8_t used;
	uint32_t debt_us; /* as of at_ns */
	uint64_t at_ns;
};

struct junk_counts {
	uint64_t charged; /* failed checks */
	uint64_t refused; /* answers without a check */
	uint64_t evicted; /* clients that were forgotten although they owed something */
	uint64_t limited; /* how often a client came over its limit */
};

struct junk {
	struct junk_limits limits;
	struct junk_counts counts;
	uint8_t key[MAC_KEY_SIZE]; /* nobody outside can choose who shares a set with whom */
	struct junk_slot slots[JUNK_SETS][JUNK_WAYS];
};

/* Some 160 KiB, the caller's. Takes a random key. */
void junk_init(struct junk *j, const struct junk_limits *limits);
/* May this client have a signature checked now? now_ns is any clock that never goes back. */
bool junk_allowed(struct junk *j, const struct address *a, uint64_t now_ns);
/* A check for this client failed and took so long. In a full set the client that owes least
 * is forgotten: many quiet newcomers do not displace a loud one. */
void junk_charge(struct junk *j, const struct address *a, uint32_t cost_us, uint64_t now_ns);
