/* How a client authenticates: the ways there are, and its public keys. */
#pragma once
#include "base/bytes.h"

struct client_method {
	str name;        /* as the store has it */
	bool has_secret; /* it has a secret */
	bool has_keys;   /* it has public keys */
};

/* NULL: there is none of that name, which is said. */
const struct client_method *client_method_of(str name);
/* The JWK set in a file ("-" is standard input), without blanks, NUL-terminated. Says what is
 * wrong and returns an exit status. Good until the next call. */
int client_keys_take(const char *file, str *ret_jwks);
/* Can these be a client's public keys? Says why not. */
bool client_keys_ok(str jwks);
