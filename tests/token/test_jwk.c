/* JSON Web Keys: thumbprints of the RFCs, there and back, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/base64url.h"
#include "crypto/key.h"
#include "token/jwk.h"

#define S(literal)                           \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

#define ED_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define EC_X "04N0xi21hshyvBp7I167sbE_bXqyqkAPfefdklMO7wY"
#define EC_Y "UI8exy-C06a7DUnjIdENkxeFtHM4-l_41LqEw9nVgmw"
#define RSA_N                                                                                      \
	"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"  \
	"BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_" \
	"FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhA"  \
	"I4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"

#define EC "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\""
#define ED "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED_X "\""
#define RSA "\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\""
#define REST(alg) ",\"alg\":\"" alg "\",\"kid\":\"k\""

static ch_err read(str text, struct key_parts *ret_k, str *ret_kid)
{
	static struct json_node nodes[65];
	size_t count = 0;
	TRY(json_parse(bytes_of_str(text), (struct json_limits){ 4, 64 }, nodes, 65, &count));
	return jwk_read(nodes, ret_k, ret_kid);
}

static const struct {
	str jwk, thumbprint;
} published[] = {
	/* RFC 7638 section 3.1, RFC 8037 appendix A.3 */
	{ S("{" RSA REST("RS256") "}"), S("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs") },
	{ S("{" RSA REST("PS256") "}"), S("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs") },
	{ S("{" ED REST("EdDSA") "}"), S("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k") },
};

static void thumbprints(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(published); i++) {
		struct key_parts k;
		str kid = { NULL, 0 };
		uint8_t hash[THUMBPRINT_SIZE];
		char text[64];
		struct wr w = wr_of(text, sizeof(text));
		assert_false(failed(read(published[i].jwk, &k, &kid)));
		assert_true(str_eq(kid, LIT("k")));
		assert_false(failed(jwk_thumbprint(&k, hash)));
		base64url_write(&w, BYTES_OF(hash));
		assert_true(str_eq(wr_text(&w), published[i].thumbprint));
	}
}

/* Keys of each kind come back as they were written, and too little room is E_FULL. */
static void there_and_back(void **state)
{
	(void)state;
	for (int a = 0; a < ALG_COUNT; a++) {
		AUTO(private_key_done) struct private_key *key = NULL;
		struct key_parts k, again;
		str kid = { NULL, 0 };
		char text[JWK_TEXT_MAX];
		struct wr w = wr_of(text, sizeof(text));
		assert_false(failed(private_key_generate((enum alg)a, &key)));
		assert_false(failed(private_key_public(key, &k)));
		assert_false(failed(jwk_write(&w, &k, LIT("a \"kid\""))));
		for (size_t cap = 0; cap < w.n; cap++) {
			char small_text[JWK_TEXT_MAX];
			struct wr small = wr_of(small_text, cap);
			assert_int_equal(ch_code_of(jwk_write(&small, &k, LIT("a \"kid\""))),
					 CH_E_FULL);
		}
		w.n = 0;
		assert_false(failed(jwk_write(&w, &k, LIT("kid"))));
		assert_false(failed(read(wr_text(&w), &again, &kid)));
		assert_true(again.alg == k.alg && str_eq(kid, LIT("kid")));
		assert_memory_equal(again.x, k.x, sizeof(k.x));
		assert_memory_equal(again.y, k.y, sizeof(k.y));
		assert_true(bytes_eq((bytes){ again.n, again.n_size }, (bytes){ k.n, k.n_size }));
		assert_true(bytes_eq((bytes){ again.e, again.e_size }, (bytes){ k.e, k.e_size }));
	}
}

