/* Exact division by odd numbers (Jebelean 1993; Hensel): the quotient's lowest limb is the
 * lowest of n times the inverse of the divisor's, and so on upwards. What remains is zero for
 * divisors alone. */
#include "rsa_divide.h"

enum { LIMB = 8 };

void rsa_modulus_init(struct rsa_modulus *m, bytes be)
{
	*m = (struct rsa_modulus){ .size = (be.n + 1) / 2 };
	m->limbs = (m->size + LIMB - 1) / LIMB;
	/* n = p q and q < 256^size, so p is over n / 256^size */
	m->top = be.n % 2 ? 0x01 : be.p[0];
	for (size_t i = 0; i < be.n; i++)
		m->n[i / LIMB] |= (uint64_t)be.p[be.n - 1 - i] << 8 * (i % LIMB);
}

uint64_t limb_inverse(uint64_t a)
{
	uint64_t x = a; /* right in three bits; each step doubles them */
	for (unsigned i = 0; i < 5; i++)
		x *= 2 - a * x;
	return x;
}

/* x -= q p, over n limbs of p and as far as it borrows */
static void subtract(uint64_t *x, size_t x_limbs, const uint64_t *p, size_t n, uint64_t q)
{
	uint64_t carry = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned __int128 product = (unsigned __int128)p[i] * q + carry;
		uint64_t low = (uint64_t)product;
		carry = (uint64_t)(product >> 64) + (x[i] < low);
		x[i] -= low;
	}
	for (size_t i = n; carry && i < x_limbs; i++) {
		uint64_t was = x[i];
		x[i] -= carry;
		carry = was < carry;
	}
}

bool rsa_divides(const struct rsa_modulus *m, const uint64_t *p, uint64_t inverse)
{
	uint64_t NOT_ZEROED x[2 * RSA_LIMBS_MAX];
	size_t all = 2 * m->limbs;
	uint64_t left = 0;
	mem_copy(x, m->n, all * LIMB);
	for (size_t i = 0; i < m->limbs; i++)
		subtract(x + i, all - i, p, m->limbs, x[i] * inverse);
	for (size_t i = 0; i < all; i++)
		left |= x[i];
	return !left;
}
