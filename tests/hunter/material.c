/* Which numbers give a key away: the private key's own, and for each signature what only
 * its maker knows (the nonce, its inverse, products with the key), also in Montgomery form,
 * as libcrypto computes with them. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/base64url.h"
#include "hunter.h"

enum { EC_BYTES = 32, SEED_BYTES = 32, HALF = 32, NUMBER_MAX = 512, SIGNATURE_BYTES = 64 };

struct material {
	const char *alg;
	BN_CTX *ctx;
	BIGNUM *d, *n, *r256; /* of P-256: key, order, 2^256 mod order */
	uint8_t prefix[HALF]; /* of Ed25519: SHA-512(seed), second half */
	BIGNUM *l;            /* the order of Ed25519's group */
};

static const char p256_order[] = "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551";
static const char ed25519_order[] =
	"1000000000000000000000000000000014DEF9DEA2F79CD65812631A5CF5D3ED";

static void add_number(struct prey *prey, const char *name, uint32_t owner, const BIGNUM *v,
		       bool texts)
{
	uint8_t big[EC_BYTES];
	if (BN_bn2binpad(v, big, sizeof(big)) < 0)
		abort();
	prey_add(prey, name, owner, BYTES_OF(big), texts);
}

/* As libcrypto computes with it. */
static void add_montgomery(const struct material *m, struct prey *prey, const char *name,
			   uint32_t owner, const BIGNUM *v)
{
	BIGNUM *mont = BN_new();
	if (!mont || !BN_mod_mul(mont, v, m->r256, m->n, m->ctx))
		abort();
	add_number(prey, name, owner, mont, false);
	BN_free(mont);
}

static bool read_ec(struct material *m, EVP_PKEY *key, struct prey *prey)
{
	if (!EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &m->d))
		return false;
	m->r256 = BN_new();
	if (!BN_hex2bn(&m->n, p256_order) || !m->r256 || !BN_set_bit(m->r256, 256) ||
	    !BN_mod(m->r256, m->r256, m->n, m->ctx))
		return false;
	m->alg = "ES256";
	add_number(prey, "d", 0, m->d, true);
	add_montgomery(m, prey, "d montgomery", 0, m->d);
	return true;
}

static bool read_ed25519(struct material *m, EVP_PKEY *key, struct prey *prey)
{
	uint8_t seed[SEED_BYTES], hash[2 * HALF];
	size_t n = sizeof(seed);
	if (!EVP_PKEY_get_raw_private_key(key, seed, &n) || !BN_hex2bn(&m->l, ed25519_order))
		return false;
	SHA512(seed, n, hash);
	m->alg = "EdDSA";
	memcpy(m->prefix, hash + HALF, HALF);
	prey_add(prey, "seed", 0, BYTES_OF(seed), true);
	prey_add(prey, "scalar", 0, (bytes){ hash, HALF }, true);
	prey_add(prey, "prefix", 0, (bytes){ hash + HALF, HALF }, true);
	return true;
}

static bool read_rsa(struct material *m, EVP_PKEY *key, struct prey *prey)
{
	static const struct {
		const char *name, *param;
	} numbers[] = {
		{ "p", OSSL_PKEY_PARAM_RSA_FACTOR1 },
		{ "q", OSSL_PKEY_PARAM_RSA_FACTOR2 },
		{ "d", OSSL_PKEY_PARAM_RSA_D },
		{ "dp", OSSL_PKEY_PARAM_RSA_EXPONENT1 },
		{ "dq", OSSL_PKEY_PARAM_RSA_EXPONENT2 },
		{ "qinv", OSSL_PKEY_PARAM_RSA_COEFFICIENT1 },
	};
	uint8_t big[NUMBER_MAX];
	m->alg = "RSA";
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		BIGNUM *v = NULL;
		if (!EVP_PKEY_get_bn_param(key, numbers[i].param, &v) ||
		    BN_num_bytes(v) > NUMBER_MAX)
			return false;
		prey_add(prey, numbers[i].name, 0, (bytes){ big, (size_t)BN_bn2bin(v, big) }, true);
		BN_clear_free(v);
	}
	return true;
}

static bool read_key(struct material *m, EVP_PKEY *key, struct prey *prey)
{
	if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_bits(key) == 256)
		return read_ec(m, key, prey);
	if (EVP_PKEY_is_a(key, "ED25519"))
		return read_ed25519(m, key, prey);
	return EVP_PKEY_is_a(key, "RSA") && read_rsa(m, key, prey);
}

