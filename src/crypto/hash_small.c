/* SHA-256 and HMAC-SHA-256 (RFC 2104) by libsodium: hash.h for programs without
 * libcrypto. They cannot fail, and take what they are given as it is. */
#include <sodium.h>

#include "crypto/hash.h"
#include "crypto/small.h"

_Static_assert(SHA256_SIZE == crypto_hash_sha256_BYTES, "hash");
_Static_assert(MAC_SIZE == crypto_auth_hmacsha256_BYTES, "code");
_Static_assert(MAC_KEY_SIZE == crypto_auth_hmacsha256_KEYBYTES, "key");

ch_err crypto_small_init(void)
{
	if (sodium_init() < 0)
		return ch_fail(CH_E_CRYPTO, "libsodium does not start", 0);
	return CH_DONE;
}

void sha256(bytes b, uint8_t ret_hash[static SHA256_SIZE])
{
	(void)crypto_hash_sha256(ret_hash, b.p, b.n);
}

void sha256_tagged(uint8_t tag, bytes b, uint8_t ret_hash[static SHA256_SIZE])
{
	crypto_hash_sha256_state c;
	(void)crypto_hash_sha256_init(&c);
	(void)crypto_hash_sha256_update(&c, &tag, 1);
	(void)crypto_hash_sha256_update(&c, b.p, b.n);
	(void)crypto_hash_sha256_final(&c, ret_hash);
}

void mac(const uint8_t key[static MAC_KEY_SIZE], bytes b, uint8_t ret_mac[static MAC_SIZE])
{
	(void)crypto_auth_hmacsha256(ret_mac, b.p, b.n, key);
}

void secret_hash(struct secret_bytes s, uint8_t ret_hash[static SHA256_SIZE])
{
	sha256(s.hidden, ret_hash);
}
