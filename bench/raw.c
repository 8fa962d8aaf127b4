/* Three ways to one ES256 signature. The bench takes the fastest as its limit: a
 * comparison with a slow call would flatter us. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "raw.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

enum { DER_MAX = 80 };

static struct {
	EVP_PKEY *pkey;
	EVP_PKEY_CTX *sign;
	EVP_MD_CTX *digest;
	EC_KEY *ec;
} raw;

ch_err raw_init(void)
{
	raw.pkey = EVP_EC_gen("P-256");
	raw.digest = EVP_MD_CTX_new();
	raw.ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	if (!raw.pkey || !raw.digest || !raw.ec || EC_KEY_generate_key(raw.ec) != 1)
		return ch_fail(CH_E_CRYPTO, "libcrypto made no key", 0);
	raw.sign = EVP_PKEY_CTX_new(raw.pkey, NULL);
	if (!raw.sign || EVP_PKEY_sign_init(raw.sign) != 1)
		return ch_fail(CH_E_CRYPTO, "libcrypto cannot sign", 0);
	return CH_DONE;
}

static bool by_digest_sign(bytes input)
{
	uint8_t der[DER_MAX];
	size_t n = sizeof(der);
	return EVP_DigestSignInit(raw.digest, NULL, EVP_sha256(), NULL, raw.pkey) == 1 &&
	       EVP_DigestSign(raw.digest, der, &n, input.p, input.n) == 1;
}

static bool by_pkey_sign(bytes input)
{
	uint8_t der[DER_MAX], hash[SHA256_DIGEST_LENGTH];
	size_t n = sizeof(der);
	return SHA256(input.p, input.n, hash) &&
	       EVP_PKEY_sign(raw.sign, der, &n, hash, sizeof(hash)) == 1;
}

static bool by_ecdsa(bytes input)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	(void)SHA256(input.p, input.n, hash);
	ECDSA_SIG *sig = ECDSA_do_sign(hash, sizeof(hash), raw.ec);
	ECDSA_SIG_free(sig);
	return sig != NULL;
}

static const struct {
	const char *name;
	bool (*sign)(bytes input);
} ways[RAW_WAY_COUNT] = {
	[RAW_DIGEST_SIGN] = { "EVP_DigestSign", by_digest_sign },
	[RAW_PKEY_SIGN] = { "SHA256 + EVP_PKEY_sign", by_pkey_sign },
	[RAW_ECDSA] = { "SHA256 + ECDSA_do_sign", by_ecdsa },
};

const char *raw_name(enum raw_way way)
{
	return ways[way].name;
}

ch_err raw_sign(enum raw_way way, bytes input, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!ways[way].sign(input))
			return ch_fail(CH_E_CRYPTO, "libcrypto did not sign", i);
	return CH_DONE;
}
