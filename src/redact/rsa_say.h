/* Says all that follows from a prime of a modulus. */
#pragma once
#include "crypto/related.h"
#include "redact/finder.h"

struct rsa_origin {
	str finder;
	uint64_t addr;
	/* Was this number (big endian) seen in memory? By it the public exponent is told; NULL:
	 * 65537 and 3 are both assumed. */
	bool (*seen)(const void *of, bytes number);
	const void *of;
};
/* m's primes, exponents and CRT parts become values, n public. */
ch_err rsa_say(struct hunt *h, struct relater *r, const struct modulus *m, bytes prime,
	       const struct rsa_origin *o);

/* Big endian of a number in little endian, without zeros in front; to has le.n bytes. Returns
 * how many were written. */
size_t number_be(bytes le, uint8_t *to);
/* The bytes of b from the last to the first. */
void bytes_turn(bytes b, uint8_t *to);
