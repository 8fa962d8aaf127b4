/* Hashes and keyed hashes of public data. */
#pragma once
#include "base/bytes.h"
#include "base/secret.h"

enum { SHA256_SIZE = 32, MAC_SIZE = 32, MAC_KEY_SIZE = 32 };

/* SHA-256 (FIPS 180-4). */
void sha256(bytes b, uint8_t ret_hash[static SHA256_SIZE]);
/* SHA-256 of the byte `tag` and then b, in one go: of what is public, by the million. */
void sha256_tagged(uint8_t tag, bytes b, uint8_t ret_hash[static SHA256_SIZE]);
/* HMAC-SHA-256 (RFC 2104) under a key of this process's own. */
void mac(const uint8_t key[static MAC_KEY_SIZE], bytes b, uint8_t ret_mac[static MAC_SIZE]);
/* BLAKE2b under a key, to find public data by; nobody else can choose what collides. What
 * only verifies has this and no mac. */
void keyed_hash(const uint8_t key[static MAC_KEY_SIZE], bytes b, uint8_t ret_hash[static MAC_SIZE]);
/* SHA-256 of a bearer secret: how random client secrets and codes are stored. */
void secret_hash(struct secret_bytes s, uint8_t ret_hash[static SHA256_SIZE]);
