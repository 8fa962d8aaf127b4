/* Runs the keeper for the command line: new keys for an authority, and new times for those
 * it has. A passphrase descriptor is read from its start at each run. */
#pragma once
#include "authority.h"
#include "wire/roles.h"

/* What one run makes. */
struct generation {
	const struct config_realm *const *realms; /* at most REALMS_MAX */
	size_t n;
	bool log;               /* the log's key */
	bool random_passphrase; /* see roles.h */
};
/* Two keys for each realm: one that signs at once, and one that is staged behind it. The first
 * call for an authority makes keys/kdf. */
ch_err keeper_generate(const struct authority *a, int passphrase_fd, const struct generation *g);

/* The last new key of a run. */
struct imported {
	char kid[64];
	size_t kid_n;
	bool staged;
};
/* What a person says of a new key. */
struct new_key {
	uint8_t alg;     /* enum alg; 255: the realm's, or what fits the PEM */
	int64_t limit_s; /* it never signs from then on; 0: no limit */
};
/* One PEM from pem_fd. A realm's first key signs at once, another is staged and not planned. */
ch_err keeper_import(const struct authority *a, int passphrase_fd, int pem_fd,
		     const struct config_realm *realm, const struct new_key *wish,
		     struct imported *ret_key);
/* The same with a key that the keeper makes. */
ch_err keeper_add(const struct authority *a, int passphrase_fd, const struct config_realm *realm,
		  const struct new_key *wish, struct imported *ret_key);

/* Items of keeper_seal: a key that is to be made, or a sealed file that gets other times. */
ch_err keeper_new_key(const struct config_realm *realm, const struct key_times *times,
		      struct keeper_key *ret_key);
struct keeper_key keeper_new_times(str realm, bytes sealed, const struct key_times *times);
/* The longest lifetime of a token of this realm. */
uint32_t keeper_max_ttl_s(const struct config_realm *realm);
/* At most KEEPER_KEYS_MAX of them, each file written as it comes; jwks/ is not touched. */
ch_err keeper_seal(const struct authority *a, int passphrase_fd, const struct keeper_key *keys,
		   size_t n, struct imported *ret_new_or_null);
/* The passphrase file of the configuration, opened. */
ch_err keeper_open_passphrase(const struct authority *a, int *ret_fd);
