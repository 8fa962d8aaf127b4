/* JWK to PEM by rhonabwy, for a library that takes PEM only; apart, since their headers do
 * not go together. */
#include "jwk_pem.h"

#include <rhonabwy.h>
#include <stdbool.h>
#include <stdlib.h>

size_t jwk_to_pem(const json_t *jwk, unsigned char pem[static PEM_MAX])
{
	char *text = json_dumps(jwk, 0);
	jwk_t *key = NULL;
	size_t n = PEM_MAX;
	bool ok = text && r_jwk_init(&key) == RHN_OK &&
		  r_jwk_import_from_json_str(key, text) == RHN_OK &&
		  r_jwk_export_to_pem_der(key, R_FORMAT_PEM, pem, &n, 0) == RHN_OK;
	r_jwk_free(key);
	free(text);
	return ok ? n : 0;
}