struct material *material_read(const char *path, struct prey *prey)
{
	struct material *m = calloc(1, sizeof(*m));
	FILE *f = fopen(path, "r");
	EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
	if (f)
		(void)fclose(f);
	if (m)
		m->ctx = BN_CTX_new();
	bool ok = m && m->ctx && key && read_key(m, key, prey);
	EVP_PKEY_free(key);
	if (ok)
		return m;
	material_free(m);
	return NULL;
}

void material_free(struct material *m)
{
	if (!m)
		return;
	BN_CTX_free(m->ctx);
	BN_clear_free(m->d);
	BN_free(m->n);
	BN_free(m->r256);
	BN_free(m->l);
	free(m);
}

const char *material_alg(const struct material *m)
{
	return m->alg;
}

/* From s = k^-1 (z + r d): k = s^-1 (z + r d), all modulo n. */
static bool add_es256(const struct material *m, bytes input, const uint8_t *sig, uint32_t owner,
		      struct prey *prey)
{
	uint8_t z[SHA256_DIGEST_LENGTH];
	SHA256(input.p, input.n, z);
	BN_CTX_start(m->ctx);
	BIGNUM *r = BN_CTX_get(m->ctx), *s = BN_CTX_get(m->ctx), *k = BN_CTX_get(m->ctx);
	BIGNUM *product = BN_CTX_get(m->ctx), *sum = BN_CTX_get(m->ctx);
	bool ok = sum && BN_bin2bn(sig, 32, r) && BN_bin2bn(sig + 32, 32, s) &&
		  BN_mod_mul(product, r, m->d, m->n, m->ctx) && BN_bin2bn(z, sizeof(z), sum) &&
		  BN_mod_add(sum, sum, product, m->n, m->ctx) &&
		  BN_mod_inverse(k, s, m->n, m->ctx) && BN_mod_mul(k, k, sum, m->n, m->ctx);
	if (ok) {
		add_number(prey, "k", owner, k, true);
		add_montgomery(m, prey, "k montgomery", owner, k);
		add_number(prey, "rd", owner, product, false);
		add_montgomery(m, prey, "rd montgomery", owner, product);
		add_number(prey, "z+rd", owner, sum, false);
		add_montgomery(m, prey, "z+rd montgomery", owner, sum);
		ok = BN_mod_inverse(k, k, m->n, m->ctx) != NULL;
	}
	if (ok) {
		add_number(prey, "1/k", owner, k, false);
		add_montgomery(m, prey, "1/k montgomery", owner, k);
	}
	BN_CTX_end(m->ctx);
	return ok;
}

/* RFC 8032 section 5.1.6: r = SHA-512(prefix, message) modulo L. */
static bool add_eddsa(const struct material *m, bytes input, uint32_t owner, struct prey *prey)
{
	uint8_t hash[2 * HALF], little[HALF];
	uint8_t *both = malloc(HALF + input.n);
	BIGNUM *r = BN_new();
	if (!both)
		abort();
	memcpy(both, m->prefix, HALF);
	memcpy(both + HALF, input.p, input.n);
	SHA512(both, HALF + input.n, hash);
	free(both);
	bool ok = r && BN_lebin2bn(hash, sizeof(hash), r) && BN_mod(r, r, m->l, m->ctx) &&
		  BN_bn2lebinpad(r, little, sizeof(little)) > 0;
	if (ok) {
		prey_add(prey, "r", owner, BYTES_OF(little), true);
		prey_add(prey, "r unreduced", owner, BYTES_OF(hash), false);
	}
	BN_free(r);
	return ok;
}

bool material_add_token(const struct material *m, str token, uint32_t owner, struct prey *prey)
{
	uint8_t sig[SIGNATURE_BYTES];
	struct wr w = wr_of(sig, sizeof(sig));
	size_t n = token.n;
	while (n > 0 && token.p[n - 1] != '.')
		n--;
	if (n == 0 || failed(base64url_read(str_sub(token, n, token.n), &w)) || w.n != sizeof(sig))
		return false;
	bytes input = { (const uint8_t *)token.p, n - 1 };
	if (m->d)
		return add_es256(m, input, sig, owner, prey);
	return m->l && add_eddsa(m, input, owner, prey);
}
