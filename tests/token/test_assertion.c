/* Client assertions: which are a client's own word, for this issuer, now; and which keys a
 * client may register. Names of the public conformance suite stand beside its cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "counts.h"
#include "fixture.h"
#include "token/assertion.h"
#include "token/jwk.h"

#define ISSUER "https://id.test/home"
#define HEAD "{\"alg\":\"ES256\",\"kid\":\"home-1\",\"typ\":\"JWT\"}"
#define ISS "\"iss\":\"svc\""
#define SUB "\"sub\":\"svc\""
#define AUD "\"aud\":\"" ISSUER "\""
#define EXP "\"exp\":1700000060"
#define JTI "\"jti\":\"j1\""
#define NO_TIMES ISS "," SUB "," AUD "," JTI
#define ALL NO_TIMES "," EXP
#define BODY "{" ALL "}"
#define Z32 "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
#define Z128 Z32 Z32 Z32 Z32

static struct assertion_scratch scratch;

static struct assertion_terms terms_of(void)
{
	static const str names[] = { { ISSUER, sizeof(ISSUER) - 1 },
				     { ISSUER "/token", sizeof(ISSUER "/token") - 1 } };
	return (struct assertion_terms){ names, COUNT_OF(names), now };
}

static ch_err read_as(const char *header, const char *payload, struct assertion *ret_a)
{
	static char text[TEXT_MAX];
	const struct assertion_terms t = terms_of();
	return assertion_read(mint(text, &parties()[0], str_from_c(header), str_from_c(payload)),
			      &t, &scratch, ret_a);
}

static ch_err verify(const struct assertion *a, const char *jwks)
{
	AUTO(public_key_done) struct public_key *key = NULL;
	struct key_parts parts = { .alg = ALG_COUNT };
	TRY(assertion_key(a, str_from_c(jwks), now, &scratch, &parts));
	TRY(public_key_new(&parts, &key));
	return assertion_verify(a, key, NULL);
}

static ch_err verify_as(const char *header, const char *payload, const char *jwks)
{
	struct assertion a;
	ch_err e = read_as(header, payload, &a);
	return failed(e) ? e : verify(&a, jwks);
}

/* clang-format off: a line is a case */
static const struct {
	const char *header, *payload, *says; /* says == NULL: fine */
} rows[] = {
	{ HEAD, BODY, NULL },
	{ "{\"alg\":\"ES256\"}", BODY, NULL },
	{ "{\"alg\":\"ES256\",\"typ\":\"client-authentication+jwt\"}", BODY, NULL },
	{ "{\"alg\":\"ES256\",\"typ\":\"application/jwt\"}", BODY, NULL },
	/* EnsureClientAssertionWithIssAudSucceeds, and the older way */
	{ HEAD, "{" ISS "," SUB "," EXP "," JTI ",\"aud\":\"" ISSUER "/token\"}", NULL },
	{ HEAD, "{" ISS "," SUB "," EXP "," JTI ",\"aud\":[\"" ISSUER "\"]}", NULL },
	{ HEAD, "{" ISS "," SUB "," EXP "," JTI ",\"aud\":[\"" ISSUER "\",\"" ISSUER "/token\"]}",
	  NULL },
	{ HEAD, "{" NO_TIMES ",\"exp\":1700000330}", NULL },
	{ HEAD, "{" NO_TIMES ",\"exp\":1700000001}", NULL },
	{ HEAD, "{" ALL ",\"iat\":1700000030,\"nbf\":1700000030}", NULL },
	{ HEAD, "{" ALL ",\"iat\":1600000000}", NULL },
	{ HEAD,
	  "{" ISS "," SUB "," EXP "," AUD ",\"jti\":\"" Z128 Z32 Z32 Z32
	  "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz\"}",
	  NULL },
	/* header */
	{ "{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}", BODY, "typ" },
	{ "{\"alg\":\"ES256\",\"typ\":\"dpop+jwt\"}", BODY, "typ" },
	{ "{\"alg\":\"ES256\",\"typ\":\"\"}", BODY, "typ" },
	{ "{\"alg\":\"ES256\",\"typ\":1}", BODY, "header" },
	{ "{\"alg\":\"ES256\",\"kid\":1}", BODY, "header" },
	{ "{\"alg\":\"ES256\",\"jwk\":{}}", BODY, "header" },
	{ "{\"alg\":\"ES256\",\"jku\":\"https://evil.test\"}", BODY, "header" },
	{ "{\"alg\":\"ES256\",\"x5c\":[]}", BODY, "header" },
	{ "{\"alg\":\"ES256\",\"crit\":[\"exp\"]}", BODY, "header" },
	{ "{\"alg\":\"ES256\",\"b64\":false}", BODY, "header" },
	{ "[]", BODY, "no JWT" },
	{ HEAD, "[]", "no JWT" },
	{ HEAD, "{" ALL "," SUB "}", "no JWT" },
	/* EnsureClientAssertionWithNoSubFails, and iss alike */
	{ HEAD, "{" ISS "," AUD "," EXP "," JTI "}", "sub" },
	{ HEAD, "{" ISS "," AUD "," EXP "," JTI ",\"sub\":\"\"}", "sub" },
	{ HEAD, "{" ISS "," AUD "," EXP "," JTI ",\"sub\":7}", "sub" },
	{ HEAD, "{" ISS "," AUD "," EXP "," JTI ",\"sub\":\"" Z128 "z\"}", "sub" },
	{ HEAD, "{" SUB "," AUD "," EXP "," JTI "}", "iss" },
	{ HEAD, "{" SUB "," AUD "," EXP "," JTI ",\"iss\":\"other\"}", "iss" },
	{ HEAD, "{" SUB "," AUD "," EXP "," JTI ",\"iss\":[\"svc\"]}", "iss" },
	/* EnsureClientAssertionWithWrongAudFails */
	{ HEAD, "{" ISS "," SUB "," EXP "," JTI "}", "aud" },
	{ HEAD, "{" ISS "," SUB "," EXP "," JTI ",\"aud\":\"https://other.test\"}", "aud" },
	{ HEAD, "{" ISS "," SUB "," EXP "," JTI ",\"aud\":\"" ISSUER "/\"}", "aud" },
	{ HEAD, "{" ISS "," SUB "," EXP "," JTI ",\"aud\":\"" ISSUER "/authorize\"}", "aud" },
	{ HEAD, "{" ISS "," SUB "," EXP "," JTI ",\"aud\":\"svc\"}", "aud" },
	{ HEAD, "{" ISS "," SUB "," EXP "," JTI ",\"aud\":[]}", "aud" },
	{ HEAD, "{" ISS "," SUB "," EXP "," JTI ",\"aud\":[\"" ISSUER "\",\"https://other.test\"]}",
	  "aud" },
	{ HEAD, "{" ISS "," SUB "," EXP "," JTI ",\"aud\":[\"https://other.test\",\"" ISSUER "\"]}",
	  "aud" },
	{ HEAD, "{" ISS "," SUB "," EXP "," JTI ",\"aud\":[\"" ISSUER "\",1]}", "aud" },
	{ HEAD, "{" ISS "," SUB "," EXP "," JTI ",\"aud\":{}}", "aud" },
	{ HEAD, "{" ISS "," SUB "," EXP "," JTI ",\"aud\":null}", "aud" },
	/* EnsureClientAssertionWithExpIs5MinutesInPastFails, and its neighbours */
	{ HEAD, "{" NO_TIMES ",\"exp\":1699999700}", "expired" },
	{ HEAD, "{" NO_TIMES ",\"exp\":1700000000}", "expired" },
	{ HEAD, "{" NO_TIMES "}", "no exp" },
	{ HEAD, "{" NO_TIMES ",\"exp\":\"1700000060\"}", "no exp" },
	{ HEAD, "{" NO_TIMES ",\"exp\":1700000060.5}", "no exp" },
	{ HEAD, "{" NO_TIMES ",\"exp\":-1}", "no exp" },
	{ HEAD, "{" NO_TIMES ",\"exp\":1700000331}", "too long" },
	{ HEAD, "{" NO_TIMES ",\"exp\":1700003600}", "too long" },
	{ HEAD, "{" NO_TIMES ",\"exp\":9223372036854775807}", "no exp" },
	{ HEAD, "{" ALL ",\"iat\":1700000031}", "iat" },
	{ HEAD, "{" ALL ",\"iat\":\"1\"}", "iat" },
	{ HEAD, "{" ALL ",\"nbf\":1700000031}", "nbf" },
	{ HEAD, "{" ALL ",\"nbf\":1.5}", "nbf" },
	/* jti */
	{ HEAD, "{" ISS "," SUB "," AUD "," EXP "}", "jti" },
	{ HEAD, "{" ISS "," SUB "," AUD "," EXP ",\"jti\":\"\"}", "jti" },
	{ HEAD, "{" ISS "," SUB "," AUD "," EXP ",\"jti\":1}", "jti" },
	{ HEAD, "{" ISS "," SUB "," AUD "," EXP ",\"jti\":\"" Z128 Z128 "\"}", "jti" },
};
/* clang-format on */

