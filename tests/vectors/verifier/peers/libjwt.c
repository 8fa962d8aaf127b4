/* libjwt 1: jwt_decode with the PEM of the key of the token's kid, then jwt_get_alg must be
 * the key's, as its documentation asks. It checks no claim by itself. The kid is read by
 * its own parser first, without a key. */
#include <jwt.h>
#include <stdlib.h>
#include <string.h>

#include "adapter.h"
#include "jwk_pem.h"

const char *const adapter_name = "libjwt " PEER_VERSION;
const char *const adapter_has[] = { "payload", NULL };

/* The key that the token names; the caller's. */
static json_t *key_of(const char *token, const json_t *issuer)
{
	jwt_t *jwt = NULL;
	json_t *jwk = NULL;
	if (jwt_decode(&jwt, token, NULL, 0) == 0)
		jwk = jwk_of(issuer, jwt_get_header(jwt, "kid"), jwt_get_header(jwt, "alg"));
	jwt_free(jwt);
	return jwk;
}

bool adapter_accepts(const json_t *question, const json_t *issuer)
{
	const char *token = text_of(question, "token");
	unsigned char pem[PEM_MAX];
	jwt_t *jwt = NULL;
	json_t *jwk = key_of(token, issuer);
	size_t n = jwk ? jwk_to_pem(jwk, pem) : 0;
	bool ok = n && jwt_decode(&jwt, token, pem, (int)n) == 0 &&
		  strcmp(jwt_alg_str(jwt_get_alg(jwt)), text_of(jwk, "alg")) == 0;
	jwt_free(jwt);
	json_decref(jwk);
	return ok;
}
