/* The working memory of one thread that verifies: numbers and points that ES256 by a table
 * needs, at their full size after the first time. Nothing in it is secret. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "work_internal.h"

/* False when one is missing: BN_CTX_get goes on failing. */
static bool take_numbers(struct key_work *w)
{
	BIGNUM **const all[] = { &w->r,  &w->s, &w->hash, &w->inverse, &w->u1,
				 &w->u2, &w->x, &w->z,    &w->trial,   &w->p_less_n };
	w->numbers = BN_CTX_new();
	if (!w->numbers)
		return false;
	BN_CTX_start(w->numbers);
	for (size_t i = 0; i < COUNT_OF(all); i++)
		*all[i] = BN_CTX_get(w->numbers);
	return w->p_less_n;
}

static bool take_curve(struct key_work *w)
{
	w->group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	w->mod_p = BN_MONT_CTX_new();
	w->mod_n = BN_MONT_CTX_new();
	if (!w->group || !w->mod_p || !w->mod_n)
		return false;
	w->p = EC_GROUP_get0_field(w->group);
	w->n = EC_GROUP_get0_order(w->group);
	w->sum = EC_POINT_new(w->group);
	w->part = EC_POINT_new(w->group);
	return w->sum && w->part && BN_usub(w->p_less_n, w->p, w->n) == 1 &&
	       BN_MONT_CTX_set(w->mod_p, w->p, w->numbers) == 1 &&
	       BN_MONT_CTX_set(w->mod_n, w->n, w->numbers) == 1;
}

ch_err key_work_new(struct key_work **ret_w)
{
	AUTO(lib_errors_end) struct lib_errors ours = lib_errors_begin();
	AUTO(key_work_done) struct key_work *w = OPENSSL_zalloc(sizeof(*w));
	if (!w || !take_numbers(w) || !take_curve(w))
		return ch_fail(CH_E_NOMEM, "no memory to verify with", lib_error());
	*ret_w = TAKE(w);
	return CH_DONE;
}

void key_work_free(struct key_work *w)
{
	if (!w)
		return;
	EC_POINT_free(w->sum);
	EC_POINT_free(w->part);
	BN_MONT_CTX_free(w->mod_p);
	BN_MONT_CTX_free(w->mod_n);
	EC_GROUP_free(w->group);
	if (w->numbers)
		BN_CTX_end(w->numbers);
	BN_CTX_free(w->numbers);
	OPENSSL_free(w);
}

void key_work_done(struct key_work **w)
{
	key_work_free(*w);
	*w = NULL;
}
