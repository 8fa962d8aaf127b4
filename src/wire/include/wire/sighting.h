/* A sighting as the gate records it and others read it: one record of a chain
 * (src/chain/FORMAT.md). Two chains in a folder, by whether the token's signature was good. */
#pragma once
#include "base/address.h"
#include "base/err.h"
#include "base/rw.h"

enum { SIGHTING_TEXT_MAX = 512, SIGHTING_MAX = 64 + 4 * (2 + SIGHTING_TEXT_MAX), SIGHTING_ID = 32 };

/* Types of records. */
enum sighting_type {
	SIGHTING_VERDICT = 1,
	SIGHTING_LOST = 2,    /* payload: u64, so many verdicts before it could not be recorded */
	SIGHTING_REPEATS = 3, /* the same verdict so many times more, soon after it */
};

/* Folder and purpose of the two chains. */
enum sighting_chain { SIGHTINGS_SIGNED, SIGHTINGS_UNSIGNED, SIGHTINGS_CHAINS };
extern const char *const sighting_folder[SIGHTINGS_CHAINS];
extern const str sighting_purpose[SIGHTINGS_CHAINS];

/*	0  1  version: 1
 *	1  1  code, as token/codes.h counts them
 *	2  1  family of the address: 4, 6, 0
 *	3  1  zero
 *	4 32  identity: SHA-256 of the signing input
 *     36  4, 16 or 0  the client's address
 *	   then kid, issuer, realm, location: u16 length, bytes
 */
struct sighting {
	uint8_t code;
	struct address client;
	uint8_t identity[SIGHTING_ID];
	str kid, issuer, realm; /* as far as known good; else empty */
	str location;           /* the place's name in the policy */
};

/*	0  8  how many, at least 1
 *	8  8  when the first of them was, in ms since 1970
 *     16  8  and the last
 *     24     the verdict they share, as above; an IPv6 address is that of its /64
 */
enum { SIGHTING_REPEATS_HEAD = 24 };
struct sighting_repeats {
	uint64_t more;
	int64_t first_ms, last_ms;
};

/* Bytes it takes; texts over SIGHTING_TEXT_MAX count as cut there. */
size_t sighting_size(const struct sighting *s);
/* Into p, of exactly sighting_size(s) bytes. */
void sighting_write(uint8_t *p, const struct sighting *s);
/* E_SYNTAX, E_UNSUPPORTED (another version), E_TRUNCATED, E_TRAILING; slices of b. */
ch_err sighting_read(bytes b, struct sighting *ret_s);
/* The head alone. */
void sighting_repeats_write(uint8_t p[static SIGHTING_REPEATS_HEAD],
			    const struct sighting_repeats *r);
/* Head and verdict; errors as sighting_read's. */
ch_err sighting_repeats_read(bytes b, struct sighting_repeats *ret_r, struct sighting *ret_s);
