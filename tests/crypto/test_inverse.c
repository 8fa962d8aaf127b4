/* The inverse of our own against libcrypto's. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "base/rand.h"
#include "inverse_vartime.h"

enum { NUMBER = 32, RANDOM = 150000 };

static struct {
	BN_CTX *numbers;
	BIGNUM *n, *s, *inverse;
} lib;

static void compare(const uint8_t s[static NUMBER])
{
	uint8_t want[NUMBER], got[NUMBER];
	memset(got, 0x5a, sizeof(got));
	assert_non_null(BN_bin2bn(s, NUMBER, lib.s));
	assert_int_equal(BN_nnmod(lib.s, lib.s, lib.n, lib.numbers), 1);
	if (BN_is_zero(lib.s)) {
		assert_false(inverse_vartime(s, got));
		memset(want, 0x5a, sizeof(want));
	} else {
		assert_true(inverse_vartime(s, got));
		assert_non_null(BN_mod_inverse(lib.inverse, lib.s, lib.n, lib.numbers));
		assert_int_equal(BN_bn2binpad(lib.inverse, want, NUMBER), NUMBER);
	}
	assert_memory_equal(got, want, NUMBER);
}

static void compare_number(const BIGNUM *n)
{
	uint8_t s[NUMBER];
	if (BN_is_negative(n) || BN_num_bits(n) > 8 * NUMBER)
		return;
	assert_int_equal(BN_bn2binpad(n, s, NUMBER), NUMBER);
	compare(s);
}

/* around every power of two, and around the order less it; so also 0, 1, 2, the order and
 * all ones */
static void edges(void **state)
{
	(void)state;
	BIGNUM *at = BN_new();
	for (int bit = 0; bit <= 8 * NUMBER; bit++) {
		for (int around = -3; around <= 3; around++) {
			BN_zero(at);
			assert_int_equal(BN_set_bit(at, bit), 1);
			assert_int_equal(around < 0 ? BN_sub_word(at, (BN_ULONG)-around)
						    : BN_add_word(at, (BN_ULONG)around),
					 1);
			compare_number(at);
			assert_int_equal(BN_sub(at, lib.n, at), 1);
			compare_number(at);
		}
	}
	for (BN_ULONG i = 0; i < 1000; i++) {
		assert_int_equal(BN_set_word(at, i), 1);
		compare_number(at);
		assert_int_equal(BN_sub(at, lib.n, at), 1);
		compare_number(at);
		assert_int_equal(BN_add(at, lib.n, at), 1);
		compare_number(at);
	}
	BN_free(at);
}

/* Every third with a run of equal bits somewhere. */
static void random_numbers(void **state)
{
	(void)state;
	uint8_t s[NUMBER], how[3];
	for (size_t i = 0; i < RANDOM; i++) {
		rand_fill(s, sizeof(s));
		rand_fill(how, sizeof(how));
		size_t from = how[0] % NUMBER, n = how[1] % (NUMBER - from);
		if (i % 3 == 0)
			memset(s + from, how[2] & 1 ? 0xff : 0, n);
		compare(s);
	}
}

/* The inverse of the inverse is the number. */
static void there_and_back(void **state)
{
	(void)state;
	uint8_t s[NUMBER], once[NUMBER], twice[NUMBER];
	for (size_t i = 0; i < 1000; i++) {
		rand_fill(s, sizeof(s));
		s[0] &= 0x7f;
		assert_true(inverse_vartime(s, once) && inverse_vartime(once, twice));
		assert_memory_equal(s, twice, NUMBER);
	}
}

static int init(void **state)
{
	(void)state;
	EC_GROUP *g = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	lib.numbers = BN_CTX_new();
	lib.s = BN_new();
	lib.inverse = BN_new();
	lib.n = g ? BN_dup(EC_GROUP_get0_order(g)) : NULL;
	EC_GROUP_free(g);
	return !lib.numbers || !lib.s || !lib.inverse || !lib.n;
}

static int finish(void **state)
{
	(void)state;
	BN_free(lib.n);
	BN_free(lib.s);
	BN_free(lib.inverse);
	BN_CTX_free(lib.numbers);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edges),
		cmocka_unit_test(random_numbers),
		cmocka_unit_test(there_and_back),
	};
	return cmocka_run_group_tests(tests, init, finish);
}
