/* Private keys of RS256 and PS256 (RFC 7518 sections 3.3 and 3.5) by EVP, with a context
 * that is made once a key. PSS has MGF1 with SHA-256 and a salt of exactly 32 bytes. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "crypto/hash.h"
#include "private_internal.h"

enum { BITS_NEW = 2048, SALT = SHA256_SIZE };

void rsa_private_drop(struct private_key *k)
{
	EVP_PKEY_CTX_free(k->rsa_sign);
	EVP_PKEY_free(k->rsa);
}

static void ctx_done(EVP_PKEY_CTX **c)
{
	EVP_PKEY_CTX_free(*c);
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
	TRY(rsa_check_numbers(n, e));
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
	TRY(rsa_check_numbers(n, e));
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

const struct private_ops rsa_private = {
	.generate = rsa_generate,
	.adopt = rsa_adopt,
	.export = rsa_export,
	.load = rsa_load,
	.publish = rsa_publish,
	.sign = rsa_sign,
};
