/* Is this number the private half of that public key? For finders that look through memory:
 * nearly all candidates are no such thing, and all are treated as secret: copies are wiped.
 * Numbers are big endian unless said; one thread at a time uses a struct relater. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

enum { RELATED_MODULUS_MAX = 1024, RELATED_SCALAR_MAX = 66 };

/* Working memory of libcrypto, some 20 KB. E_NOMEM. */
struct relater;
ch_err relater_new(struct relater **ret_r);
void relater_done(struct relater **r);

/* A modulus that is tried many times. */
struct modulus;
/* 64 to RELATED_MODULUS_MAX bytes, odd; E_RANGE. */
ch_err modulus_new(bytes n, struct modulus **ret_m);
void modulus_done(struct modulus **m);
/* Does this number, little endian as limbs lie in memory, divide n, and is it neither 1 nor
 * n? About 1 us for 2048 bits. A libcrypto that fails says no. */
bool modulus_divides(const struct modulus *m, struct relater *r, bytes candidate_le);
/* Does m^(e d) give m back? A modular power: milliseconds. */
bool modulus_exponent(const struct modulus *m, struct relater *r, uint64_t e, bytes d);

/* What follows from a prime of n, for e: each of RELATED_MODULUS_MAX bytes of room. d comes
 * both modulo (p-1)(q-1) and modulo their least common multiple. */
struct rsa_numbers {
	uint8_t q[RELATED_MODULUS_MAX], d[RELATED_MODULUS_MAX], d_lcm[RELATED_MODULUS_MAX];
	uint8_t dp[RELATED_MODULUS_MAX], dq[RELATED_MODULUS_MAX], qinv[RELATED_MODULUS_MAX];
	size_t q_n, d_n, d_lcm_n, dp_n, dq_n, qinv_n;
};
/* E_MISMATCH when p does not divide n. The caller wipes *ret_n. */
ch_err modulus_from_prime(const struct modulus *m, struct relater *r, bytes p, uint64_t e,
			  struct rsa_numbers *ret_n);

enum curve { CURVE_P256, CURVE_P384, CURVE_P521, CURVE_SECP256K1, CURVE_COUNT };
/* Bytes of a coordinate and of a scalar. */
size_t curve_size(enum curve c);
/* scalar * G as x || y, 2 * curve_size bytes. E_RANGE for 0 and what is not below the order. */
ch_err curve_public(enum curve c, struct relater *r, bytes scalar, uint8_t *ret_xy);
/* Is x || y a point of the curve? */
bool curve_has(enum curve c, struct relater *r, bytes xy);

/* Ed25519 (RFC 8032 section 5.1.5): from the seed, or from the clamped scalar (little
 * endian) alone; and X25519 (RFC 7748). 32 bytes each. */
void ed25519_of_seed(const uint8_t seed[static 32], uint8_t ret_public[static 32]);
ch_err ed25519_of_scalar(const uint8_t scalar[static 32], uint8_t ret_public[static 32]);
/* What a seed becomes: clamped scalar || prefix. */
void ed25519_expand(const uint8_t seed[static 32], uint8_t ret_both[static 64]);
ch_err x25519_of(const uint8_t scalar[static 32], uint8_t ret_public[static 32]);
