/* Does a number divide a modulus? By exact division from the lowest limb up, which takes a
 * sixth of the time of any that gives a remainder. Not constant in time. */
#pragma once
#include "base/bytes.h"

enum { RSA_LIMBS_MAX = 64 }; /* of a prime: half of the longest modulus */

struct rsa_modulus {
	size_t size;                   /* of a prime, in bytes: half of the modulus, rounded up */
	size_t limbs;                  /* of a prime */
	uint8_t top;                   /* no prime has a smaller highest byte */
	uint64_t n[2 * RSA_LIMBS_MAX]; /* little endian, zeros above */
};
/* be: 128 to 1024 bytes, odd */
void rsa_modulus_init(struct rsa_modulus *m, bytes be);
/* p: m->limbs limbs, odd; inverse of p[0] modulo 2^64 */
bool rsa_divides(const struct rsa_modulus *m, const uint64_t *p, uint64_t inverse);
/* a^-1 modulo 2^64 of an odd number */
uint64_t limb_inverse(uint64_t a);
