/* What programs keep of an HMAC key (RFC 2104): the states of the hash after the key's inner
 * and outer block. They sign as well as the key does, and the key itself is often gone. */
#pragma once
#include "base/bytes.h"

enum hmac_hash { HMAC_SHA256, HMAC_SHA384, HMAC_SHA512, HMAC_HASH_COUNT };
enum { HMAC_STATE_MAX = 64 };

/* As the eight words of the hash lie in memory on this machine: 32 bytes for SHA-256, else 64,
 * which is returned. */
size_t hmac_states(enum hmac_hash hash, bytes key, uint8_t ret_inner[static HMAC_STATE_MAX],
		   uint8_t ret_outer[static HMAC_STATE_MAX]);