static void claims(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct assertion a = { 0 };
		ch_err e = read_as(rows[i].header, rows[i].payload, &a);
		if (failed(e) != (rows[i].says != NULL))
			fail_msg("row %zu: %s %s", i, rows[i].header, rows[i].payload);
		if (!failed(e)) {
			assert_true(str_eq(a.client, LIT("svc")));
			continue;
		}
		assert_int_equal(ch_code_of(e), CH_E_INVALID_CLIENT);
		if (!strstr(e.site->what, rows[i].says))
			fail_msg("row %zu: %s", i, e.site->what);
		assert_null(a.client.p);
	}
}

static void form(void **state)
{
	static char text[TEXT_MAX], cut[TEXT_MAX];
	const struct assertion_terms t = terms_of();
	struct assertion a;
	(void)state;
	str good = mint(text, &parties()[0], LIT(HEAD), LIT(BODY));
	for (size_t n = 0; n < good.n; n++) {
		ch_err e = assertion_read(str_sub(good, 0, n), &t, &scratch, &a);
		/* a shorter signature is one still, and no good */
		if (!failed(e))
			e = verify(&a, parties()[0].jwks);
		assert_int_equal(ch_code_of(e), CH_E_INVALID_CLIENT);
	}
	for (size_t i = 0; i < good.n; i++) {
		mem_copy(cut, good.p, good.n);
		cut[i] ^= 4;
		ch_err e = assertion_read((str){ cut, good.n }, &t, &scratch, &a);
		if (!failed(e))
			e = verify(&a, parties()[0].jwks);
		assert_int_equal(ch_code_of(e), CH_E_INVALID_CLIENT);
	}
	struct wr w = wr_of(cut, sizeof(cut));
	while (w.n <= ASSERTION_MAX)
		wr_lit(&w, "A");
	assert_true(failed(assertion_read(wr_text(&w), &t, &scratch, &a)));
	assert_true(failed(assertion_read((str){ 0 }, &t, &scratch, &a)));
}

