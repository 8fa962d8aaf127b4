/* The insides of what related.h names, for the files of RSA and of curves. */
#pragma once
#include <openssl/ec.h>

#include "crypto/related.h"
#include "public_internal.h"

struct relater {
	BN_CTX *ctx;
	BIGNUM *a, *b;                 /* a candidate, and what is left of it */
	EC_GROUP *groups[CURVE_COUNT]; /* made when first asked for */
	EC_POINT *points[CURVE_COUNT];
};
