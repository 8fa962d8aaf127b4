/* The states of an HMAC key sign as the key does: that is what they are. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "base/rand.h"
#include "crypto/hmac_state.h"

static const char message[] = "what do ya want for nothing?";

static void go_on_256(const uint8_t *state, bytes b, uint8_t *to)
{
	SHA256_CTX c;
	SHA256_Init(&c);
	mem_copy(c.h, state, 32);
	c.Nl = 8 * 64;
	SHA256_Update(&c, b.p, b.n);
	SHA256_Final(to, &c);
}

static void go_on_512(enum hmac_hash hash, const uint8_t *state, bytes b, uint8_t *to)
{
	SHA512_CTX c;
	if (hash == HMAC_SHA384)
		SHA384_Init(&c);
	else
		SHA512_Init(&c);
	mem_copy(c.h, state, 64);
	c.Nl = 8 * 128;
	SHA512_Update(&c, b.p, b.n);
	SHA512_Final(to, &c);
}

static void go_on(enum hmac_hash hash, const uint8_t *state, bytes b, uint8_t *to)
{
	if (hash == HMAC_SHA256)
		go_on_256(state, b, to);
	else
		go_on_512(hash, state, b, to);
}

static void states_sign(void **state)
{
	(void)state;
	static const size_t sizes[] = { 32, 48, 64 };
	bytes text = bytes_of_str(str_from_c(message));
	for (unsigned hash = 0; hash < HMAC_HASH_COUNT; hash++) {
		const EVP_MD *md[] = { EVP_sha256(), EVP_sha384(), EVP_sha512() };
		for (size_t n = 1; n < 300; n += 13) {
			uint8_t key[300], a[64], b[64], inner[HMAC_STATE_MAX],
				outer[HMAC_STATE_MAX];
			rand_fill(key, n);
			size_t words =
				hmac_states((enum hmac_hash)hash, (bytes){ key, n }, inner, outer);
			assert_int_equal(words, hash == HMAC_SHA256 ? 32 : 64);
			go_on((enum hmac_hash)hash, inner, text, a);
			go_on((enum hmac_hash)hash, outer, (bytes){ a, sizes[hash] }, a);
			assert_non_null(HMAC(md[hash], key, (int)n, text.p, text.n, b, NULL));
			assert_memory_equal(a, b, sizes[hash]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(states_sign) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
