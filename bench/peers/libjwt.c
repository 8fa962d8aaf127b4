/* libjwt 1.10 as its documentation has it: jwt_decode with the PEM, which is parsed at each
 * call, since there is no key object; the algorithm and the claims are the caller's. It
 * refuses the typ of RFC 9068, so its token says JWT. */
#include <jwt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rate.h"

static char *token, *pem;
static size_t pem_n;
static jwt_alg_t expected;

bool rate_load(const char *dir, const char *alg)
{
	expected = strcmp(alg, "ES256") == 0 ? JWT_ALG_ES256 : JWT_ALG_RS256;
	if (strcmp(alg, "ES256") != 0 && strcmp(alg, "RS256") != 0)
		return false;
	free(token);
	free(pem);
	token = rate_file(dir, alg, ".jwt", NULL);
	pem = rate_file(dir, alg, ".pem", &pem_n);
	return true;
}

static bool claims_ok(jwt_t *t)
{
	const char *iss = jwt_get_grant(t, "iss"), *aud = jwt_get_grant(t, "aud");
	return iss && aud && strcmp(iss, rate_issuer) == 0 && strcmp(aud, rate_audience) == 0 &&
	       jwt_get_grant_int(t, "exp") > time(NULL);
}

static bool verify(void)
{
	jwt_t *t = NULL;
	bool ok = jwt_decode(&t, token, (unsigned char *)pem, (int)pem_n) == 0 &&
		  jwt_get_alg(t) == expected && claims_ok(t);
	jwt_free(t);
	return ok;
}

rate_way *rate_of(const char *what)
{
	return strcmp(what, "verify") == 0 ? verify : NULL;
}
