/* Verifies ES256: ECDSA on P-256 with SHA-256 (RFC 7518 section 3.4). Here is libcrypto's
 * stock way, for keys without a table; it is also what says if a table is right. A key is
 * always rebuilt on the named curve: parameters that came with it are never used. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>

#include "work_internal.h"

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

/* Made once a process and kept, since that takes five times as long as all else of a key. */
static const EC_GROUP *curve(void)
{
	static _Atomic(EC_GROUP *) kept;
	EC_GROUP *made = atomic_load(&kept), *none = NULL;
	if (made)
		return made;
	made = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	if (!made || atomic_compare_exchange_strong(&kept, &none, made))
		return made;
	EC_GROUP_free(made); /* another thread was first */
	return none;
}

/* That a point is on the curve is all there is to check: P-256 has no other points than
 * infinity, which this form cannot say, and those of its one prime order (SP 800-186
 * section 3.2.1.3: cofactor 1). libcrypto's check of a whole key would multiply by the
 * order as well, which takes as long as a signature's verification. */
static ch_err es_load(struct public_key *k, const struct key_parts *parts)
{
	uint8_t point[1 + 2 * NUMBER] = { POINT_CONVERSION_UNCOMPRESSED };
	const EC_GROUP *group = curve();
	mem_copy(point + 1, parts->x, NUMBER);
	mem_copy(point + 1 + NUMBER, parts->y, NUMBER);
	k->ec = EC_KEY_new();
	if (!group || !k->ec || EC_KEY_set_group(k->ec, group) != 1)
		return ch_fail(CH_E_NOMEM, "no memory for a public key", lib_error());
	if (EC_KEY_oct2key(k->ec, point, sizeof(point), NULL) != 1)
		return ch_fail(CH_E_MISMATCH, "not a point of P-256", lib_error());
	return CH_DONE;
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
