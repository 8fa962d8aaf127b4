/* How a client that is added will authenticate. */
#pragma once
#include "base/bytes.h"

struct client_method {
	str name;        /* as the store has it */
	bool has_secret; /* it will have one */
	str jwks;        /* its public keys, checked; empty: none */
};

/* From --auth, --jwks and --public, any of which may be missing. Says what is wrong and
 * returns an exit status. jwks_file may be "-". */
int client_method_take(const char *auth, const char *jwks_file, bool is_public,
		       struct client_method *ret_m);
