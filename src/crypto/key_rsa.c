/* RS256 and PS256 (RFC 7518 sections 3.3 and 3.5) by EVP with contexts that are
 * made once a key. PSS has MGF1 with SHA-256 and a salt of exactly 32 bytes. Only
 * e = 65537 and moduli of 2048 to 4096 bits exist here. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "base/ck.h"
#include "crypto/hash.h"
#include "key_internal.h"

enum { BITS_MIN = 2048, BITS_MAX = 8 * RSA_MODULUS_MAX, BITS_NEW = 2048, SALT = SHA256_SIZE };

void rsa_drop(EVP_PKEY *rsa, EVP_PKEY_CTX *ctx)
{
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(rsa);
}

static void ctx_done(EVP_PKEY_CTX **c)
{
	EVP_PKEY_CTX_free(*c);
}

static void bld_done(OSSL_PARAM_BLD **b)
{
	OSSL_PARAM_BLD_free(*b);
}

static void params_done(OSSL_PARAM **p)
{
	OSSL_PARAM_free(*p);
}

static ch_err set_padding(EVP_PKEY_CTX *c, enum alg a)
{
	bool pss = a == ALG_PS256;
	if (EVP_PKEY_CTX_set_rsa_padding(c, pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) != 1)
		return ch_fail(CH_E_CRYPTO, "cannot set the RSA padding", lib_error());
	if (pss && (EVP_PKEY_CTX_set_rsa_mgf1_md(c, EVP_sha256()) != 1 ||
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(c, SALT) != 1))
		return ch_fail(CH_E_CRYPTO, "cannot set the PSS parameters", lib_error());
	return CH_DONE;
}

static ch_err start_signing(struct private_key *k)
{
	k->rsa_sign = EVP_PKEY_CTX_new(k->rsa, NULL);
	if (!k->rsa_sign || EVP_PKEY_sign_init(k->rsa_sign) != 1)
		return ch_fail(CH_E_CRYPTO, "cannot start signing by RSA", lib_error());
	return set_padding(k->rsa_sign, k->alg);
}

static ch_err number_of(const EVP_PKEY *rsa, const char *name, BIGNUM **ret_n)
{
	if (EVP_PKEY_get_bn_param(rsa, name, ret_n) != 1)
		return ch_fail(CH_E_MISMATCH, "the RSA key lacks a number", lib_error());
	return CH_DONE;
}

/* CVE-2017-15361: moduli whose primes a weak chip made are powers of 65537 modulo each
 * of these; another modulus is so by a chance of 1 in 2^27. */
static bool is_weak_chip(const BIGNUM *n)
{
	static const uint8_t primes[] = {
		3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,
		47,  53,  59,  61,  67,  71,  73,  79,  83,  89,  97,  101, 103,
		107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
	};
	for (size_t i = 0; i < COUNT_OF(primes); i++) {
		BN_ULONG rest = BN_mod_word(n, primes[i]), power = 1;
		bool found = power == rest;
		for (size_t k = 0; k < primes[i] && !found; k++) {
			power = power * RSA_F4 % primes[i];
			found = power == rest;
		}
		if (!found)
			return false;
	}
	return true;
}

static ch_err check_size(const BIGNUM *n, const BIGNUM *e)
{
	int bits = BN_num_bits(n);
	if (bits < BITS_MIN || bits > BITS_MAX)
		return ch_fail(CH_E_MISMATCH, "an RSA modulus must have 2048 to 4096 bits", bits);
	if (!BN_is_odd(n))
		return ch_fail(CH_E_MISMATCH, "an RSA modulus must be odd", 0);
	if (!BN_is_word(e, RSA_F4))
		return ch_fail(CH_E_MISMATCH, "the RSA exponent must be 65537", 0);
	if (is_weak_chip(n))
		return ch_fail(CH_E_RANGE, "an RSA modulus of a weak chip (CVE-2017-15361)", 0);
	return CH_DONE;
}

static ch_err rsa_generate(struct private_key *k)
{
	k->rsa = EVP_RSA_gen(BITS_NEW);
	if (!k->rsa)
		return ch_fail(CH_E_CRYPTO, "cannot generate an RSA key", lib_error());
	return start_signing(k);
}

/* primes and both halves; takes some tens of milliseconds */
static ch_err check_whole(EVP_PKEY *rsa)
{
	AUTO(ctx_done) EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(rsa, NULL);
	if (!c || EVP_PKEY_check(c) != 1)
		return ch_fail(CH_E_MISMATCH, "the RSA key's numbers do not belong together",
			       lib_error());
	return CH_DONE;
}

