/* What the files that verify share: the insides of a public key, of the working memory,
 * and one row of functions for each algorithm. Nothing of a private key comes in here. */
#pragma once
#include <openssl/types.h>
#include <stdatomic.h>

#include "crypto/public_key.h"

/* The field that is used depends on the algorithm. None changes after public_key_new, but
 * for table, which is set once and whole. */
struct public_key {
	enum alg alg;
	EC_KEY *ec;
	_Atomic(struct ec_group_st *) table; /* see es256_table.c; NULL: none */
	RSA *rsa;
	BN_MONT_CTX *mod; /* of the RSA modulus */
	EVP_MD *hash;     /* fetched once: each fetch would take locks */
	uint8_t ed[32];
};

struct public_ops {
	ch_err (*load)(struct public_key *k, const struct key_parts *parts);
	/* NULL: there is nothing that could be made ready */
	ch_err (*warm)(struct public_key *k);
	ch_err (*verify)(const struct public_key *k, struct key_work *work_or_null,
			 struct signed_text t, bytes sig);
};

extern const struct public_ops es256_public;
extern const struct public_ops eddsa_public;
extern const struct public_ops rs256_public;
extern const struct public_ops ps256_public;

/* Frees what the fields of an algorithm own; for public_key.c. */
void es256_drop(struct public_key *k);
void rsa_drop(struct public_key *k);

/* 2048 to 4096 bits, odd, e = 65537, not of a weak chip. */
ch_err rsa_check_numbers(const BIGNUM *n, const BIGNUM *e);

/* libcrypto's last error number, for an error's detail; empties its queue, but for what
 * was in it at lib_errors_begin. */
uint64_t lib_error(void);
/* AUTO(lib_errors_end) struct lib_errors ours = lib_errors_begin(): a function that may be
 * called in another's program leaves the thread's queue of errors as it was. */
struct __attribute__((unused)) lib_errors {
	char nothing;
};
struct lib_errors lib_errors_begin(void);
void lib_errors_end(struct lib_errors *e);
/* For AUTO(). */
void bn_done(BIGNUM **n);
