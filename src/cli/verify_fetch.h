/* `chancery verify` without a key set: fetched from where the issuer publishes it. */
#pragma once
#include "base/arena.h"
#include "base/bytes.h"

struct fetch_wish {
	const char *jwks_uri; /* NULL: what the issuer's metadata say */
	const char *ca_file;  /* NULL: whom the system trusts */
};

/* The issuer's JWK set as it came, in a; *ret_from is its URL. EXIT_YES, or EXIT_TROUBLE with
 * the reason said. One try, no more than 64 KiB, https or loopback alone. */
int fetch_keys(const struct fetch_wish *w, str issuer, struct arena *a, bytes *ret_jwks,
	       str *ret_from);
