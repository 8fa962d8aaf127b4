/* Keyed BLAKE2b (RFC 7693), to find things by: tables and nonces of a process that only
 * verifies. It cannot fail and allocates nothing. */
#include <assert.h>
#include <sodium.h>

#include "crypto/hash.h"

void keyed_hash(const uint8_t key[static MAC_KEY_SIZE], bytes b, uint8_t ret_hash[static MAC_SIZE])
{
	int bad = crypto_generichash(ret_hash, MAC_SIZE, b.p, b.n, key, MAC_KEY_SIZE);
	assert(!bad); /* only for sizes that are out of range */
}
