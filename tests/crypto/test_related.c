/* Private halves are recognised by what is public: published keys, fresh ones of libcrypto's,
 * and numbers that are no such thing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/rsa.h>

#include "crypto/key.h"
#include "crypto/related.h"

static struct relater *relater;

static int setup(void **state)
{
	(void)state;
	return failed(crypto_init(NULL)) || failed(relater_new(&relater));
}

static int teardown(void **state)
{
	(void)state;
	relater_done(&relater);
	return 0;
}

static void number_of(EVP_PKEY *k, const char *name, uint8_t *to, size_t *ret_n)
{
	BIGNUM *n = NULL;
	assert_int_equal(EVP_PKEY_get_bn_param(k, name, &n), 1);
	*ret_n = (size_t)BN_bn2bin(n, to);
	BN_free(n);
}

static void reverse(const uint8_t *from, size_t n, uint8_t *to)
{
	for (size_t i = 0; i < n; i++)
		to[i] = from[n - 1 - i];
}

static void test_rsa(void **state)
{
	(void)state;
	EVP_PKEY *k = EVP_RSA_gen(2048);
	uint8_t n[256], p[128], q[128], d[256], le[256];
	uint8_t dp[128], qinv[128];
	size_t n_n, p_n, q_n, d_n, dp_n, qinv_n;
	number_of(k, OSSL_PKEY_PARAM_RSA_N, n, &n_n);
	number_of(k, OSSL_PKEY_PARAM_RSA_FACTOR1, p, &p_n);
	number_of(k, OSSL_PKEY_PARAM_RSA_FACTOR2, q, &q_n);
	number_of(k, OSSL_PKEY_PARAM_RSA_D, d, &d_n);
	number_of(k, OSSL_PKEY_PARAM_RSA_EXPONENT1, dp, &dp_n);
	number_of(k, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, qinv, &qinv_n);
	struct modulus *m = NULL;
	assert_false(failed(modulus_new((bytes){ n, n_n }, &m)));
	reverse(p, p_n, le);
	assert_true(modulus_divides(m, relater, (bytes){ le, p_n }));
	le[0] ^= 2;
	assert_false(modulus_divides(m, relater, (bytes){ le, p_n }));
	reverse(n, n_n, le);
	assert_false(modulus_divides(m, relater, (bytes){ le, n_n }));
	static const uint8_t one[128] = { 1 };
	assert_false(modulus_divides(m, relater, BYTES_OF(one)));
	static const uint8_t zero[128];
	assert_false(modulus_divides(m, relater, BYTES_OF(zero)));
	assert_true(modulus_exponent(m, relater, 65537, (bytes){ d, d_n }));
	assert_false(modulus_exponent(m, relater, 3, (bytes){ d, d_n }));
	assert_false(modulus_exponent(m, relater, 65537, (bytes){ n, n_n }));
	static struct rsa_numbers x;
	assert_false(failed(modulus_from_prime(m, relater, (bytes){ p, p_n }, 65537, &x)));
	assert_int_equal(x.q_n, q_n);
	assert_memory_equal(x.q, q, q_n);
	assert_memory_equal(x.dp, dp, dp_n);
	assert_memory_equal(x.qinv, qinv, qinv_n);
	/* libcrypto's is modulo the least common multiple */
	assert_int_equal(x.d_lcm_n, d_n);
	assert_memory_equal(x.d_lcm, d, d_n);
	assert_true(modulus_exponent(m, relater, 65537, (bytes){ x.d, x.d_n }));
	p[5] ^= 1;
	assert_int_equal(ch_code_of(modulus_from_prime(m, relater, (bytes){ p, p_n }, 65537, &x)),
			 CH_E_MISMATCH);
	modulus_done(&m);
	EVP_PKEY_free(k);
}

static void test_modulus_limits(void **state)
{
	(void)state;
	struct modulus *m = NULL;
	static uint8_t big[RELATED_MODULUS_MAX + 1];
	memset(big, 0xff, sizeof(big));
	assert_int_equal(ch_code_of(modulus_new(BYTES_OF(big), &m)), CH_E_RANGE);
	assert_int_equal(ch_code_of(modulus_new((bytes){ big, 63 }, &m)), CH_E_RANGE);
	big[255] = 0xfe;
	assert_int_equal(ch_code_of(modulus_new((bytes){ big, 256 }, &m)), CH_E_RANGE);
	assert_null(m);
}

