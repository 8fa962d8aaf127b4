/* Which of the numbers behind BIGNUMs are secret: primes of a modulus among them or in sight,
 * scalars of a public point, what OpenSSL flagged as private, and what a Montgomery context
 * of a prime holds beside it (R^2 mod p tells p to whoever knows the modulus). */
#include <stdlib.h>

#include "base/cleanup.h"
#include "bignum_pool.h"
#include "crypto/related.h"
#include "noise.h"
#include "rsa_say.h"

enum {
	LIMB = 8,
	MODULUS_MIN = 64,
	MODULUS_PUBLIC_MIN = 128,
	/* by noise_scale */
	MULTIPLICATIONS_MAX = 4 * 1024,
	DIVISIONS_MAX = 64 * 1024
};

struct relate {
	struct bignum_pool *pool;
	struct hunt *h;
	struct relater *r;
	str finder;
	size_t multiplications, divisions;
	struct modulus *modulus; /* the one whose primes are looked for */
	size_t modulus_limbs;
};

static size_t limbs_of(const struct bignum *b)
{
	return (b->le.n + LIMB - 1) / LIMB;
}

static bool is_flagged(const struct bignum *b)
{
	return b->flags & (BIGNUM_CONSTTIME | BIGNUM_SECURE);
}

static bool seen(const void *of, bytes number)
{
	uint8_t le[RELATED_MODULUS_MAX];
	bytes_turn(number, le);
	bool is = bignum_pool_find(of, (bytes){ le, number.n }) != BIGNUM_NONE;
	mem_wipe(le, number.n);
	return is;
}

static ch_err say(struct relate *x, struct bignum *b, enum value_kind kind)
{
	uint8_t be[BIGNUM_SIZE_MAX];
	size_t n = number_be(b->le, be);
	struct value v = { kind, true, { be, n }, x->finder, b->addr };
	b->is = BIGNUM_SECRET;
	ch_err e = values_add(x->h->values, &v);
	mem_wipe(be, n);
	return e;
}

static bool is_other_prime(void *of, const struct bignum *q)
{
	struct relate *x = of;
	/* a key has a few; whoever makes lowest limbs fit has millions */
	if (x->divisions == DIVISIONS_MAX * (size_t)noise_scale(x->h->noise)) {
		x->h->untried++;
		return false;
	}
	x->divisions++;
	return modulus_divides(x->modulus, x->r, q->le);
}

static ch_err primes_said(struct relate *x, struct bignum *p)
{
	uint8_t be[BIGNUM_SIZE_MAX];
	size_t n = number_be(p->le, be);
	struct rsa_origin o = { x->finder, p->addr, seen, x->pool };
	p->is = BIGNUM_SECRET;
	ch_err e = rsa_say(x->h, x->r, x->modulus, (bytes){ be, n }, &o);
	mem_wipe(be, n);
	return e;
}

/* The primes of one modulus among the numbers: p of which n/p, judged by its lowest limb, is
 * there too. So a pair costs a multiplication, not a division. */
static ch_err primes_of(struct relate *x, bytes n_le, bool *ret_found)
{
	uint8_t be[BIGNUM_SIZE_MAX];
	size_t n = number_be(n_le, be);
	bool found = false;
	AUTO(modulus_done) struct modulus *m = NULL;
	if (n < MODULUS_MIN || n > RELATED_MODULUS_MAX || !(n_le.p[0] & 1))
		return CH_DONE;
	x->modulus_limbs = (n + LIMB - 1) / LIMB;
	uint64_t low = load_le64(n_le.p);
	for (size_t i = 0; i < x->pool->n; i++) {
		struct bignum *p = &x->pool->numbers[i];
		if (!p->inverse || limbs_of(p) >= x->modulus_limbs)
			continue;
		if (!m)
			TRY(modulus_new((bytes){ be, n }, &m));
		x->modulus = m;
		if (!bignum_pool_low(x->pool, low * p->inverse, is_other_prime, x) ||
		    !modulus_divides(m, x->r, p->le))
			continue;
		found = true;
		TRY(primes_said(x, p));
	}
	if (found && n >= MODULUS_PUBLIC_MIN)
		TRY(publics_add(x->h->publics, PUBLIC_RSA_MODULUS, (bytes){ be, n }));
	*ret_found = found;
	return CH_DONE;
}

