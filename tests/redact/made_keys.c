/* Keys made by libcrypto for a test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "made_keys.h"

bytes made(const struct made_number *n)
{
	return (bytes){ n->p, n->n };
}

static void number(EVP_PKEY *k, const char *name, struct made_number *to)
{
	BIGNUM *n = NULL;
	assert_int_equal(EVP_PKEY_get_bn_param(k, name, &n), 1);
	assert_true(BN_num_bytes(n) <= MADE_MAX);
	to->n = (size_t)BN_bn2bin(n, to->p);
	BN_clear_free(n);
}

void made_rsa(unsigned bits, struct made_rsa *ret_k)
{
	EVP_PKEY *k = EVP_RSA_gen(bits);
	assert_non_null(k);
	number(k, OSSL_PKEY_PARAM_RSA_N, &ret_k->n);
	number(k, OSSL_PKEY_PARAM_RSA_D, &ret_k->d);
	number(k, OSSL_PKEY_PARAM_RSA_FACTOR1, &ret_k->p);
	number(k, OSSL_PKEY_PARAM_RSA_FACTOR2, &ret_k->q);
	number(k, OSSL_PKEY_PARAM_RSA_EXPONENT1, &ret_k->dp);
	number(k, OSSL_PKEY_PARAM_RSA_EXPONENT2, &ret_k->dq);
	number(k, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, &ret_k->qinv);
	EVP_PKEY_free(k);
}

void made_ec(const char *curve, struct made_ec *ret_k)
{
	uint8_t point[133];
	size_t n = 0;
	EVP_PKEY *k = EVP_EC_gen(curve);
	assert_non_null(k);
	number(k, OSSL_PKEY_PARAM_PRIV_KEY, &ret_k->d);
	assert_int_equal(EVP_PKEY_get_octet_string_param(k, OSSL_PKEY_PARAM_PUB_KEY, point,
							 sizeof(point), &n),
			 1);
	assert_int_equal(point[0], 4);
	ret_k->n_xy = n - 1;
	mem_copy(ret_k->xy, point + 1, n - 1);
	EVP_PKEY_free(k);
}
