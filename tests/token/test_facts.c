/* What a token says of itself: read from a real one, its signature held against the right key and
 * against others, and whatever is no token. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/base64url.h"
#include "crypto/key.h"
#include "token/facts.h"

static struct private_key *key;
static char jwk_room[JWK_TEXT_MAX];
static str jwk;
static uint8_t token_room[TOKEN_MAX];

static str token_of(str header, str payload)
{
	struct wr w = wr_of(token_room, sizeof(token_room));
	uint8_t sig[SIGNATURE_MAX];
	size_t n = 0;
	base64url_write(&w, bytes_of_str(header));
	wr_char(&w, '.');
	base64url_write(&w, bytes_of_str(payload));
	assert_false(failed(private_key_sign(key, wr_bytes(&w), sig, &n)));
	wr_char(&w, '.');
	base64url_write(&w, (bytes){ sig, n });
	return wr_text(&w);
}

#define HEADER "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k1\"}"
#define PAYLOAD "{\"iss\":\"https://a.example\",\"iat\":5,\"exp\":9,\"client_id\":\"c\"}"

static int set_up(void **state)
{
	struct key_parts parts;
	struct wr w = wr_of(jwk_room, sizeof(jwk_room));
	(void)state;
	return failed(crypto_init(NULL)) || failed(private_key_generate(ALG_ES256, &key)) ||
	       failed(private_key_public(key, &parts)) ||
	       failed(jwk_write(&w, &parts, LIT("k1"))) || (jwk = wr_text(&w)).n == 0;
}

static int tear_down(void **state)
{
	(void)state;
	private_key_done(&key);
	return 0;
}

static void test_read(void **state)
{
	static struct token_scratch s;
	struct token_facts f, g;
	uint8_t identity[SHA256_SIZE];
	(void)state;
	str token = token_of(LIT(HEADER), LIT(PAYLOAD));
	assert_false(failed(token_facts_read(token, &s, &f)));
	assert_true(str_eq(f.alg, LIT("ES256")) && str_eq(f.typ, LIT("at+jwt")) &&
		    str_eq(f.kid, LIT("k1")) && str_eq(f.iss, LIT("https://a.example")) &&
		    str_eq(f.client_id, LIT("c")));
	assert_true(f.iat == 5 && f.exp == 9 && f.signature.n == 64);
	sha256(bytes_of_str(f.input), identity);
	assert_memory_equal(identity, f.identity, sizeof(identity));
	assert_false(failed(token_facts_check(&f, jwk)));
	uint8_t signature[64];
	mem_copy(signature, f.signature.p, 64);
	assert_false(failed(token_facts_of(f.input, BYTES_OF(signature), &s, &g)));
	assert_memory_equal(g.identity, identity, sizeof(identity));
	assert_false(failed(token_facts_check(&g, jwk)));
	signature[5] ^= 1;
	assert_int_equal(ch_code_of(token_facts_check(&g, jwk)), CH_E_MISMATCH);
}

static void test_other_keys(void **state)
{
	static struct token_scratch s;
	struct token_facts f;
	(void)state;
	str token = token_of(LIT("{\"alg\":\"ES256\",\"kid\":\"k2\"}"), LIT(PAYLOAD));
	assert_false(failed(token_facts_read(token, &s, &f)));
	assert_int_equal(ch_code_of(token_facts_check(&f, jwk)), CH_E_MISMATCH);
	token = token_of(LIT("{\"alg\":\"EdDSA\",\"kid\":\"k1\"}"), LIT(PAYLOAD));
	assert_false(failed(token_facts_read(token, &s, &f)));
	assert_int_equal(ch_code_of(token_facts_check(&f, jwk)), CH_E_MISMATCH);
	token = token_of(LIT("{\"alg\":\"ES256\"}"), LIT(PAYLOAD));
	assert_false(failed(token_facts_read(token, &s, &f)));
	assert_int_equal(ch_code_of(token_facts_check(&f, jwk)), CH_E_MISMATCH);
	assert_true(failed(token_facts_check(&f, LIT("{}"))));
	assert_true(failed(token_facts_check(&f, LIT("[]"))));
	assert_true(failed(token_facts_check(&f, LIT("no JSON"))));
}

static void test_no_tokens(void **state)
{
	static struct token_scratch s;
	static const char *const payloads[] = { "[]",
						"{}",
						"{\"iat\":5}",
						"{\"exp\":5}",
						"{\"iat\":-1,\"exp\":5}",
						"{\"iat\":1.5,\"exp\":5}",
						"{\"iat\":\"1\",\"exp\":5}",
						"{\"iat\":1,\"exp\":5,\"iss\":7}",
						"{\"iat\":1,\"exp\":5,\"iat\":2}" };
	static const char *const headers[] = { "[]", "{\"alg\":7}",
					       "{\"alg\":\"ES256\",\"crit\":[]}" };
	struct token_facts f;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(payloads); i++) {
		str token = token_of(LIT(HEADER), str_from_c(payloads[i]));
		assert_int_equal(ch_code_of(token_facts_read(token, &s, &f)), CH_E_SYNTAX);
	}
	for (size_t i = 0; i < COUNT_OF(headers); i++) {
		str token = token_of(str_from_c(headers[i]), LIT(PAYLOAD));
		assert_int_equal(ch_code_of(token_facts_read(token, &s, &f)), CH_E_SYNTAX);
	}
	str token = token_of(LIT(HEADER), LIT(PAYLOAD));
	for (size_t n = 0; n < token.n; n++)
		if (!failed(token_facts_read(str_sub(token, 0, n), &s, &f)))
			assert_int_equal(ch_code_of(token_facts_check(&f, jwk)), CH_E_MISMATCH);
	const uint8_t sig[1] = { 0 };
	assert_true(failed(token_facts_of(LIT("a"), BYTES_OF(sig), &s, &f)));
	assert_true(failed(token_facts_of(LIT("a.b.c"), BYTES_OF(sig), &s, &f)));
	assert_true(failed(token_facts_of(LIT(""), BYTES_OF(sig), &s, &f)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_other_keys),
		cmocka_unit_test(test_no_tokens),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
