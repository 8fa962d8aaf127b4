/* The numbers that make a private key private, for whoever must recognise them: each alone,
 * as programs keep them apart in memory. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/secret.h"

struct private_key;

struct key_secret {
	bool number; /* big endian; else bytes */
	const struct secret *is;
};
struct key_secret_taker {
	ch_err (*take)(struct key_secret_taker *t, const struct key_secret *s);
};

/* RSA: d, the primes, the CRT numbers. EC, DSA, DH: the scalar. Ed25519: seed, clamped scalar,
 * prefix. X25519, Ed448, X448: the key. crypto_init must have been called. */
ch_err key_secrets_of(const struct private_key *k, struct key_secret_taker *t);
/* Of all private keys in a PEM text; *ret_keys of them. E_MISSING when there is none,
 * E_UNSUPPORTED when there is one that cannot be read: under a passphrase, or OpenSSH's. */
ch_err key_secrets_of_pem(const struct secret *pem, struct key_secret_taker *t, size_t *ret_keys);
/* Of the seed of an Ed25519 key, 32 bytes. */
ch_err key_secrets_of_seed(bytes seed, struct key_secret_taker *t);
