/* cjose: signatures only; the payload is not its matter. The key is taken by kid and alg
 * from the set by the application. */
#include <cjose/cjose.h>
#include <stdlib.h>
#include <string.h>

#include "adapter.h"

const char *const adapter_name = "cjose " PEER_VERSION;
const char *const adapter_has[] = { "PS256", "load", NULL };

static bool verified(cjose_jws_t *jws, const json_t *issuer)
{
	cjose_err err;
	cjose_header_t *header = cjose_jws_get_protected(jws);
	const char *alg = cjose_header_get(header, "alg", &err);
	json_t *jwk = jwk_of(issuer, cjose_header_get(header, "kid", &err), alg);
	char *text = jwk ? json_dumps(jwk, 0) : NULL;
	cjose_jwk_t *key = text ? cjose_jwk_import(text, strlen(text), &err) : NULL;
	bool ok = key && cjose_jws_verify(jws, key, &err);
	if (key)
		(void)cjose_jwk_release(key);
	free(text);
	json_decref(jwk);
	return ok;
}

bool adapter_accepts(const json_t *question, const json_t *issuer)
{
	cjose_err err;
	const json_t *token = json_object_get(question, "token");
	cjose_jws_t *jws =
		cjose_jws_import(json_string_value(token), json_string_length(token), &err);
	bool ok = jws && verified(jws, issuer);
	if (jws)
		cjose_jws_release(jws);
	return ok;
}
