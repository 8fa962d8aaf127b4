/* Keyed hashes, and hashes of secrets: HMAC-SHA-256 (RFC 2104) by the calls of libcrypto
 * that cannot fail, see hash.c. No token is signed or verified by it: code that only
 * verifies does not link this file. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "crypto/hash.h"

enum { BLOCK = 64 };

/* H(key padded to a block, each byte xor pad, then b) */
static void pass(const uint8_t key[static MAC_KEY_SIZE], uint8_t pad, bytes b,
		 uint8_t ret_hash[static SHA256_SIZE])
{
	SHA256_CTX c;
	SECRET_BUF(block, BLOCK);
	for (size_t i = 0; i < BLOCK; i++)
		block[i] = (uint8_t)(pad ^ (i < MAC_KEY_SIZE ? key[i] : 0));
	(void)SHA256_Init(&c);
	(void)SHA256_Update(&c, block, BLOCK);
	(void)SHA256_Update(&c, b.p, b.n);
	(void)SHA256_Final(ret_hash, &c);
	mem_wipe(&c, sizeof(c));
}

void mac(const uint8_t key[static MAC_KEY_SIZE], bytes b, uint8_t ret_mac[static MAC_SIZE])
{
	SECRET_BUF(inner, SHA256_SIZE);
	pass(key, 0x36, b, inner);
	pass(key, 0x5c, (bytes){ inner, SHA256_SIZE }, ret_mac);
}

void secret_hash(struct secret_bytes s, uint8_t ret_hash[static SHA256_SIZE])
{
	sha256(s.hidden, ret_hash);
}
