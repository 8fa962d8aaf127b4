/* rhonabwy as its documentation has it: parse, verify by a kept JWK, validate claims. */
#include <rhonabwy.h>
#include <stdlib.h>
#include <string.h>

#include "rate.h"

static char *token;
static jwk_t *key;

bool rate_load(const char *dir, const char *alg)
{
	static bool started;
	if (!started)
		r_global_init();
	started = true;
	free(token);
	r_jwk_free(key);
	token = rate_file(dir, alg, ".tok", NULL);
	char *jwk = rate_file(dir, alg, ".jwk", NULL);
	bool ok = r_jwk_init(&key) == RHN_OK && r_jwk_import_from_json_str(key, jwk) == RHN_OK;
	free(jwk);
	return ok;
}

static bool take(bool with_signature)
{
	jwt_t *t = NULL;
	bool ok = r_jwt_init(&t) == RHN_OK && r_jwt_parse(t, token, 0) == RHN_OK &&
		  (!with_signature || r_jwt_verify_signature(t, key, 0) == RHN_OK) &&
		  r_jwt_validate_claims(t, R_JWT_CLAIM_ISS, rate_issuer, R_JWT_CLAIM_AUD,
					rate_audience, R_JWT_CLAIM_EXP, R_JWT_CLAIM_NOW,
					R_JWT_CLAIM_NOP) == RHN_OK;
	r_jwt_free(t);
	return ok;
}

static bool verify(void)
{
	return take(true);
}

static bool parse(void)
{
	return take(false);
}

rate_way *rate_of(const char *what)
{
	return strcmp(what, "verify") == 0 ? verify : strcmp(what, "parse") == 0 ? parse : NULL;
}