/* {"keys":[…]} of some parties, each member with `more` at its end. */
static const char *set_of(const size_t *who, size_t n, const char *more)
{
	static char text[4 * JWK_FIXTURE_MAX];
	struct wr w = wr_of(text, sizeof(text) - 1);
	wr_lit(&w, "{\"keys\":[");
	for (size_t i = 0; i < n; i++) {
		struct party *p = &parties()[who[i]];
		if (i > 0)
			wr_char(&w, ',');
		assert_false(failed(jwk_write(&w, &p->parts, str_from_c(p->kid))));
		w.n--;
		wr_str(&w, str_from_c(more));
		wr_char(&w, '}');
	}
	wr_lit(&w, "]}");
	assert_false(w.full);
	text[w.n] = 0;
	return text;
}

static const size_t home[] = { 0 }, two[] = { 1, 0 }, other[] = { 1, 2, 3 };

/* The key is the client's, found by kid or alone, and says the algorithm. */
static void keys(void **state)
{
	(void)state;
	assert_false(failed(verify_as(HEAD, BODY, set_of(home, 1, ""))));
	assert_false(failed(verify_as(HEAD, BODY, set_of(two, 2, ""))));
	assert_false(failed(verify_as("{\"alg\":\"ES256\"}", BODY, set_of(home, 1, ""))));
	/* without a kid, of two keys it is neither */
	assert_true(failed(verify_as("{\"alg\":\"ES256\"}", BODY, set_of(two, 2, ""))));
	assert_true(failed(verify_as(HEAD, BODY, set_of(other, 3, ""))));
	assert_true(failed(
		verify_as("{\"alg\":\"ES256\",\"kid\":\"home-2\"}", BODY, set_of(home, 1, ""))));
	assert_true(
		failed(verify_as("{\"alg\":\"ES256\",\"kid\":\"\"}", BODY, set_of(home, 1, ""))));
	/* EnsureSignedClientAssertionWithRS256Fails: another algorithm than the key's */
	assert_true(failed(
		verify_as("{\"alg\":\"RS256\",\"kid\":\"home-1\"}", BODY, set_of(home, 1, ""))));
	assert_true(failed(
		verify_as("{\"alg\":\"none\",\"kid\":\"home-1\"}", BODY, set_of(home, 1, ""))));
	assert_true(failed(
		verify_as("{\"alg\":\"HS256\",\"kid\":\"home-1\"}", BODY, set_of(home, 1, ""))));
	assert_true(failed(verify_as("{\"kid\":\"home-1\"}", BODY, set_of(home, 1, ""))));
	/* a key of another time, whose successor is the only one then */
	assert_false(failed(verify_as(HEAD, BODY, set_of(home, 1, ",\"exp\":1700000001"))));
	assert_true(failed(verify_as(HEAD, BODY, set_of(home, 1, ",\"exp\":1700000000"))));
	assert_true(failed(verify_as(HEAD, BODY, set_of(home, 1, ",\"nbf\":1700000031"))));
	assert_true(failed(verify_as(HEAD, BODY, "")));
	assert_true(failed(verify_as(HEAD, BODY, "{\"keys\":[]}")));
	assert_true(failed(verify_as(HEAD, BODY, "{\"keys\":{}}")));
}

