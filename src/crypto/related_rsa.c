/* RSA: what divides a modulus, what is its private exponent, and what follows from a prime.
 * Candidates are any memory of a crashed process. Times may depend on them: nobody who could
 * measure has less than the dump already. */
#include <openssl/bn.h>
#include <stdlib.h>

#include "related_internal.h"

enum { MODULUS_MIN = 64, LIMB = 8 };

struct modulus {
	BIGNUM *n;
};

void modulus_done(struct modulus **m)
{
	if (!*m)
		return;
	BN_free((*m)->n);
	free(*m);
	*m = NULL;
}

ch_err modulus_new(bytes n, struct modulus **ret_m)
{
	if (n.n < MODULUS_MIN || n.n > RELATED_MODULUS_MAX || !(n.p[n.n - 1] & 1))
		return ch_fail(CH_E_RANGE, "no size or no odd number for a modulus", n.n);
	AUTO(modulus_done) struct modulus *m = calloc(1, sizeof(*m));
	if (!m || !(m->n = BN_bin2bn(n.p, (int)n.n, NULL)))
		return ch_fail(CH_E_NOMEM, "no memory for a modulus", n.n);
	*ret_m = TAKE(m);
	return CH_DONE;
}

bool modulus_divides(const struct modulus *m, struct relater *r, bytes candidate_le)
{
	return candidate_le.n <= RELATED_MODULUS_MAX &&
	       BN_lebin2bn(candidate_le.p, (int)candidate_le.n, r->a) && BN_num_bits(r->a) > LIMB &&
	       BN_ucmp(r->a, m->n) < 0 && BN_mod(r->b, m->n, r->a, r->ctx) == 1 && BN_is_zero(r->b);
}

bool modulus_exponent(const struct modulus *m, struct relater *r, uint64_t e, bytes d)
{
	AUTO(bn_done) BIGNUM *x = BN_new();
	AUTO(bn_done) BIGNUM *power = BN_new();
	if (!x || !power || d.n > RELATED_MODULUS_MAX || !BN_set_word(x, 2) ||
	    !BN_bin2bn(d.p, (int)d.n, r->a) || BN_is_zero(r->a) || BN_is_one(r->a) ||
	    BN_mod_exp(power, x, r->a, m->n, r->ctx) != 1 || !BN_set_word(r->a, e))
		return false;
	return BN_mod_exp(x, power, r->a, m->n, r->ctx) == 1 && BN_is_word(x, 2);
}

static size_t put(const BIGNUM *n, uint8_t *to)
{
	int size = BN_bn2bin(n, to);
	return size > 0 ? (size_t)size : 0;
}

/* Each is free of the others' order: all of them, or an error. */
struct parts {
	BIGNUM *p, *q, *p1, *q1, *e, *out;
};

static void parts_done(struct parts *p)
{
	BN_clear_free(p->p);
	BN_clear_free(p->q);
	BN_clear_free(p->p1);
	BN_clear_free(p->q1);
	BN_clear_free(p->e);
	BN_clear_free(p->out);
}

static bool parts_make(struct parts *x, const struct modulus *m, struct relater *r, bytes p,
		       uint64_t e)
{
	x->p = BN_bin2bn(p.p, (int)p.n, NULL);
	x->q = BN_new();
	x->p1 = BN_new();
	x->q1 = BN_new();
	x->e = BN_new();
	x->out = BN_new();
	return x->p && x->q && x->p1 && x->q1 && x->e && x->out && !BN_is_zero(x->p) &&
	       BN_div(x->q, r->b, m->n, x->p, r->ctx) == 1 && BN_is_zero(r->b) &&
	       !BN_is_one(x->p) && !BN_is_one(x->q) && BN_sub(x->p1, x->p, BN_value_one()) &&
	       BN_sub(x->q1, x->q, BN_value_one()) && BN_set_word(x->e, e);
}

/* a^-1 mod n into to; 0 bytes when there is none, which is no error. */
static size_t put_inverse(struct parts *x, struct relater *r, const BIGNUM *a, const BIGNUM *n,
			  uint8_t *to)
{
	if (!BN_mod_inverse(x->out, a, n, r->ctx))
		return 0;
	return put(x->out, to);
}

static bool put_exponents(struct parts *x, struct relater *r, struct rsa_numbers *to)
{
	AUTO(bn_done) BIGNUM *phi = BN_new();
	AUTO(bn_done) BIGNUM *gcd = BN_new();
	AUTO(bn_done) BIGNUM *lcm = BN_new();
	if (!phi || !gcd || !lcm || !BN_mul(phi, x->p1, x->q1, r->ctx) ||
	    !BN_gcd(gcd, x->p1, x->q1, r->ctx) || !BN_div(lcm, NULL, phi, gcd, r->ctx))
		return false;
	to->d_n = put_inverse(x, r, x->e, phi, to->d);
	to->d_lcm_n = put_inverse(x, r, x->e, lcm, to->d_lcm);
	return true;
}

ch_err modulus_from_prime(const struct modulus *m, struct relater *r, bytes p, uint64_t e,
			  struct rsa_numbers *ret_n)
{
	AUTO(lib_errors_end) struct lib_errors ours = lib_errors_begin();
	AUTO(parts_done) struct parts x = { 0 };
	if (p.n == 0 || p.n > RELATED_MODULUS_MAX || !parts_make(&x, m, r, p, e))
		return ch_fail(CH_E_MISMATCH, "the number does not divide the modulus", p.n);
	if (!put_exponents(&x, r, ret_n))
		return ch_fail(CH_E_CRYPTO, "cannot compute what follows from a prime",
			       lib_error());
	ret_n->q_n = put(x.q, ret_n->q);
	ret_n->dp_n = put_inverse(&x, r, x.e, x.p1, ret_n->dp);
	ret_n->dq_n = put_inverse(&x, r, x.e, x.q1, ret_n->dq);
	ret_n->qinv_n = put_inverse(&x, r, x.q, x.p, ret_n->qinv);
	return CH_DONE;
}
