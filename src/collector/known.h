/* The newest entries of the log by their hash, in memory: some 500,000 at least, then the older
 * half is forgotten. What is not here may still be in the log. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

struct known_half {
	uint64_t (*slots)[2]; /* cap of them; both 0: free */
	size_t cap, n;
};

struct known {
	uint8_t keys[2][16];
	struct known_half young, old;
};

/* Takes random keys: nobody outside can make two hashes alike. */
void known_init(struct known *k);
void known_done(struct known *k);
/* E_NOMEM: it was not added. */
ch_err known_add(struct known *k, const uint8_t hash[static 32]);
/* How many were added last that it has for sure. */
uint64_t known_count(const struct known *k);
bool known_has(const struct known *k, const uint8_t hash[static 32]);