static void one_check_at_most(void **state)
{
	struct assertion a;
	(void)state;
	checks = 0;
	assert_true(failed(read_as(HEAD, "{" NO_TIMES "}", &a)));
	assert_true(failed(verify_as("{\"alg\":\"ES256\"}", BODY, set_of(two, 2, ""))));
	assert_true(failed(
		verify_as("{\"alg\":\"RS256\",\"kid\":\"home-1\"}", BODY, set_of(home, 1, ""))));
	assert_int_equal(checks, 0);
	assert_false(failed(verify_as(HEAD, BODY, set_of(two, 2, ""))));
	assert_int_equal(checks, 1);
}

static enum ch_code checked(const char *jwks, const char *says)
{
	char room[256];
	struct wr why = wr_of(room, sizeof(room) - 1);
	ch_err e = client_jwks_check(str_from_c(jwks), &scratch, &why);
	room[why.n] = 0;
	assert_int_equal(failed(e), why.n > 0);
	if (says && !strstr(room, says))
		fail_msg("%s: %s", jwks, room);
	assert_int_equal(ch_code_of(client_jwks_check(str_from_c(jwks), &scratch, NULL)),
			 ch_code_of(e));
	return ch_code_of(e);
}

static void sets(void **state)
{
	static const size_t again[] = { 0, 1, 0 };
	static const char oct[] = "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"alg\":\"HS256\","
				  "\"k\":\"AAAA\"}]}";
	static const char weak[] = "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"a\",\"alg\":\"RS256\","
				   "\"n\":\"wC9HN594J4eUTtz81AgCnVPJxlPM3DWu17wXf3gO4JU\","
				   "\"e\":\"AQAB\"}]}";
	(void)state;
	assert_int_equal(checked(set_of(home, 1, ""), NULL), CH_OK);
	assert_int_equal(checked(set_of(other, 3, ""), NULL), CH_OK);
	assert_int_equal(checked(set_of(again, 3, ""), "\"home-1\": two keys"), CH_E_DUPLICATE);
	assert_int_equal(checked(set_of(home, 1, ",\"d\":\"AAAA\""), "private"), CH_E_MISMATCH);
	assert_int_equal(checked(oct, "private or symmetric"), CH_E_MISMATCH);
	assert_int_equal(checked(weak, "key \"a\": "), CH_E_RANGE);
	assert_int_equal(checked(set_of(home, 1, ",\"exp\":5,\"nbf\":6"), "never"), CH_E_RANGE);
	assert_int_equal(checked("{\"keys\":[]}", "no key for"), CH_E_MISSING);
	assert_int_equal(checked("{\"keys\":[{\"kty\":\"EC\",\"kid\":\"a\"}]}", "no alg"),
			 CH_E_MISSING);
	assert_int_equal(checked("{\"keys\":[{\"kty\":\"EC\",\"use\":\"enc\"}]}", "no key for"),
			 CH_E_MISSING);
	assert_int_equal(checked("{}", "no JWK set"), CH_E_SYNTAX);
	assert_int_equal(checked("", NULL), CH_E_TRUNCATED);
	assert_int_equal(checked("{\"keys\":[1]}", NULL), CH_E_SYNTAX);
}

static void set_limits(void **state)
{
	static char text[CLIENT_JWKS_MAX + 64];
	struct wr w = wr_of(text, sizeof(text) - 1);
	(void)state;
	wr_lit(&w, "{\"keys\":[");
	for (int i = 0; i <= CLIENT_KEYS_MAX; i++) {
		char kid[2] = { (char)('a' + i), 0 };
		struct private_key *k = NULL;
		struct key_parts parts;
		assert_false(failed(private_key_generate(ALG_ES256, &k)));
		assert_false(failed(private_key_public(k, &parts)));
		private_key_free(k);
		if (i > 0)
			wr_char(&w, ',');
		assert_false(failed(jwk_write(&w, &parts, str_from_c(kid))));
	}
	wr_lit(&w, "]}");
	text[w.n] = 0;
	assert_int_equal(checked(text, "more than 8"), CH_E_LIMIT);
	for (w.n = 0; w.n <= CLIENT_JWKS_MAX;)
		wr_char(&w, ' ');
	text[w.n] = 0;
	assert_int_equal(checked(text, "8 KiB"), CH_E_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claims), cmocka_unit_test(form),
		cmocka_unit_test(keys),   cmocka_unit_test(one_check_at_most),
		cmocka_unit_test(sets),   cmocka_unit_test(set_limits),
	};
	return failed(crypto_init(NULL)) || cmocka_run_group_tests(tests, NULL, NULL);
}
