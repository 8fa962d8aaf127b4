/* From a prime of a modulus to all numbers that a program may keep of the key: both primes,
 * the private exponent in both common forms, and the parts of CRT either way around. */
#include "base/cleanup.h"
#include "rsa_say.h"

static const uint64_t exponents[] = { 65537, 3, 17, 35, 37, 257, 5, 41, 23 };

static void numbers_wipe(struct rsa_numbers *n)
{
	mem_wipe(n, sizeof(*n));
}

void bytes_turn(bytes b, uint8_t *to)
{
	for (size_t i = 0; i < b.n; i++)
		to[i] = b.p[b.n - 1 - i];
}

size_t number_be(bytes le, uint8_t *to)
{
	while (le.n && !le.p[le.n - 1])
		le.n--;
	bytes_turn(le, to);
	return le.n;
}

static ch_err say(struct hunt *h, const struct rsa_origin *o, enum value_kind kind, bytes is)
{
	/* a part that does not exist, or one so small that it is no secret */
	if (is.n < 16)
		return CH_DONE;
	struct value v = { kind, true, is, o->finder, o->addr };
	return values_add(h->values, &v);
}

static ch_err say_all(struct hunt *h, const struct rsa_origin *o, const struct rsa_numbers *n)
{
	TRY(say(h, o, VALUE_RSA_PRIME, (bytes){ n->q, n->q_n }));
	TRY(say(h, o, VALUE_RSA_EXPONENT, (bytes){ n->d, n->d_n }));
	TRY(say(h, o, VALUE_RSA_EXPONENT, (bytes){ n->d_lcm, n->d_lcm_n }));
	TRY(say(h, o, VALUE_RSA_CRT, (bytes){ n->dp, n->dp_n }));
	TRY(say(h, o, VALUE_RSA_CRT, (bytes){ n->dq, n->dq_n }));
	return say(h, o, VALUE_RSA_CRT, (bytes){ n->qinv, n->qinv_n });
}

static bool exponent_fits(const struct rsa_origin *o, const struct rsa_numbers *n)
{
	const bytes parts[] = {
		{ n->d, n->d_n }, { n->d_lcm, n->d_lcm_n }, { n->dp, n->dp_n }, { n->dq, n->dq_n }
	};
	for (size_t i = 0; i < COUNT_OF(parts); i++)
		if (parts[i].n && o->seen(o->of, parts[i]))
			return true;
	return false;
}

ch_err rsa_say(struct hunt *h, struct relater *r, const struct modulus *m, bytes prime,
	       const struct rsa_origin *o)
{
	AUTO(numbers_wipe) struct rsa_numbers NOT_ZEROED n;
	AUTO(numbers_wipe) struct rsa_numbers NOT_ZEROED other;
	TRY(say(h, o, VALUE_RSA_PRIME, prime));
	for (size_t i = 0; i < COUNT_OF(exponents); i++) {
		TRY(modulus_from_prime(m, r, prime, exponents[i], &n));
		bool fits = o->seen ? exponent_fits(o, &n) : i <= 1;
		/* the usual one always: what is not in sight now may be in registers' spills */
		if (!fits && i > 0)
			continue;
		TRY(say_all(h, o, &n));
		/* GnuTLS and OpenPGP keep the inverse of the first prime */
		TRY(modulus_from_prime(m, r, (bytes){ n.q, n.q_n }, exponents[i], &other));
		TRY(say(h, o, VALUE_RSA_CRT, (bytes){ other.qinv, other.qinv_n }));
	}
	return CH_DONE;
}