static const struct {
	const char *jwk;
	enum ch_code code;
} rows[] = {
	{ "{" EC REST("ES256") "}", CH_OK },
	{ "{" EC REST("ES256") ",\"use\":\"sig\",\"key_ops\":[\"verify\"]}", CH_OK },
	{ "{" EC REST("ES256") ",\"key_ops\":[\"sign\",\"verify\"],\"x5c\":[\"MII\"]}", CH_OK },
	{ "[]", CH_E_SYNTAX },
	{ "{}", CH_E_MISSING },
	{ "{" EC ",\"kid\":\"k\"}", CH_E_MISSING },
	{ "{" EC ",\"alg\":\"ES256\"}", CH_E_MISSING },
	{ "{\"crv\":\"P-256\"" REST("ES256") "}", CH_E_MISSING },
	{ "{\"kty\":\"EC\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"" REST("ES256") "}", CH_E_MISSING },
	{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\"" REST("ES256") "}", CH_E_MISSING },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\"" REST("EdDSA") "}", CH_E_MISSING },
	{ "{\"kty\":\"RSA\",\"e\":\"AQAB\"" REST("RS256") "}", CH_E_MISSING },
	{ "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\"" REST("RS256") "}", CH_E_MISSING },
	/* private and symmetric */
	{ "{" EC REST("ES256") ",\"d\":\"AA\"}", CH_E_MISMATCH },
	{ "{" RSA REST("RS256") ",\"p\":\"AA\"}", CH_E_MISMATCH },
	{ "{" RSA REST("RS256") ",\"qi\":null}", CH_E_MISMATCH },
	{ "{" RSA REST("RS256") ",\"oth\":[]}", CH_E_MISMATCH },
	{ "{\"kty\":\"oct\",\"k\":\"AAAA\"" REST("HS256") "}", CH_E_MISMATCH },
	{ "{" EC REST("HS256") ",\"k\":\"AAAA\"}", CH_E_MISMATCH },
	/* contradictions */
	{ "{" EC REST("EdDSA") "}", CH_E_MISMATCH },
	{ "{" EC REST("RS256") "}", CH_E_MISMATCH },
	{ "{" ED REST("ES256") "}", CH_E_MISMATCH },
	{ "{" RSA REST("ES256") "}", CH_E_MISMATCH },
	{ "{" RSA REST("RS256") ",\"crv\":\"P-256\"}", CH_E_MISMATCH },
	{ "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y
	  "\"" REST("ES256") "}",
	  CH_E_MISMATCH },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"" ED_X "\"" REST("EdDSA") "}",
	  CH_E_MISMATCH },
	{ "{\"kty\":\"ec\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y
	  "\"" REST("ES256") "}",
	  CH_E_MISMATCH },
	/* for something else */
	{ "{" EC REST("ES256") ",\"use\":\"enc\"}", CH_E_UNSUPPORTED },
	{ "{" EC REST("ES256") ",\"key_ops\":[\"encrypt\"]}", CH_E_UNSUPPORTED },
	{ "{" EC REST("ES256") ",\"key_ops\":[]}", CH_E_UNSUPPORTED },
	{ "{" EC REST("ES384") "}", CH_E_UNSUPPORTED },
	{ "{" EC REST("none") "}", CH_E_UNSUPPORTED },
	{ "{" RSA REST("HS256") "}", CH_E_UNSUPPORTED },
	/* wrong types and forms */
	{ "{" EC REST("ES256") ",\"use\":1}", CH_E_SYNTAX },
	{ "{" EC REST("ES256") ",\"key_ops\":\"verify\"}", CH_E_SYNTAX },
	{ "{" EC REST("ES256") ",\"key_ops\":[1,\"verify\"]}", CH_E_SYNTAX },
	{ "{" EC ",\"alg\":[\"ES256\"],\"kid\":\"k\"}", CH_E_SYNTAX },
	{ "{" EC ",\"alg\":\"ES256\",\"kid\":7}", CH_E_SYNTAX },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAA=\"" REST("EdDSA") "}", CH_E_SYNTAX },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"\"" REST("EdDSA") "}", CH_E_SYNTAX },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"" REST("EdDSA") "}", CH_E_RANGE },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AB\"" REST("EdDSA") "}", CH_E_SYNTAX },
	{ "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA" ED_X "\"" REST("EdDSA") "}",
	  CH_E_RANGE },
	{ "{\"kty\":\"RSA\",\"n\":\"AP8\",\"e\":\"AQAB\"" REST("RS256") "}", CH_E_RANGE },
	{ "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AAEAAQ\"" REST("RS256") "}", CH_E_RANGE },
	{ "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAAAAE\"" REST("RS256") "}", CH_E_RANGE },
};

static void which_keys_there_are(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct key_parts k = { .alg = ALG_COUNT };
		str kid = { NULL, 0 };
		enum ch_code code = ch_code_of(read(str_from_c(rows[i].jwk), &k, &kid));
		if (code != rows[i].code)
			fail_msg("%s: %s", ch_code_name(code), rows[i].jwk);
		assert_int_equal(kid.n, code == CH_OK ? 1 : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thumbprints),
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(which_keys_there_are),
	};
	assert_false(failed(crypto_init(NULL)));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
