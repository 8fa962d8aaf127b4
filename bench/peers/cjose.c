/* cjose as its users call it: import, verify by a kept JWK, plaintext, claims by jansson. */
#include <cjose/cjose.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rate.h"

static char *token;
static size_t token_n;
static cjose_jwk_t *key;

bool rate_load(const char *dir, const char *alg)
{
	cjose_err e;
	size_t n = 0;
	if (strcmp(alg, "EdDSA") == 0)
		return false;
	free(token);
	cjose_jwk_release(key);
	token = rate_file(dir, alg, ".tok", &token_n);
	char *jwk = rate_file(dir, alg, ".jwk", &n);
	key = cjose_jwk_import(jwk, n, &e);
	free(jwk);
	return key != NULL;
}

static bool text_is(const json_t *claims, const char *name, const char *value)
{
	const char *text = json_string_value(json_object_get(claims, name));
	return text && strcmp(text, value) == 0;
}

static bool claims_ok(const uint8_t *text, size_t n)
{
	json_t *claims = json_loadb((const char *)text, n, 0, NULL);
	bool ok = text_is(claims, "iss", rate_issuer) && text_is(claims, "aud", rate_audience) &&
		  json_integer_value(json_object_get(claims, "exp")) > time(NULL);
	json_decref(claims);
	return ok;
}

static bool take(bool with_signature)
{
	cjose_err e;
	uint8_t *text = NULL;
	size_t n = 0;
	cjose_jws_t *jws = cjose_jws_import(token, token_n, &e);
	bool ok = jws && (!with_signature || cjose_jws_verify(jws, key, &e)) &&
		  cjose_jws_get_plaintext(jws, &text, &n, &e) && claims_ok(text, n);
	cjose_jws_release(jws);
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