static ch_err rsa_adopt(struct private_key *k, EVP_PKEY *pkey, bool foreign)
{
	AUTO(bn_done) BIGNUM *n = NULL;
	AUTO(bn_done) BIGNUM *e = NULL;
	AUTO(bn_done) BIGNUM *d = NULL;
	if (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA)
		return ch_fail(CH_E_MISMATCH, "RS256 and PS256 want an RSA key", 0);
	TRY(number_of(pkey, OSSL_PKEY_PARAM_RSA_N, &n));
	TRY(number_of(pkey, OSSL_PKEY_PARAM_RSA_E, &e));
	TRY(number_of(pkey, OSSL_PKEY_PARAM_RSA_D, &d));
	TRY(check_size(n, e));
	if (foreign)
		TRY(check_whole(pkey));
	if (EVP_PKEY_up_ref(pkey) != 1)
		return ch_fail(CH_E_CRYPTO, "cannot keep the RSA key", lib_error());
	k->rsa = pkey;
	return start_signing(k);
}

static ch_err rsa_export(const struct private_key *k, struct secret **ret_s)
{
	return pkcs8_write(k->rsa, ret_s);
}

static ch_err rsa_load(struct private_key *k, bytes exported)
{
	AUTO(pkey_done) EVP_PKEY *pkey = NULL;
	TRY(pkcs8_read(exported, &pkey));
	return rsa_adopt(k, pkey, false);
}

static ch_err rsa_publish(const struct private_key *k, struct key_parts *parts)
{
	AUTO(bn_done) BIGNUM *n = NULL;
	AUTO(bn_done) BIGNUM *e = NULL;
	TRY(number_of(k->rsa, OSSL_PKEY_PARAM_RSA_N, &n));
	TRY(number_of(k->rsa, OSSL_PKEY_PARAM_RSA_E, &e));
	TRY(check_size(n, e));
	parts->n_size = (size_t)BN_bn2bin(n, parts->n);
	parts->e_size = (size_t)BN_bn2bin(e, parts->e);
	return CH_DONE;
}

static ch_err rsa_sign(struct private_key *k, bytes message, uint8_t *sig, size_t *ret_n)
{
	uint8_t hash[SHA256_SIZE];
	size_t n = SIGNATURE_MAX;
	sha256(message, hash);
	if (EVP_PKEY_sign(k->rsa_sign, sig, &n, hash, sizeof(hash)) != 1)
		return ch_fail(CH_E_CRYPTO, "RSA does not sign", lib_error());
	*ret_n = n;
	return CH_DONE;
}

static ch_err pkey_of_numbers(const BIGNUM *n, const BIGNUM *e, EVP_PKEY **ret_pkey)
{
	AUTO(bld_done) OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	AUTO(ctx_done) EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	AUTO(params_done) OSSL_PARAM *params = NULL;
	if (!b || !c || OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e) != 1)
		return ch_fail(CH_E_CRYPTO, "cannot build an RSA key", lib_error());
	params = OSSL_PARAM_BLD_to_param(b);
	if (!params || EVP_PKEY_fromdata_init(c) != 1 ||
	    EVP_PKEY_fromdata(c, ret_pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return ch_fail(CH_E_CRYPTO, "cannot load an RSA key", lib_error());
	return CH_DONE;
}

static ch_err rsa_load_public(struct public_key *k, const struct key_parts *parts)
{
	if (parts->n_size == 0 || parts->n_size > sizeof(parts->n) || parts->n[0] == 0 ||
	    parts->e_size > sizeof(parts->e))
		return ch_fail(CH_E_RANGE, "an RSA number of impossible size", parts->n_size);
	AUTO(bn_done) BIGNUM *n = BN_bin2bn(parts->n, int_from(parts->n_size), NULL);
	AUTO(bn_done) BIGNUM *e = BN_bin2bn(parts->e, int_from(parts->e_size), NULL);
	if (!n || !e)
		return ch_fail(CH_E_NOMEM, "no memory for a public key", lib_error());
	TRY(check_size(n, e));
	TRY(pkey_of_numbers(n, e, &k->rsa));
	k->rsa_verify = EVP_PKEY_CTX_new(k->rsa, NULL);
	if (!k->rsa_verify || EVP_PKEY_verify_init(k->rsa_verify) != 1)
		return ch_fail(CH_E_CRYPTO, "cannot start verifying by RSA", lib_error());
	return set_padding(k->rsa_verify, k->alg);
}

static ch_err rsa_verify(const struct public_key *k, struct key_work *work_or_null,
			 struct signed_text t, bytes sig)
{
	(void)work_or_null;
	if (sig.n != (size_t)EVP_PKEY_get_size(k->rsa))
		return ch_fail(CH_E_MISMATCH, "an RSA signature has the modulus's size", sig.n);
	if (EVP_PKEY_verify(k->rsa_verify, sig.p, sig.n, t.sha256, sizeof(t.sha256)) != 1)
		return ch_fail(CH_E_MISMATCH, "the RSA signature is wrong", lib_error());
	return CH_DONE;
}

#define RSA_OPS                                                                     \
	{                                                                           \
		.generate = rsa_generate, .adopt = rsa_adopt, .export = rsa_export, \
		.load = rsa_load, .publish = rsa_publish, .sign = rsa_sign,         \
		.load_public = rsa_load_public, .verify = rsa_verify,               \
	}

const struct alg_ops rs256_ops = RSA_OPS;
const struct alg_ops ps256_ops = RSA_OPS;
