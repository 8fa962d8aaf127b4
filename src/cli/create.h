/* Making an authority's folder: what `init` and `serve --dev` have in common. */
#pragma once
#include "authority.h"

struct creation {
	const char *dir;
	const struct config *config;
	bool random_passphrase; /* make one in DIR/passphrase */
	bool no_keys;           /* no realm gets a key */
	const str *keyless;     /* realms that get none */
	size_t n_keyless;
	mode_t dir_mode;
	bool anew; /* it had a log before: this is another one */
};

/* A new folder (or an empty one) with configuration, stores and sealed keys. Says
 * what is wrong; EXIT_NO when there is an authority already. */
int create_authority(const struct creation *c, struct authority *ret_a);

/* Its parts, for a restore: a random passphrase in a file of DIR, and the first key of each
 * realm. */
ch_err create_passphrase(const struct authority *a, const char *name);
ch_err create_keys(const struct creation *c, const struct authority *a);
