/* The inverse modulo the order of P-256, in time that depends on the number: it must never
 * see a secret, and is right here only because what verifies a signature sees public data
 * alone. The one primitive of our own: libcrypto's takes nine times as long, a third of a
 * verification. A unit test and a fuzz target hold it against libcrypto's.
 *
 * It runs the "divsteps" of Bernstein and Yang (https://gcd.cr.yp.to/safegcd-20190413.pdf,
 * delta from 1/2 on): 62 at a time on the low words alone, gathered in a 2x2 matrix,
 * which is then applied to the whole numbers. */
#include "inverse_vartime.h"

#include <stddef.h>

enum { LIMBS = 5, LIMB_BITS = 62, CANCEL_MAX = 6, BATCHES_MAX = 10, WORDS = 4, WORD_BITS = 64 };

#define LIMB_MASK (UINT64_MAX >> (WORD_BITS - LIMB_BITS))

__extension__ typedef __int128 int128;

/* Little endian; all limbs but the last are in 0 .. 2^62 - 1, the last has the sign. */
struct wide {
	int64_t limb[LIMBS];
};

/* What 62 divsteps do: 2^62 f' = u f + v g and 2^62 g' = q f + r g. Neither |u| + |v| nor
 * |q| + |r| is more than 2^62. */
struct matrix {
	int64_t u, v, q, r;
};

static const struct wide order = { { 0x33b9cac2fc632551, 0x339beab69c5e7a13, 0x3ffffffffffffffb,
				     0x3fffffc00000003f, 0xff } };
static const uint64_t order_inverse = 0x332e375511ff43b1; /* modulo 2^62 */

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* 62 divsteps, for which the low 62 bits of f, which is odd, and g are enough. *z is delta
 * - 1/2. Steps in which g is even only halve it. If it is odd and z >= 0, f and g change places;
 * then, for as long as z < 0, each step adds f to g or does not, so that the low bit
 * goes away: -z steps at once add that multiple of f which clears -z low bits. */
static struct matrix divsteps(uint64_t f, uint64_t g, int64_t *z)
{
	uint64_t u = 1, v = 0, q = 0, r = 1;
	unsigned left = LIMB_BITS;
	for (;;) {
		unsigned even = (unsigned)__builtin_ctzll(g | (uint64_t)1 << left);
		g >>= even;
		u <<= even;
		v <<= even;
		*z += even;
		left -= even;
		if (left == 0)
			return (struct matrix){ (int64_t)u, (int64_t)v, (int64_t)q, (int64_t)r };
		if (*z >= 0) {
			uint64_t old_f = f, old_u = u, old_v = v;
			*z = ~*z;
			f = g;
			g = -old_f;
			u = q;
			q = -old_u;
			v = r;
			r = -old_v;
		}
		unsigned bits = *z < -CANCEL_MAX ? CANCEL_MAX : (unsigned)-*z;
		/* f (2 - f^2) is 1/f modulo 64, for f^2 is 1 modulo 8 */
		uint64_t times = g * f * (f * f - 2) & (((uint64_t)1 << least(bits, left)) - 1);
		g += times * f;
		q += times * u;
		r += times * v;
	}
}

/* (a x + b y) / 2^62, which has no remainder, of the first n limbs. */
static void combine(int64_t a, const struct wide *x, int64_t b, const struct wide *y, size_t n,
		    struct wide *ret)
{
	int128 sum = (int128)a * x->limb[0] + (int128)b * y->limb[0];
	for (size_t i = 1; i < n; i++) {
		sum = (sum >> LIMB_BITS) + (int128)a * x->limb[i] + (int128)b * y->limb[i];
		ret->limb[i - 1] = (int64_t)((uint64_t)sum & LIMB_MASK);
	}
	ret->limb[n - 1] = (int64_t)(sum >> LIMB_BITS);
}

/* (a x + b y) / 2^62 modulo the order: the multiple of it that leaves no remainder is added
 * first, at most 2^61 times the order. So where x and y are at most B, this is at most
 * B + order / 2. */
static void combine_mod(int64_t a, const struct wide *x, int64_t b, const struct wide *y,
			struct wide *ret)
{
	int128 sum = (int128)a * x->limb[0] + (int128)b * y->limb[0];
	uint64_t low = -((uint64_t)sum * order_inverse);
	/* the low 62 bits as a signed number */
	int64_t m = (int64_t)(low << (WORD_BITS - LIMB_BITS)) >> (WORD_BITS - LIMB_BITS);
	sum += (int128)m * order.limb[0];
	for (size_t i = 1; i < LIMBS; i++) {
		sum = (sum >> LIMB_BITS) + (int128)a * x->limb[i] + (int128)b * y->limb[i] +
		      (int128)m * order.limb[i];
		ret->limb[i - 1] = (int64_t)((uint64_t)sum & LIMB_MASK);
	}
	ret->limb[LIMBS - 1] = (int64_t)(sum >> LIMB_BITS);
}