/* Whole bytes with the highest bit set, and no group's prime, which ends in ones. */
static bool modulus_like(const struct bignum *b)
{
	return b->inverse && b->le.n >= MODULUS_PUBLIC_MIN && b->le.n % 32 == 0 &&
	       b->le.n <= RELATED_MODULUS_MAX && b->le.p[b->le.n - 1] >= 0x80 &&
	       load_le64(b->le.p + b->le.n - LIMB) != UINT64_MAX;
}

static ch_err relate_moduli(struct relate *x)
{
	struct bignum_pool *p = x->pool;
	uint8_t be[BIGNUM_SIZE_MAX];
	for (size_t i = 0; i < p->n; i++) {
		struct bignum *b = &p->numbers[i];
		bool found = false;
		TRY(primes_of(x, b->le, &found));
		if (found)
			b->is = BIGNUM_PUBLIC; /* whatever its flags */
		if (found || !modulus_like(b) || b->flags & (BIGNUM_STATIC | BIGNUM_CONSTTIME))
			continue;
		size_t size = number_be(b->le, be);
		TRY(publics_add(x->h->publics, PUBLIC_RSA_MODULUS, (bytes){ be, size }));
	}
	for (size_t i = 0; i < publics_count(x->h->publics, PUBLIC_RSA_MODULUS); i++) {
		uint8_t le[RELATED_MODULUS_MAX];
		bool found = false;
		bytes n = publics_at(x->h->publics, PUBLIC_RSA_MODULUS, i);
		bytes_turn(n, le);
		uint16_t known = bignum_pool_find(p, (bytes){ le, n.n });
		if (known == BIGNUM_NONE)
			TRY(primes_of(x, (bytes){ le, n.n }, &found));
		else
			p->numbers[known].is = BIGNUM_PUBLIC;
	}
	return CH_DONE;
}

static const struct {
	enum public_kind kind;
	size_t cost; /* of a multiplication, in those of P-256 */
} curves[CURVE_COUNT] = {
	[CURVE_P256] = { PUBLIC_P256, 1 },
	[CURVE_P384] = { PUBLIC_P384, 16 },
	[CURVE_P521] = { PUBLIC_P521, 32 },
	[CURVE_SECP256K1] = { PUBLIC_SECP256K1, 16 },
};

/* A coordinate, with the zeros in front that it may need. */
static bool coordinate(const struct bignum *b, size_t size, uint8_t *to)
{
	if (b->le.n > size || b->le.n + 4 < size)
		return false;
	mem_zero(to, size - b->le.n);
	bytes_turn(b->le, to + size - b->le.n);
	return true;
}

enum { POINTS_MAX = 1024 };

/* Points need not stand in a certificate: two numbers that are one are. */
static ch_err try_point(struct relate *x, const struct bignum_header *a,
			const struct bignum_header *b, size_t *tried)
{
	const struct bignum_pool *p = x->pool;
	uint8_t xy[2 * RELATED_SCALAR_MAX];
	if (a->number == BIGNUM_NONE || b->number == BIGNUM_NONE)
		return CH_DONE;
	for (unsigned c = 0; c < CURVE_COUNT && *tried < POINTS_MAX; c++) {
		size_t size = curve_size((enum curve)c);
		bytes is = { xy, 2 * size };
		if (!coordinate(&p->numbers[a->number], size, xy) ||
		    !coordinate(&p->numbers[b->number], size, xy + size))
			continue;
		++*tried;
		if (curve_has((enum curve)c, x->r, is))
			TRY(publics_add(x->h->publics, curves[c].kind, is));
	}
	return CH_DONE;
}