static void test_curves(void **state)
{
	(void)state;
	static const char *const names[CURVE_COUNT] = { "P-256", "P-384", "P-521", "secp256k1" };
	for (size_t c = 0; c < CURVE_COUNT; c++) {
		EVP_PKEY *k = EVP_EC_gen(names[c]);
		uint8_t d[66], x[66], y[66], pub[132], ours[132];
		size_t size = curve_size((enum curve)c), d_n, x_n, y_n;
		number_of(k, OSSL_PKEY_PARAM_PRIV_KEY, d, &d_n);
		number_of(k, OSSL_PKEY_PARAM_EC_PUB_X, x, &x_n);
		number_of(k, OSSL_PKEY_PARAM_EC_PUB_Y, y, &y_n);
		memset(pub, 0, sizeof(pub));
		memcpy(pub + size - x_n, x, x_n);
		memcpy(pub + 2 * size - y_n, y, y_n);
		assert_false(failed(curve_public((enum curve)c, relater, (bytes){ d, d_n }, ours)));
		assert_memory_equal(ours, pub, 2 * size);
		assert_true(curve_has((enum curve)c, relater, (bytes){ pub, 2 * size }));
		pub[size]++;
		assert_false(curve_has((enum curve)c, relater, (bytes){ pub, 2 * size }));
		uint8_t high[66];
		memset(high, 0xff, sizeof(high));
		assert_int_equal(ch_code_of(curve_public((enum curve)c, relater,
							 (bytes){ high, size }, ours)),
				 CH_E_RANGE);
		memset(high, 0, sizeof(high));
		assert_int_equal(ch_code_of(curve_public((enum curve)c, relater,
							 (bytes){ high, size }, ours)),
				 CH_E_RANGE);
		EVP_PKEY_free(k);
	}
}

/* The smallest scalars and the largest, and some between, as one plain multiplication has them:
 * not all curves are multiplied in the same way. */
static void test_scalars(void **state)
{
	(void)state;
	static const int nids[CURVE_COUNT] = { NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1,
					       NID_secp256k1 };
	for (size_t c = 0; c < CURVE_COUNT * 12; c++) {
		EC_GROUP *g = EC_GROUP_new_by_curve_name(nids[c / 12]);
		EC_POINT *point = EC_POINT_new(g);
		BIGNUM *k = BN_new(), *x = BN_new(), *y = BN_new();
		uint8_t scalar[66], plain[132], ours[132];
		size_t size = curve_size((enum curve)(c / 12)), i = c % 12;
		assert_int_equal(BN_rand_range(k, EC_GROUP_get0_order(g)), 1);
		if (i < 4)
			assert_int_equal(BN_set_word(k, i + 1), 1);
		if (i == 4 || i == 5)
			assert_int_equal(BN_sub(k, EC_GROUP_get0_order(g), BN_value_one()), 1);
		if (i == 5)
			assert_int_equal(BN_sub_word(k, 1), 1);
		assert_int_equal(EC_POINT_mul(g, point, k, NULL, NULL, NULL), 1);
		assert_int_equal(EC_POINT_get_affine_coordinates(g, point, x, y, NULL), 1);
		BN_bn2binpad(k, scalar, (int)size);
		BN_bn2binpad(x, plain, (int)size);
		BN_bn2binpad(y, plain + size, (int)size);
		assert_false(failed(curve_public((enum curve)(c / 12), relater,
						 (bytes){ scalar, size }, ours)));
		assert_memory_equal(ours, plain, 2 * size);
		EC_GROUP_free(g);
		EC_POINT_free(point);
		BN_free(k);
		BN_free(x);
		BN_free(y);
	}
}

/* RFC 8032 section 7.1, test 1; RFC 7748 section 6.1 */
static void test_edwards(void **state)
{
	(void)state;
	static const uint8_t seed[32] = { 0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60,
					  0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
					  0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19,
					  0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60 };
	static const uint8_t public[32] = { 0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7,
					    0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
					    0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25,
					    0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a };
	static const uint8_t alice[32] = { 0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5, 0x7d,
					   0x3c, 0x16, 0xc1, 0x72, 0x51, 0xb2, 0x66, 0x45,
					   0xdf, 0x4c, 0x2f, 0x87, 0xeb, 0xc0, 0x99, 0x2a,
					   0xb1, 0x77, 0xfb, 0xa5, 0x1d, 0xb9, 0x2c, 0x2a };
	static const uint8_t alice_public[32] = { 0x85, 0x20, 0xf0, 0x09, 0x89, 0x30, 0xa7, 0x54,
						  0x74, 0x8b, 0x7d, 0xdc, 0xb4, 0x3e, 0xf7, 0x5a,
						  0x0d, 0xbf, 0x3a, 0x0d, 0x26, 0x38, 0x1a, 0xf4,
						  0xeb, 0xa4, 0xa9, 0x8e, 0xaa, 0x9b, 0x4e, 0x6a };
	uint8_t out[32], both[64];
	ed25519_of_seed(seed, out);
	assert_memory_equal(out, public, 32);
	ed25519_expand(seed, both);
	assert_false(failed(ed25519_of_scalar(both, out)));
	assert_memory_equal(out, public, 32);
	assert_false(failed(x25519_of(alice, out)));
	assert_memory_equal(out, alice_public, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rsa),     cmocka_unit_test(test_modulus_limits),
		cmocka_unit_test(test_curves),  cmocka_unit_test(test_scalars),
		cmocka_unit_test(test_edwards),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
