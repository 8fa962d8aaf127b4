/* rhonabwy: a JWKS, the key by kid, the algorithm of the key, and r_jwt_validate_claims
 * with all that it can be told. nbf is named only when it is there, since naming it
 * demands it. */
#include <rhonabwy.h>
#include <string.h>

#include "adapter.h"

const char *const adapter_name = "rhonabwy " PEER_VERSION;
const char *const adapter_has[] = { "payload",  "EdDSA", "PS256",         "typ", "iss",
				    "aud",      "exp",   "nbf",           "iat", "exp-required",
				    "required", "load",  "integer-times", NULL };

static bool claims_ok(jwt_t *jwt, const json_t *question, const json_t *issuer)
{
	int now = (int)json_integer_value(json_object_get(question, "now"));
	const json_t *audiences = json_object_get(issuer, "audiences");
	const char *aud = json_string_value(json_array_get(audiences, 0));
	bool access = strcmp(text_of(issuer, "typ"), "at+jwt") == 0;
	json_t *nbf = r_jwt_get_claim_json_t_value(jwt, "nbf");
	bool ok = r_jwt_validate_claims(jwt, R_JWT_CLAIM_ISS, text_of(issuer, "issuer"),
					R_JWT_CLAIM_AUD, aud, R_JWT_CLAIM_EXP, now, R_JWT_CLAIM_IAT,
					now, R_JWT_CLAIM_SUB, NULL, R_JWT_CLAIM_TYP,
					text_of(issuer, "typ"), R_JWT_CLAIM_NOP) == RHN_OK;
	if (ok && nbf)
		ok = r_jwt_validate_claims(jwt, R_JWT_CLAIM_NBF, now, R_JWT_CLAIM_NOP) == RHN_OK;
	if (ok && access)
		ok = r_jwt_validate_claims(jwt, R_JWT_CLAIM_JTI, NULL, R_JWT_CLAIM_STR, "client_id",
					   NULL, R_JWT_CLAIM_NOP) == RHN_OK;
	json_decref(nbf);
	return ok;
}

/* Its own set finds the key; the application looks whether it is the right one for alg. */
static bool signature_ok(jwt_t *jwt, jwks_t *jwks, const json_t *issuer)
{
	const char *kid = r_jwt_get_header_str_value(jwt, "kid");
	json_t *fits = jwk_of(issuer, kid, r_jwt_get_header_str_value(jwt, "alg"));
	jwk_t *jwk = fits ? r_jwks_get_by_kid(jwks, kid) : NULL;
	bool ok = jwk && r_jwt_verify_signature(jwt, jwk, 0) == RHN_OK;
	r_jwk_free(jwk);
	json_decref(fits);
	return ok;
}

bool adapter_accepts(const json_t *question, const json_t *issuer)
{
	const json_t *token = json_object_get(question, "token");
	jwt_t *jwt = NULL;
	jwks_t *jwks = NULL;
	bool ok = r_jwt_init(&jwt) == RHN_OK && r_jwks_init(&jwks) == RHN_OK;
	/* keys that it does not know are passed over */
	if (ok)
		(void)r_jwks_import_from_json_str(jwks, text_of(issuer, "jwks"));
	ok = ok &&
	     r_jwt_parsen(jwt, json_string_value(token), json_string_length(token), 0) == RHN_OK &&
	     signature_ok(jwt, jwks, issuer) && claims_ok(jwt, question, issuer);
	r_jwt_free(jwt);
	r_jwks_free(jwks);
	return ok;
}
