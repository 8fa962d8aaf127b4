/* What `chancery sightings` does with a folder of sightings. All return the exit status. */
#pragma once
#include "chain/cursor.h"
#include "wire/sighting.h"

struct sightings_wish {
	const char *folder;
	int64_t since_ms;
	bool json;
	bool has_identity;
	uint8_t identity[SIGHTING_ID];                    /* only sightings of this token */
	const struct chain_head *heads[SIGHTINGS_CHAINS]; /* kept earlier; NULL: none */
};

/* Both chains, merged by time. EXIT_NO when a token was asked for and never seen. */
int sightings_list(const struct sightings_wish *w);
/* Every record of both; prints a line each. EXIT_NO: damaged, or not the kept head's. */
int sightings_verify(const struct sightings_wish *w);
/* EXIT_NO: records from before then are left, since they share a file with later ones. */
int sightings_erase(const struct sightings_wish *w, int64_t before_ms);
