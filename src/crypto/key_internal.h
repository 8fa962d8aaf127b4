/* What the files of this folder share: the keys' insides and one row of functions
 * for each algorithm. */
#pragma once
#include <openssl/types.h>

#include "crypto/key.h"

/* The one that is used depends on the algorithm. Lives in libcrypto's heap, for ed
 * is the key itself. */
struct private_key {
	enum alg alg;
	EC_KEY *ec;
	EVP_PKEY *rsa;
	EVP_PKEY_CTX *rsa_sign;
	uint8_t ed[64]; /* seed || public key, as libsodium has it */
};

struct public_key {
	enum alg alg;
	EC_KEY *ec;
	EVP_PKEY *rsa;
	EVP_PKEY_CTX *rsa_verify;
	uint8_t ed[32];
};

struct alg_ops {
	ch_err (*generate)(struct private_key *k);
	/* Takes over what a parser found; foreign: it came from outside, so that
	 * everything about it must be checked. Does not own pkey. */
	ch_err (*adopt)(struct private_key *k, EVP_PKEY *pkey, bool foreign);
	ch_err (*export)(const struct private_key *k, struct secret **ret_s);
	ch_err (*load)(struct private_key *k, bytes exported);
	ch_err (*publish)(const struct private_key *k, struct key_parts *parts);
	ch_err (*sign)(struct private_key *k, bytes message, uint8_t *sig, size_t *ret_n);
	ch_err (*load_public)(struct public_key *k, const struct key_parts *parts);
	ch_err (*verify)(const struct public_key *k, struct key_work *work_or_null,
			 struct signed_text t, bytes sig);
};

extern const struct alg_ops es256_ops;
extern const struct alg_ops eddsa_ops;
extern const struct alg_ops rs256_ops;
extern const struct alg_ops ps256_ops;

/* Frees what the EC and RSA fields own; for key.c. */
void es256_drop(EC_KEY *ec);
void rsa_drop(EVP_PKEY *rsa, EVP_PKEY_CTX *ctx);

/* libcrypto's last error number, for an error's detail; empties its queue. */
uint64_t lib_error(void);

/* The first private key of a PEM text; the caller owns *ret_pkey. */
ch_err pem_read(const struct secret *pem, EVP_PKEY **ret_pkey);
/* PKCS#8 DER without a passphrase, out and in; the caller owns *ret_pkey. */
ch_err pkcs8_write(const EVP_PKEY *pkey, struct secret **ret_s);
ch_err pkcs8_read(bytes der, EVP_PKEY **ret_pkey);

/* For AUTO(). */
void bn_done(BIGNUM **n);
void pkey_done(EVP_PKEY **k);
