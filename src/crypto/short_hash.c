/* SipHash-2-4 by libsodium: cannot fail, allocates nothing, needs no initialisation. */
#include "crypto/short_hash.h"

#include <sodium.h>

_Static_assert(SHORT_HASH_KEY_SIZE == crypto_shorthash_KEYBYTES, "key");
_Static_assert(sizeof(uint64_t) == crypto_shorthash_BYTES, "hash");

uint64_t short_hash(const uint8_t key[static SHORT_HASH_KEY_SIZE], bytes b)
{
	uint8_t hash[crypto_shorthash_BYTES];
	(void)crypto_shorthash(hash, b.p, b.n, key);
	return load_le64(hash);
}
