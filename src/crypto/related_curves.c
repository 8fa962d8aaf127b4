/* Scalars and their points: NIST's curves by libcrypto, Edwards' by libsodium. Candidates
 * are any memory of a crashed process, and most are refused as scalars. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <sodium.h>
#include <stdlib.h>

#include "related_internal.h"

static const struct {
	size_t size; /* of a coordinate */
	int nid;
	bool slow; /* libcrypto has no code of its own for it */
} curves[CURVE_COUNT] = {
	[CURVE_P256] = { 32, NID_X9_62_prime256v1, false },
	[CURVE_P384] = { 48, NID_secp384r1, true },
	[CURVE_P521] = { 66, NID_secp521r1, false },
	[CURVE_SECP256K1] = { 32, NID_secp256k1, true },
};

size_t curve_size(enum curve c)
{
	return curves[c].size;
}

void relater_done(struct relater **r)
{
	if (!*r)
		return;
	for (size_t i = 0; i < CURVE_COUNT; i++) {
		EC_POINT_free((*r)->points[i]);
		EC_GROUP_free((*r)->groups[i]);
	}
	BN_clear_free((*r)->a);
	BN_clear_free((*r)->b);
	BN_CTX_free((*r)->ctx);
	free(*r);
	*r = NULL;
}

ch_err relater_new(struct relater **ret_r)
{
	AUTO(relater_done) struct relater *r = calloc(1, sizeof(*r));
	if (!r || !(r->ctx = BN_CTX_new()) || !(r->a = BN_new()) || !(r->b = BN_new()))
		return ch_fail(CH_E_NOMEM, "no memory to relate numbers", 0);
	*ret_r = TAKE(r);
	return CH_DONE;
}

static bool has_group(struct relater *r, enum curve c)
{
	if (r->points[c])
		return true;
	if (!r->groups[c])
		r->groups[c] = EC_GROUP_new_by_curve_name(curves[c].nid);
	if (r->groups[c])
		r->points[c] = EC_POINT_new(r->groups[c]);
	return r->points[c];
}

/* For slow curves a ladder that takes the same time for all scalars is what libcrypto has for
 * one product, and a table of the generator's multiples is what it has for a sum of two: here
 * nobody watches the time, and (k - 1) G + G takes a sixth of it. */
static bool multiply(enum curve c, struct relater *r)
{
	EC_GROUP *g = r->groups[c];
	if (!curves[c].slow)
		return EC_POINT_mul(g, r->points[c], r->a, NULL, NULL, r->ctx) == 1;
	if (!EC_GROUP_have_precompute_mult(g) && EC_GROUP_precompute_mult(g, r->ctx) != 1)
		return false;
	return BN_sub_word(r->a, 1) && BN_one(r->b) &&
	       EC_POINT_mul(g, r->points[c], r->a, EC_GROUP_get0_generator(g), r->b, r->ctx) == 1;
}

ch_err curve_public(enum curve c, struct relater *r, bytes scalar, uint8_t *ret_xy)
{
	AUTO(lib_errors_end) struct lib_errors ours = lib_errors_begin();
	size_t size = curves[c].size;
	if (!has_group(r, c))
		return ch_fail(CH_E_NOMEM, "no memory for a curve", (uint64_t)c);
	if (scalar.n > size || !BN_bin2bn(scalar.p, (int)scalar.n, r->a) || BN_is_zero(r->a) ||
	    BN_ucmp(r->a, EC_GROUP_get0_order(r->groups[c])) >= 0)
		return ch_fail(CH_E_RANGE, "not a scalar of the curve", scalar.n);
	if (!multiply(c, r) ||
	    EC_POINT_get_affine_coordinates(r->groups[c], r->points[c], r->a, r->b, r->ctx) != 1 ||
	    BN_bn2binpad(r->a, ret_xy, (int)size) < 0 ||
	    BN_bn2binpad(r->b, ret_xy + size, (int)size) < 0)
		return ch_fail(CH_E_CRYPTO, "cannot multiply the generator", lib_error());
	return CH_DONE;
}

bool curve_has(enum curve c, struct relater *r, bytes xy)
{
	AUTO(lib_errors_end) struct lib_errors ours = lib_errors_begin();
	size_t size = curves[c].size;
	/* setting the coordinates checks the equation */
	return xy.n == 2 * size && has_group(r, c) && BN_bin2bn(xy.p, (int)size, r->a) &&
	       BN_bin2bn(xy.p + size, (int)size, r->b) &&
	       EC_POINT_set_affine_coordinates(r->groups[c], r->points[c], r->a, r->b, r->ctx) == 1;
}

void ed25519_expand(const uint8_t seed[static 32], uint8_t ret_both[static 64])
{
	crypto_hash_sha512(ret_both, seed, 32);
	ret_both[0] &= 248;
	ret_both[31] &= 127;
	ret_both[31] |= 64;
}

void ed25519_of_seed(const uint8_t seed[static 32], uint8_t ret_public[static 32])
{
	uint8_t both[64] = { 0 };
	ed25519_expand(seed, both);
	/* a clamped scalar is never 0, so this cannot fail */
	(void)crypto_scalarmult_ed25519_base_noclamp(ret_public, both);
	mem_wipe(both, sizeof(both));
}

ch_err ed25519_of_scalar(const uint8_t scalar[static 32], uint8_t ret_public[static 32])
{
	if (crypto_scalarmult_ed25519_base_noclamp(ret_public, scalar) != 0)
		return ch_fail(CH_E_RANGE, "not a scalar of Ed25519", 0);
	return CH_DONE;
}

ch_err x25519_of(const uint8_t scalar[static 32], uint8_t ret_public[static 32])
{
	if (crypto_scalarmult_base(ret_public, scalar) != 0)
		return ch_fail(CH_E_RANGE, "not a scalar of X25519", 0);
	return CH_DONE;
}
