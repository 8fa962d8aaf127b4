/* A frozen policy with a count of its users. What the caller says is taken as it is to be
 * trusted; must never keep a pointer into it. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/rw.h"
#include "crypto/guest.h"
#include "inside.h"

/* The caller's issuers, as the policy wants them. */
struct intake {
	struct policy_issuer issuers[POLICY_ISSUERS_MAX];
	str audiences[POLICY_ISSUERS_MAX][ISSUER_AUDIENCES_MAX];
	struct policy_period periods[POLICY_ISSUERS_MAX][ISSUER_KEYS_MAX];
};

/* For free()d locals. */
static void intake_done(struct intake **in)
{
	free(*in);
}

static void verifier_done(struct ch_verifier **v)
{
	ch_verifier_unref(*v);
}

ch_err struct_take(const void *from, size_t known, void *ret_to)
{
	enum { SIZE_LIMIT = 4096 };
	size_t size = 0;
	const uint8_t *at = from;
	mem_copy(&size, from, sizeof(size));
	if (size < known || size > SIZE_LIMIT)
		return ch_fail(CH_E_USAGE, "struct has a wrong size: start from its _INIT", size);
	for (size_t i = known; i < size; i++)
		if (at[i])
			return ch_fail(CH_E_USAGE, "struct says what this library is too old for",
				       i);
	mem_copy(ret_to, from, known);
	return CH_DONE;
}

static ch_err audiences_take(const struct ch_issuer *from, str *to)
{
	if (from->n_audiences > ISSUER_AUDIENCES_MAX || (from->n_audiences && !from->audiences))
		return ch_fail(CH_E_RANGE, "needs one to eight audiences", from->n_audiences);
	for (size_t i = 0; i < from->n_audiences; i++)
		to[i] = str_from_c(from->audiences[i]);
	return CH_DONE;
}

static ch_err periods_take(const struct ch_issuer *from, struct policy_period *to)
{
	if (from->n_periods > ISSUER_KEYS_MAX || (from->n_periods && !from->periods))
		return ch_fail(CH_E_LIMIT, "too many periods of keys", from->n_periods);
	for (size_t i = 0; i < from->n_periods; i++) {
		const struct ch_period *p = &from->periods[i];
		to[i] = (struct policy_period){ str_from_c(p->kid), p->from_s, p->until_s };
	}
	return CH_DONE;
}

static ch_err issuer_take(struct intake *in, size_t i, const struct ch_issuer *from)
{
	if (!from->issuer || !from->typ || !from->jwks)
		return ch_fail(CH_E_USAGE, "issuer, typ and jwks must not be NULL", i);
	TRY(audiences_take(from, in->audiences[i]));
	TRY(periods_take(from, in->periods[i]));
	in->issuers[i] = (struct policy_issuer){
		.issuer = str_from_c(from->issuer),
		.realm = str_from_c(from->realm),
		.typ = str_from_c(from->typ),
		.audiences = in->audiences[i],
		.n_audiences = from->n_audiences,
		.jwks = bytes_of_str((str){ from->jwks, from->jwks_size }),
		.periods = in->periods[i],
		.n_periods = from->n_periods,
		.skew_s = from->skew_s,
		.max_ttl_s = from->max_ttl_s,
	};
	return CH_DONE;
}

/* An array of structs of the size that the caller's header gave them. */
static ch_err issuers_take(struct intake *in, const struct ch_issuer *issuers, size_t n)
{
	const uint8_t *at = (const void *)issuers;
	if (!n || n > POLICY_ISSUERS_MAX)
		return ch_fail(CH_E_RANGE, "needs one to sixteen issuers", n);
	for (size_t i = 0; i < n; i++, at += issuers->size) {
		struct ch_issuer one;
		TRY(struct_take(at, sizeof(one), &one));
		if (one.size != issuers->size)
			return ch_fail(CH_E_USAGE, "issuers are of several sizes", i);
		TRY(issuer_take(in, i, &one));
	}
	return CH_DONE;
}

static ch_err verifier_make(const struct ch_issuer *issuers, size_t n, struct wr *why,
			    struct ch_verifier **ret_verifier)
{
	AUTO(intake_done) struct intake *in = calloc(1, sizeof(*in));
	AUTO(verifier_done) struct ch_verifier *v = calloc(1, sizeof(*v));
	if (v)
		v->refs = 1;
	if (!in || !v)
		return ch_fail(CH_E_NOMEM, "no memory for a verifier", sizeof(*in));
	TRY(crypto_guest_init());
	TRY(issuers_take(in, issuers, n));
	TRY(policy_new(in->issuers, n, why, &v->policy));
	*ret_verifier = TAKE(v);
	return CH_DONE;
}

ch_err ch_verifier_new(const struct ch_issuer *issuers, size_t n, char *why, size_t why_size,
		       struct ch_verifier **ret_verifier)
{
	if (why && why_size)
		why[0] = 0;
	if (!issuers || !ret_verifier || (!why && why_size))
		return ch_fail(CH_E_USAGE, "ch_verifier_new got a NULL", 0);
	char none[1];
	struct wr w = wr_of(why ? why : none, why_size ? why_size - 1 : 0);
	ch_err e = verifier_make(issuers, n, &w, ret_verifier);
	if (failed(e) && !w.n)
		wr_str(&w, str_from_c(e.site->what));
	if (why_size)
		why[w.n] = 0;
	return e;
}

struct ch_verifier *ch_verifier_ref(struct ch_verifier *v)
{
	if (v)
		atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
	return v;
}

void ch_verifier_unref(struct ch_verifier *v)
{
	if (!v || atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) != 1)
		return;
	policy_free(v->policy);
	free(v);
}

ch_err ch_verifier_warm(struct ch_verifier *v)
{
	if (!v)
		return ch_fail(CH_E_USAGE, "ch_verifier_warm got a NULL", 0);
	if (atomic_flag_test_and_set(&v->warming))
		return ch_fail(CH_E_BUSY, "another thread warms this verifier", 0);
	ch_err e = policy_warm(v->policy);
	atomic_flag_clear(&v->warming);
	return e;
}

uint64_t ch_verifier_id(const struct ch_verifier *v)
{
	return v ? policy_id(v->policy) : 0;
}

size_t ch_verifier_keys(const struct ch_verifier *v, const char *issuer)
{
	return v ? policy_keys(v->policy, str_from_c(issuer)) : 0;
}
