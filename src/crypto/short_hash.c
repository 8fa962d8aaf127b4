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

struct wide_hash short_hash_wide(const uint8_t key[static SHORT_HASH_KEY_SIZE], bytes b)
{
	_Static_assert(crypto_shorthash_siphashx24_BYTES == 2 * sizeof(uint64_t), "hash");
	uint8_t hash[crypto_shorthash_siphashx24_BYTES];
	(void)crypto_shorthash_siphashx24(hash, b.p, b.n, key);
	return (struct wide_hash){ load_le64(hash), load_le64(hash + sizeof(uint64_t)) };
}
