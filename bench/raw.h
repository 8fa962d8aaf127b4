/* What libcrypto alone does: SHA-256 and ES256 of one input by one kept key. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

/* Ways to ask libcrypto for the same signature. */
enum raw_way { RAW_DIGEST_SIGN, RAW_PKEY_SIGN, RAW_ECDSA, RAW_WAY_COUNT };

ch_err raw_init(void);
const char *raw_name(enum raw_way way);
/* Signs input n times. */
ch_err raw_sign(enum raw_way way, bytes input, size_t n);
