/* Where a private number of 32 to 66 bytes may lie, the most promising first. To relate one to a
 * public key costs 10 us and more, so only these are tried: what looks random and begins or
 * ends where that does, as whatever was allocated for itself; what stands behind its DER
 * header; what is near a public key, or pointed to from there. */
#pragma once
#include "redact/finder.h"

/* What is looked for. */
enum place_want {
	PLACE_32 = 1,     /* 32 bytes: P-256, secp256k1, Ed25519, X25519 */
	PLACE_48 = 2,     /* P-384 */
	PLACE_66 = 4,     /* P-521: 8 limbs and a small one, or behind a header */
	PLACE_64 = 8,     /* 32 bytes and as many of a public key */
	PLACE_NEAR = 16,  /* around what is near (of 32 or 48 bytes) */
	PLACE_LINKS = 32, /* pointers around it, too */
};

/* How promising it is. */
enum place_tier {
	PLACE_SURE,  /* behind a header, or near a public key */
	PLACE_ALONE, /* plain on either side */
	PLACE_FIRST, /* plain before: may be the head of something longer */
	PLACE_LAST,  /* of something much longer, or its end */
};

struct place {
	uint64_t addr;
	enum place_want size; /* one of the first four */
};

enum { PLACES_MAX = 16 * 1024, PLACE_TIERS = 4, PLACE_SIZE_MAX = 72, PLACE_NEARS_MAX = 2048 };

struct places {
	unsigned want;
	enum place_want near; /* size of what is near */
	size_t n_nears;
	uint64_t near_bits[1024]; /* whether any of them may be such: most are told by this */
	uint64_t nears[2 * PLACE_NEARS_MAX]; /* the first 8 bytes of public keys, by their hash */
	size_t n[PLACE_TIERS], near_hits;
	struct place places[PLACE_TIERS][PLACES_MAX];
	uint64_t tried[8 * PLACES_MAX]; /* what was, by hash */
	uint8_t key[16];
	uint64_t overflow; /* of the first tier, left out; the others are guesses */
};

/* p is zeroed; once. */
void places_init(struct places *p, unsigned want, enum place_want near);
void places_near(struct places *p, const uint8_t head[static 8]);
/* A place told by the finder itself: of the first tier. */
void places_add(struct places *p, uint64_t addr, enum place_want size);
/* From all that looks random. */
ch_err places_find(struct places *p, struct hunt *h);

/* Each place once, tier by tier, and of equal contents one. */
struct place_tester {
	/* Whether more of this kind are to be tried; else they are left alone. */
	bool (*wants)(struct place_tester *t, const struct place *p, enum place_tier tier);
	/* is: as much as its size says; P-521: 72 bytes, or fewer where memory ends */
	ch_err (*test)(struct place_tester *t, const struct place *p, bytes is);
};
ch_err places_test(struct places *p, struct hunt *h, struct place_tester *t);
