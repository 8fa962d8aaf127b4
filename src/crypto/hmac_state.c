/* States of HMAC's two hashes after the key, by the functions of OpenSSL that still show the
 * state; nothing else here uses them. The key is secret, and wiped from what is ours. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "base/secret.h"
#include "crypto/hmac_state.h"

enum { BLOCK_256 = 64, BLOCK_512 = 128, INNER = 0x36, OUTER = 0x5c };

/* The key as the first block of a hash; longer ones are hashed first. */
static void block_of(enum hmac_hash hash, bytes key, uint8_t *block)
{
	size_t size = hash == HMAC_SHA256 ? BLOCK_256 : BLOCK_512;
	if (key.n <= size)
		mem_copy(block, key.p, key.n);
	else if (hash == HMAC_SHA256)
		SHA256(key.p, key.n, block);
	else if (hash == HMAC_SHA384)
		SHA384(key.p, key.n, block);
	else
		SHA512(key.p, key.n, block);
}

static size_t state_256(const uint8_t *block, uint8_t *ret_state)
{
	SHA256_CTX c;
	SHA256_Init(&c);
	SHA256_Update(&c, block, BLOCK_256);
	mem_copy(ret_state, c.h, sizeof(c.h));
	mem_wipe(&c, sizeof(c));
	return 32;
}

static size_t state_512(enum hmac_hash hash, const uint8_t *block, uint8_t *ret_state)
{
	SHA512_CTX c;
	if (hash == HMAC_SHA384)
		SHA384_Init(&c);
	else
		SHA512_Init(&c);
	SHA512_Update(&c, block, BLOCK_512);
	mem_copy(ret_state, c.h, sizeof(c.h));
	mem_wipe(&c, sizeof(c));
	return 64;
}

static size_t state_of(enum hmac_hash hash, uint8_t *block, uint8_t with, uint8_t *ret_state)
{
	for (size_t i = 0; i < BLOCK_512; i++)
		block[i] ^= with;
	return hash == HMAC_SHA256 ? state_256(block, ret_state)
				   : state_512(hash, block, ret_state);
}

size_t hmac_states(enum hmac_hash hash, bytes key, uint8_t ret_inner[static HMAC_STATE_MAX],
		   uint8_t ret_outer[static HMAC_STATE_MAX])
{
	SECRET_BUF(block, BLOCK_512);
	block_of(hash, key, block);
	state_of(hash, block, INNER, ret_inner);
	return state_of(hash, block, INNER ^ OUTER, ret_outer);
}
