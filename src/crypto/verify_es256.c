/* Verifies ES256: ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4). Here is libcrypto's
 * stock way, for keys without a table; it is also what says if a table is right. A key is
 * always rebuilt on the named curve: parameters that came with it are never used. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>

#include "es256_internal.h"

enum { NUMBER = 32, SIG = 2 * NUMBER };

static void sig_done(ECDSA_SIG **s)
{
	ECDSA_SIG_free(*s);
}

void es256_drop(struct public_key *k)
{
	EC_GROUP_free(atomic_load_explicit(&k->table, memory_order_acquire));
	EC_KEY_free(k->ec);
}

ch_err es256_set_point(EC_KEY *ec, BIGNUM *x, BIGNUM *y)
{
	if (EC_KEY_set_public_key_affine_coordinates(ec, x, y) != 1)
		return ch_fail(CH_E_MISMATCH,
			       "not a point of P-256, or not the one of the private number",
			       lib_error());
	return CH_DONE;
}

static ch_err es_load(struct public_key *k, const struct key_parts *parts)
{
	AUTO(bn_done) BIGNUM *x = BN_bin2bn(parts->x, NUMBER, NULL);
	AUTO(bn_done) BIGNUM *y = BN_bin2bn(parts->y, NUMBER, NULL);
	k->ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	if (!x || !y || !k->ec)
		return ch_fail(CH_E_NOMEM, "no memory for a public key", lib_error());
	return es256_set_point(k->ec, x, y);
}

/* libcrypto checks that r and s lie in 1..n-1. */
static ch_err verify_stock(const struct public_key *k, const struct signed_text *t, bytes sig)
{
	AUTO(sig_done) ECDSA_SIG *s = ECDSA_SIG_new();
	AUTO(bn_done) BIGNUM *r_part = BN_bin2bn(sig.p, NUMBER, NULL);
	AUTO(bn_done) BIGNUM *s_part = BN_bin2bn(sig.p + NUMBER, NUMBER, NULL);
	if (!s || !r_part || !s_part || ECDSA_SIG_set0(s, r_part, s_part) != 1)
		return ch_fail(CH_E_NOMEM, "no memory for a signature", lib_error());
	r_part = NULL; /* now owned by s */
	s_part = NULL;
	if (ECDSA_do_verify(t->sha256, sizeof(t->sha256), s, k->ec) != 1)
		return ch_fail(CH_E_MISMATCH, "the ES256 signature is wrong", lib_error());
	return CH_DONE;
}

static ch_err es_verify(const struct public_key *k, struct key_work *work_or_null,
			struct signed_text t, bytes sig)
{
	const EC_GROUP *table = atomic_load_explicit(&k->table, memory_order_acquire);
	if (sig.n != SIG)
		return ch_fail(CH_E_MISMATCH, "an ES256 signature has 64 bytes", sig.n);
	if (!table || !work_or_null)
		return verify_stock(k, &t, sig);
	return es256_verify_by_table(table, work_or_null, t.sha256, sig.p);
}

const struct public_ops es256_public = {
	.load = es_load,
	.warm = es256_warm,
	.verify = es_verify,
};