/* mbedTLS has x and y in a row, libtomcrypt each in a piece of its own. */
static ch_err relate_points(struct relate *x)
{
	enum { MPI = 24, NEAR = 8 };
	const struct bignum_header *all = x->pool->headers;
	size_t in_row = 0, apart = 0;
	for (size_t i = 1; i < x->pool->n_headers; i++) {
		const struct bignum_header *b = &all[i];
		if (b->addr - all[i - 1].addr == MPI &&
		    all[i - 1].flags & b->flags & BIGNUM_FOREIGN)
			TRY(try_point(x, &all[i - 1], b, &in_row));
		for (size_t k = i < NEAR ? 0 : i - NEAR; b->flags & BIGNUM_DIGITS && k < i; k++) {
			if (!(all[k].flags & BIGNUM_DIGITS))
				continue;
			TRY(try_point(x, &all[k], b, &apart));
			TRY(try_point(x, b, &all[k], &apart));
		}
	}
	return CH_DONE;
}

static bool fits_curve(struct relate *x, const struct bignum *b, enum curve c)
{
	uint8_t be[BIGNUM_SIZE_MAX], xy[2 * RELATED_SCALAR_MAX];
	size_t size = curve_size(c), count = publics_count(x->h->publics, curves[c].kind);
	/* one in 2^32 is shorter by 4 bytes */
	if (!count || b->le.n > size || b->le.n + 4 < size)
		return false;
	if (x->multiplications + curves[c].cost >
	    MULTIPLICATIONS_MAX * (size_t)noise_scale(x->h->noise)) {
		/* others are looked for by their places as well (finder_ec.c) */
		x->h->untried += is_flagged(b);
		return false;
	}
	x->multiplications += curves[c].cost;
	bool is = false;
	size_t n = number_be(b->le, be);
	if (!failed(curve_public(c, x->r, (bytes){ be, n }, xy)))
		for (size_t i = 0; i < count && !is; i++)
			is = bytes_eq((bytes){ xy, 2 * size },
				      publics_at(x->h->publics, curves[c].kind, i));
	mem_wipe(be, n);
	return is;
}

/* The flagged ones first, since multiplications are counted. */
static ch_err relate_scalars(struct relate *x, bool flagged)
{
	for (size_t i = 0; i < x->pool->n; i++) {
		struct bignum *b = &x->pool->numbers[i];
		if (b->is != BIGNUM_UNKNOWN || is_flagged(b) != flagged)
			continue;
		for (unsigned c = 0; c < CURVE_COUNT && b->is == BIGNUM_UNKNOWN; c++)
			if (fits_curve(x, b, (enum curve)c))
				TRY(say(x, b, VALUE_EC_SCALAR));
	}
	return CH_DONE;
}

static bool is_said_prime(const struct relate *x, const struct bignum_header *b)
{
	if (b->number == BIGNUM_NONE)
		return false;
	const struct bignum *n = &x->pool->numbers[b->number];
	return n->is == BIGNUM_SECRET && n->inverse;
}

/* BN_MONT_CTX: RR, then the modulus, each a BIGNUM in place. Headers are by address. */
static ch_err relate_neighbours(struct relate *x)
{
	enum { HEADER = 24 };
	struct bignum_pool *p = x->pool;
	for (size_t i = 1; i < p->n_headers; i++) {
		struct bignum_header *a = &p->headers[i - 1], *b = &p->headers[i];
		if (b->addr - a->addr != HEADER || a->number == BIGNUM_NONE || !is_said_prime(x, b))
			continue;
		if (p->numbers[a->number].is == BIGNUM_UNKNOWN)
			TRY(say(x, &p->numbers[a->number], VALUE_BIGNUM));
	}
	return CH_DONE;
}

static ch_err relate_flagged(struct relate *x)
{
	for (size_t i = 0; i < x->pool->n; i++) {
		struct bignum *b = &x->pool->numbers[i];
		if (b->is == BIGNUM_UNKNOWN && is_flagged(b))
			TRY(say(x, b, VALUE_BIGNUM));
	}
	return CH_DONE;
}

ch_err bignum_relate(struct bignum_pool *p, struct hunt *h, str finder)
{
	AUTO(relater_done) struct relater *r = NULL;
	TRY(relater_new(&r));
	struct relate x = { .pool = p, .h = h, .r = r, .finder = finder };
	TRY(relate_moduli(&x));
	TRY(relate_points(&x));
	TRY(relate_scalars(&x, true));
	TRY(relate_scalars(&x, false));
	TRY(relate_neighbours(&x));
	return relate_flagged(&x);
}
