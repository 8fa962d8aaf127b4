/* The signature algorithms of JOSE that exist here. There is no other: no HMAC, no
 * "none", no encryption. */
#pragma once
#include "base/bytes.h"

enum alg { ALG_ES256, ALG_EDDSA, ALG_RS256, ALG_PS256, ALG_COUNT };

enum { SIGNATURE_MAX = 512 }; /* RSA-4096 */

/* As in the header: "ES256", "EdDSA", "RS256", "PS256". */
str alg_name(enum alg a);
/* Exact bytes; false when there is none of that name. */
bool alg_by_name(str name, enum alg *ret_alg);
