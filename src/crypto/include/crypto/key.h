/* Private keys: generate, import, load, sign. ES256 and RSA by libcrypto, Ed25519 by
 * libsodium. Their public halves are in public_key.h. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/heap.h"
#include "base/secret.h"
#include "crypto/alg.h"
#include "crypto/public_key.h"

/* Once a process, before anything else here. With a heap, all that libcrypto ever
 * allocates lives in it (E_CRYPTO if it has allocated already): next to nothing at the
 * start, 140 KiB with a key of ES256, 1 MiB with a key of each kind and an import. Again
 * with the same heap is fine, with another E_USAGE. Random numbers are the kernel's.
 * Loads no configuration file and no engine. */
ch_err crypto_init(struct heap *heap_or_null);

/* However it came, a private key has signed and its public half has verified that
 * before it is handed out. */
struct private_key;
void private_key_free(struct private_key *k);
void private_key_done(struct private_key **k);
/* RSA: 2048 bits. */
ch_err private_key_generate(enum alg a, struct private_key **ret_k);
/* PEM, PKCS#8 or traditional, without a passphrase. alg says what it shall be used
 * for: P-256 for ES256, Ed25519 for EdDSA, RSA 2048 to 4096 with e = 65537 for both RSA algs;
 * E_RANGE for an RSA key of another size or exponent, E_MISMATCH for another kind of key,
 * E_SYNTAX when it is no such PEM. */
ch_err private_key_from_pem(enum alg a, const struct secret *pem, struct private_key **ret_k);
/* What alg fits this PEM by its type: P-256 ES256, Ed25519 EdDSA, RSA RS256.
 * E_MISMATCH when none does, E_SYNTAX when it is no such PEM. */
ch_err private_key_pem_alg(const struct secret *pem, enum alg *ret_alg);
/* For sealing: PKCS#8 DER, or the 32 byte seed of Ed25519; and back. Loading trusts
 * the seal: it does not check again that primes are prime. */
ch_err private_key_export(const struct private_key *k, struct secret **ret_s);
ch_err private_key_load(enum alg a, const struct secret *exported, struct private_key **ret_k);
/* PKCS#8 PEM without a passphrase, for a file of its owner's alone. E_UNSUPPORTED for Ed25519, which
 * is only ever read from one. */
ch_err private_key_pem(const struct private_key *k, struct secret **ret_pem);
ch_err private_key_public(const struct private_key *k, struct key_parts *ret_parts);
enum alg private_key_alg(const struct private_key *k);
/* Signs into sig (SIGNATURE_MAX bytes of room), in JOSE's form. */
ch_err private_key_sign(struct private_key *k, bytes message, uint8_t sig[static SIGNATURE_MAX],
			size_t *ret_n);
