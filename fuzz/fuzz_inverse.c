/* Each 32 bytes as a number: its inverse is libcrypto's, or there is none. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <assert.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <stddef.h>

#include "base/bytes.h"
#include "inverse_vartime.h"

enum { NUMBER = 32 };

static struct {
	BN_CTX *numbers;
	BIGNUM *n, *s, *inverse;
} lib;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void start(void)
{
	if (lib.n)
		return;
	EC_GROUP *g = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	lib.n = BN_dup(EC_GROUP_get0_order(g));
	lib.s = BN_new();
	lib.inverse = BN_new();
	lib.numbers = BN_CTX_new();
	EC_GROUP_free(g);
}

static void one(const uint8_t s[static NUMBER])
{
	uint8_t want[NUMBER] = { 0 }, got[NUMBER] = { 0 };
	bool some = inverse_vartime(s, got);
	assert(BN_bin2bn(s, NUMBER, lib.s) && BN_nnmod(lib.s, lib.s, lib.n, lib.numbers));
	assert(some == !BN_is_zero(lib.s));
	if (!some)
		return;
	assert(BN_mod_inverse(lib.inverse, lib.s, lib.n, lib.numbers));
	assert(BN_bn2binpad(lib.inverse, want, NUMBER) == NUMBER);
	assert(mem_eq(want, got, NUMBER));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	start();
	for (; size >= NUMBER; size -= NUMBER, data += NUMBER)
		one(data);
	return 0;
}
