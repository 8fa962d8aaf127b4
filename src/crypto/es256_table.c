/* A key's table for ES256. libcrypto multiplies a curve's generator several times as fast
 * as another point, for it has a table of the generator's multiples; a group like P-256
 * whose generator is the key makes it build such a table for the key. Built when it
 * is asked for, 150 KB, then never changed: threads that verify see all of it or none. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bn.h>
#include <openssl/ec.h>

#include "work_internal.h"

static void group_done(EC_GROUP **g)
{
	EC_GROUP_free(*g);
}

/* Whether libcrypto can is for it to say: the calls have been deprecated since 3.0. */
static ch_err table_new(const EC_KEY *ec, EC_GROUP **ret_table)
{
	const EC_GROUP *curve = EC_KEY_get0_group(ec);
	AUTO(group_done) EC_GROUP *g = EC_GROUP_dup(curve);
	if (!g || EC_GROUP_set_generator(g, EC_KEY_get0_public_key(ec), EC_GROUP_get0_order(curve),
					 BN_value_one()) != 1)
		return ch_fail(CH_E_NOMEM, "no memory for a key's table", lib_error());
	if (EC_GROUP_precompute_mult(g, NULL) != 1 || EC_GROUP_have_precompute_mult(g) != 1)
		return ch_fail(CH_E_UNSUPPORTED, "libcrypto makes no table for a key", lib_error());
	*ret_table = TAKE(g);
	return CH_DONE;
}

/* The table is whole before it is shown. Of two threads that build one, one is too late. */
ch_err es256_warm(struct public_key *k)
{
	AUTO(group_done) EC_GROUP *mine = NULL;
	EC_GROUP *none = NULL;
	if (public_key_is_warm(k))
		return CH_DONE;
	TRY(table_new(k->ec, &mine));
	if (atomic_compare_exchange_strong_explicit(&k->table, &none, mine, memory_order_release,
						    memory_order_relaxed))
		mine = NULL; /* now owned by the key */
	return CH_DONE;
}
