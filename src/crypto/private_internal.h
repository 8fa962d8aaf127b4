/* What the files that hold private keys share: a key's insides and one row of functions
 * for each algorithm. No file that only verifies includes this. */
#pragma once
#include <openssl/types.h>

#include "crypto/key.h"
#include "public_internal.h"

/* The one that is used depends on the algorithm. Lives in libcrypto's heap, for ed
 * is the key itself. */
struct private_key {
	enum alg alg;
	EC_KEY *ec;
	EVP_PKEY *rsa;
	EVP_PKEY_CTX *rsa_sign;
	uint8_t ed[64]; /* seed || public key, as libsodium has it */
};

struct private_ops {
	ch_err (*generate)(struct private_key *k);
	/* Takes over what a parser found; foreign: it came from outside, so that
	 * everything about it must be checked. Does not own pkey. */
	ch_err (*adopt)(struct private_key *k, EVP_PKEY *pkey, bool foreign);
	ch_err (*export)(const struct private_key *k, struct secret **ret_s);
	ch_err (*load)(struct private_key *k, bytes exported);
	ch_err (*publish)(const struct private_key *k, struct key_parts *parts);
	ch_err (*sign)(struct private_key *k, bytes message, uint8_t *sig, size_t *ret_n);
};

extern const struct private_ops es256_private;
extern const struct private_ops eddsa_private;
extern const struct private_ops rsa_private; /* RS256 and PS256 */

/* Frees what the fields of an algorithm own; for private_key.c. */
void es256_private_drop(struct private_key *k);
void rsa_private_drop(struct private_key *k);

/* The first private key of a PEM text; the caller owns *ret_pkey. */
ch_err pem_read(const struct secret *pem, EVP_PKEY **ret_pkey);
/* PKCS#8 DER without a passphrase, out and in; the caller owns *ret_pkey. */
ch_err pkcs8_write(const EVP_PKEY *pkey, struct secret **ret_s);
ch_err pkcs8_read(bytes der, EVP_PKEY **ret_pkey);
/* Only the envelope of it, whatever key is within; the caller owns *ret_info. */
ch_err pkcs8_open(bytes der, PKCS8_PRIV_KEY_INFO **ret_info);
/* The same DER as PEM. */
ch_err pem_write(const struct secret *pkcs8, struct secret **ret_pem);

/* For AUTO(). */
void pkey_done(EVP_PKEY **k);
void pkcs8_done(PKCS8_PRIV_KEY_INFO **p);
