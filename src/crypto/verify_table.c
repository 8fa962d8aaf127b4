/* Verifies ES256 by a key's table (FIPS 186-5 section 6.4.2): two multiplications of a
 * generator, libcrypto's, and an addition. What it says must be what verify_es256.c says,
 * for every key and signature: tests and a fuzz target compare. All it sees is public,
 * so none of it minds its time. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bn.h>
#include <openssl/ec.h>

#include "work_internal.h"
#include "inverse_vartime.h"

enum { NUMBER = 32 };

/* r and s in 1 .. order - 1, the hash below the order. */
static ch_err read_numbers(struct key_work *w, const uint8_t hash[static SHA256_SIZE],
			   const uint8_t sig[static 64])
{
	if (!BN_bin2bn(sig, NUMBER, w->r) || !BN_bin2bn(sig + NUMBER, NUMBER, w->s) ||
	    !BN_bin2bn(hash, SHA256_SIZE, w->hash))
		return ch_fail(CH_E_NOMEM, "no memory for a signature", lib_error());
	if (BN_is_zero(w->r) || BN_ucmp(w->r, w->n) >= 0 || BN_is_zero(w->s) ||
	    BN_ucmp(w->s, w->n) >= 0)
		return ch_fail(CH_E_MISMATCH, "the ES256 signature is out of range", 0);
	if (BN_ucmp(w->hash, w->n) >= 0 && BN_usub(w->hash, w->hash, w->n) != 1)
		return ch_fail(CH_E_NOMEM, "no memory for a signature", lib_error());
	return CH_DONE;
}

/* u1 = hash / s, u2 = r / s modulo the order. With 1/s in Montgomery's form, the product
 * with a plain number is a plain number. */
static ch_err divide(struct key_work *w, const uint8_t s[static NUMBER])
{
	uint8_t inverse[NUMBER];
	if (!inverse_vartime(s, inverse))
		return ch_fail(CH_E_INTERNAL, "no inverse of a number below the order", 0);
	if (!BN_bin2bn(inverse, NUMBER, w->inverse) ||
	    BN_to_montgomery(w->inverse, w->inverse, w->mod_n, w->numbers) != 1 ||
	    BN_mod_mul_montgomery(w->u1, w->hash, w->inverse, w->mod_n, w->numbers) != 1 ||
	    BN_mod_mul_montgomery(w->u2, w->r, w->inverse, w->mod_n, w->numbers) != 1)
		return ch_fail(CH_E_NOMEM, "no memory to verify with", lib_error());
	return CH_DONE;
}

/* candidate * z^2 = x? With R for Montgomery's factor: z is z^2 / R, x is x / R^2. */
static bool x_fits(struct key_work *w, const BIGNUM *candidate)
{
	return BN_mod_mul_montgomery(w->trial, w->z, candidate, w->mod_p, w->numbers) == 1 &&
	       BN_cmp(w->trial, w->x) == 0;
}

bool es256_x_is(struct key_work *w)
{
	if (BN_from_montgomery(w->x, w->x, w->mod_p, w->numbers) != 1 ||
	    BN_from_montgomery(w->x, w->x, w->mod_p, w->numbers) != 1 ||
	    BN_mod_mul_montgomery(w->z, w->z, w->z, w->mod_p, w->numbers) != 1)
		return false;
	if (x_fits(w, w->r))
		return true;
	return BN_ucmp(w->r, w->p_less_n) < 0 && BN_uadd(w->r, w->r, w->n) == 1 && x_fits(w, w->r);
}

ch_err es256_verify_by_table(const EC_GROUP *table, struct key_work *w,
			     const uint8_t hash[static SHA256_SIZE], const uint8_t sig[static 64])
{
	TRY(read_numbers(w, hash, sig));
	TRY(divide(w, sig + NUMBER));
	/* EC_POINT_add knows of equal points, opposite ones and infinity */
	if (EC_POINT_mul(w->group, w->sum, w->u1, NULL, NULL, w->numbers) != 1 ||
	    EC_POINT_mul(table, w->part, w->u2, NULL, NULL, w->numbers) != 1 ||
	    EC_POINT_add(w->group, w->sum, w->sum, w->part, w->numbers) != 1)
		return ch_fail(CH_E_NOMEM, "no memory to verify with", lib_error());
	if (EC_POINT_is_at_infinity(w->group, w->sum))
		return ch_fail(CH_E_MISMATCH, "the ES256 signature is wrong", 0);
	if (EC_POINT_get_Jprojective_coordinates_GFp(w->group, w->sum, w->x, NULL, w->z,
						     w->numbers) != 1)
		return ch_fail(CH_E_NOMEM, "no memory to verify with", lib_error());
	if (!es256_x_is(w))
		return ch_fail(CH_E_MISMATCH, "the ES256 signature is wrong", lib_error());
	return CH_DONE;
}