/* Limbs of f and g that say no more than the sign go into the one below. */
static size_t shorten(struct wide *f, struct wide *g, size_t n)
{
	while (n > 1 && (f->limb[n - 1] == 0 || f->limb[n - 1] == -1) &&
	       (g->limb[n - 1] == 0 || g->limb[n - 1] == -1)) {
		f->limb[n - 2] |= (int64_t)((uint64_t)f->limb[n - 1] << LIMB_BITS);
		g->limb[n - 2] |= (int64_t)((uint64_t)g->limb[n - 1] << LIMB_BITS);
		n--;
	}
	return n;
}

/* x + times * order, with its limbs in their ranges again. */
static void add_order(struct wide *x, int64_t times)
{
	int64_t carry = 0;
	for (size_t i = 0; i < LIMBS; i++) {
		carry += x->limb[i] + times * order.limb[i];
		x->limb[i] = i + 1 < LIMBS ? (int64_t)((uint64_t)carry & LIMB_MASK) : carry;
		carry >>= LIMB_BITS;
	}
}

static bool less_than_order(const struct wide *x)
{
	for (size_t i = LIMBS; i-- > 0;)
		if (x->limb[i] != order.limb[i])
			return x->limb[i] < order.limb[i];
	return false;
}

static void negate(struct wide *x)
{
	int64_t carry = 0;
	for (size_t i = 0; i < LIMBS; i++) {
		carry -= x->limb[i];
		x->limb[i] = i + 1 < LIMBS ? (int64_t)((uint64_t)carry & LIMB_MASK) : carry;
		carry >>= LIMB_BITS;
	}
}

static struct wide wide_read(const uint8_t b[static 32])
{
	uint64_t w[WORDS] = { 0 };
	for (size_t i = 0; i < 32; i++)
		w[WORDS - 1 - i / 8] = w[WORDS - 1 - i / 8] << 8 | b[i];
	return (struct wide){
		{ (int64_t)(w[0] & LIMB_MASK), (int64_t)((w[0] >> 62 | w[1] << 2) & LIMB_MASK),
		  (int64_t)((w[1] >> 60 | w[2] << 4) & LIMB_MASK),
		  (int64_t)((w[2] >> 58 | w[3] << 6) & LIMB_MASK), (int64_t)(w[3] >> 56) }
	};
}

static void wide_write(const struct wide *x, uint8_t ret[static 32])
{
	uint64_t l[LIMBS];
	for (size_t i = 0; i < LIMBS; i++)
		l[i] = (uint64_t)x->limb[i];
	const uint64_t w[WORDS] = { l[0] | l[1] << 62, l[1] >> 2 | l[2] << 60,
				    l[2] >> 4 | l[3] << 58, l[3] >> 6 | l[4] << 56 };
	for (size_t i = 0; i < 32; i++)
		ret[31 - i] = (uint8_t)(w[i / 8] >> (i % 8 * 8));
}

/* d s = f and e s = g hold modulo the order, from the first batch to the last; g ends as 0
 * and f as 1 or -1. d and e stay within BATCHES_MAX / 2 orders. */
bool inverse_vartime(const uint8_t s[static 32], uint8_t ret_inverse[static 32])
{
	struct wide f = order, g = wide_read(s), d = { { 0 } }, e = { { 1 } };
	size_t n = LIMBS;
	int64_t z = 0;
	for (size_t i = 0; i < BATCHES_MAX && (n > 1 || g.limb[0] != 0); i++) {
		const struct wide old_f = f, old_d = d, old_g = g, old_e = e;
		const struct matrix t = divsteps((uint64_t)f.limb[0], (uint64_t)g.limb[0], &z);
		combine(t.u, &old_f, t.v, &old_g, n, &f);
		combine(t.q, &old_f, t.r, &old_g, n, &g);
		combine_mod(t.u, &old_d, t.v, &old_e, &d);
		combine_mod(t.q, &old_d, t.r, &old_e, &e);
		n = shorten(&f, &g, n);
	}
	if (n != 1 || g.limb[0] != 0 || (f.limb[0] != 1 && f.limb[0] != -1))
		return false;
	if (f.limb[0] == -1)
		negate(&d);
	while (d.limb[LIMBS - 1] < 0)
		add_order(&d, 1);
	while (!less_than_order(&d))
		add_order(&d, -1);
	wide_write(&d, ret_inverse);
	return true;
}
