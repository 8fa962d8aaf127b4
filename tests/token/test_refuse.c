/* Correctly signed, and not acceptable: each of these must be refused, for its own
 * reason, after at most one signature check and without an allocation of ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/base64url.h"
#include "counts.h"
#include "fixture.h"

/* clang-format off */
#define TYP "\"typ\":\"at+jwt\""
#define ALG "\"alg\":\"ES256\""
#define KID "\"kid\":\"home-1\""
#define H "{" TYP "," ALG "," KID
#define HEAD H "}"

#define ISS "\"iss\":\"https://id.test/home\""
#define AUD "\"aud\":\"mail\""
#define IAT "\"iat\":1699999900"
#define EXP "\"exp\":1700000500"
#define JTI "\"jti\":\"j1\""
#define SUB "\"sub\":\"alice\""
#define CID "\"client_id\":\"demo\""
#define ALL ISS "," AUD "," IAT "," EXP "," JTI "," SUB "," CID
#define TIMELESS ISS "," AUD "," JTI "," SUB "," CID
#define AUDLESS ISS "," IAT "," EXP "," JTI "," SUB "," CID
#define BODY "{" ALL "}"
#define JKT "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
#define JKT_BITS "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4J" /* a bit too many at the end */
#define CNF(members) "{" ALL ",\"cnf\":{" members "}}"

static const struct refusal {
	const char *header, *payload;
	enum token_code code;
} refusals[] = {
	/* members of the header that must never be there */
	{ H ",\"crit\":[\"exp\"]}", BODY, TOKEN_bad_header },
	{ H ",\"crit\":[]}", BODY, TOKEN_bad_header },
	{ H ",\"crit\":[\"b64\"],\"b64\":false}", BODY, TOKEN_bad_header },
	{ H ",\"b64\":true}", BODY, TOKEN_bad_header },
	{ H ",\"jku\":\"https://evil.test/jwks\"}", BODY, TOKEN_bad_header },
	{ H ",\"x5u\":\"https://evil.test/cert\"}", BODY, TOKEN_bad_header },
	{ H ",\"x5c\":[\"MII\"]}", BODY, TOKEN_bad_header },
	{ H ",\"x5t\":\"AA\"}", BODY, TOKEN_bad_header },
	{ H ",\"x5t#S256\":\"AA\"}", BODY, TOKEN_bad_header },
	{ H ",\"jwk\":{\"kty\":\"EC\"}}", BODY, TOKEN_bad_header },
	{ H ",\"zip\":\"DEF\"}", BODY, TOKEN_bad_header },
	{ H ",\"cty\":\"JWT\"}", BODY, TOKEN_bad_header },
	{ H ",\"enc\":\"A128GCM\"}", BODY, TOKEN_bad_header },
	{ H ",\"p2c\":1000000}", BODY, TOKEN_bad_header },
	{ H ",\"aud\":\"mail\"}", BODY, TOKEN_bad_header },
	{ H ",\"iss\":\"https://id.test/home\"}", BODY, TOKEN_bad_header },
	{ "{" ALG "," KID ",\"typ\":1}", BODY, TOKEN_bad_header },
	{ "{" ALG "," TYP ",\"kid\":[\"home-1\"]}", BODY, TOKEN_bad_header },
	{ "{" KID "," TYP ",\"alg\":null}", BODY, TOKEN_bad_header },
	/* typ */
	{ "{" ALG "," KID "}", BODY, TOKEN_bad_typ },
	{ "{" ALG "," KID ",\"typ\":\"\"}", BODY, TOKEN_bad_typ },
	{ "{" ALG "," KID ",\"typ\":\"JWT\"}", BODY, TOKEN_bad_typ },
	{ "{" ALG "," KID ",\"typ\":\"dpop+jwt\"}", BODY, TOKEN_bad_typ },
	{ "{" ALG "," KID ",\"typ\":\"logout+jwt\"}", BODY, TOKEN_bad_typ },
	{ "{" ALG "," KID ",\"typ\":\"at+jwt \"}", BODY, TOKEN_bad_typ },
	{ "{" ALG "," KID ",\"typ\":\"application/application/at+jwt\"}", BODY, TOKEN_bad_typ },
	{ "{" ALG "," KID ",\"typ\":\"application/\"}", BODY, TOKEN_bad_typ },
	/* alg */
	{ "{" TYP "," KID "}", BODY, TOKEN_bad_alg },
	{ "{" TYP "," KID ",\"alg\":\"none\"}", BODY, TOKEN_bad_alg },
	{ "{" TYP "," KID ",\"alg\":\"None\"}", BODY, TOKEN_bad_alg },
	{ "{" TYP "," KID ",\"alg\":\"HS256\"}", BODY, TOKEN_bad_alg },
	{ "{" TYP "," KID ",\"alg\":\"HS384\"}", BODY, TOKEN_bad_alg },
	{ "{" TYP "," KID ",\"alg\":\"HS512\"}", BODY, TOKEN_bad_alg },
	{ "{" TYP "," KID ",\"alg\":\"NONE\"}", BODY, TOKEN_bad_alg },
	{ "{" TYP "," KID ",\"alg\":\"RS256\"}", BODY, TOKEN_bad_alg },
	{ "{" TYP "," KID ",\"alg\":\"\"}", BODY, TOKEN_bad_alg },
	{ "{" TYP "," KID ",\"alg\":\"es256\"}", BODY, TOKEN_bad_alg },
	{ "{" TYP "," KID ",\"alg\":\"EdDSA\"}", BODY, TOKEN_bad_alg },
	{ "{" TYP "," KID ",\"alg\":\"ES256\\u0000\"}", BODY, TOKEN_bad_alg },
	/* kid */
	{ "{" TYP "," ALG "}", BODY, TOKEN_unknown_key },
	{ "{" TYP "," ALG ",\"kid\":\"\"}", BODY, TOKEN_unknown_key },
	{ "{" TYP "," ALG ",\"kid\":\"corp-1\"}", BODY, TOKEN_foreign_key },
	{ "{" TYP "," ALG ",\"kid\":\"HOME-1\"}", BODY, TOKEN_unknown_key },
	{ "{" TYP "," ALG ",\"kid\":\"../home-1\"}", BODY, TOKEN_unknown_key },
	{ "{" TYP "," ALG ",\"kid\":\"home-1\\u0000\"}", BODY, TOKEN_unknown_key },
	/* what two parsers could read differently */
	{ H "," ALG "}", BODY, TOKEN_malformed },
	{ H ",\"alg\":\"none\"}", BODY, TOKEN_malformed },
	{ H ",\"x\":{\"a\":1,\"a\":1}}", BODY, TOKEN_malformed },
	{ H ",\"x\":[{\"a\":{\"b\":1,\"b\":2}}]}", BODY, TOKEN_malformed },
	{ H ",\"\\u0061lg\":\"none\"}", BODY, TOKEN_malformed },
	{ H ",\"x\":\"\\udc00\"}", BODY, TOKEN_malformed },
	{ H ",\"x\":\"\xed\xa0\x80\"}", BODY, TOKEN_malformed },
	{ H ",\"x\":[[[[]]]]}", BODY, TOKEN_too_large },
	{ HEAD, "{" ALL ",\"x\":\"\\udc00\\ud800\"}", TOKEN_malformed },
	{ HEAD, "{" ALL ",\"x\":\"\\ud800\\ud800\"}", TOKEN_malformed },
	{ HEAD, "{" ALL ",\"x\":\"\\u12g4\"}", TOKEN_malformed },
	{ HEAD, "{" ALL ",\"x\":\"\xf4\x90\x80\x80\"}", TOKEN_malformed },
	{ HEAD, "{" ALL ",\"x\":\"\xe2\x82\"}", TOKEN_malformed },
	{ HEAD, "{" ALL ",\"\xff\":1}", TOKEN_malformed },
	{ HEAD, "{" ALL ",\"\\u0078\":1}", TOKEN_malformed },
	{ HEAD, "{" ALL ",\"\":1,\"\":2}", TOKEN_malformed },
	{ HEAD, "{" ALL ",\"client_ids\":1,\"client_idt\":2,\"client_ids\":3}", TOKEN_malformed },
	{ HEAD, "{" ALL "," EXP "}", TOKEN_malformed },
	{ HEAD, "{" ALL ",\"sub\":\"root\"}", TOKEN_malformed },
	{ HEAD, "{" ALL ",\"act\":{\"sub\":\"a\",\"sub\":\"b\"}}", TOKEN_malformed },
	{ HEAD, "{" ALL ",\"x\":[[{\"y\":1,\"y\":1}]]}", TOKEN_malformed },
	{ HEAD, "{" ALL ",\"\\u0061ud\":\"x\"}", TOKEN_malformed },
	{ HEAD, "{" ALL ",\"x\":\"\\ud800\"}", TOKEN_malformed },
	{ HEAD, "{" ALL ",\"x\":\"\xff\"}", TOKEN_malformed },
	{ HEAD, "{" ALL ",\"x\":\"\xc0\xaf\"}", TOKEN_malformed },
	{ HEAD, "{" ALL ",\"x\":\"\n\"}", TOKEN_malformed },
	{ HEAD, "{" ALL ",}", TOKEN_malformed },
	{ HEAD, "{" ALL "} {}", TOKEN_malformed },
	{ HEAD, "{" ALL ",\"x\":NaN}", TOKEN_malformed },
	{ HEAD, "\xef\xbb\xbf" BODY, TOKEN_malformed },
	{ HEAD, "[" BODY "]", TOKEN_malformed },
	{ HEAD, "\"" "eyJhIjoxfQ.eyJhIjoxfQ.AA" "\"", TOKEN_malformed },
	{ HEAD, "eyJhIjoxfQ.eyJhIjoxfQ.AA", TOKEN_malformed },
	{ HEAD, "null", TOKEN_malformed },
	{ "[" HEAD "]", BODY, TOKEN_malformed },
	{ HEAD, "{" ALL ",\"x\":{\"a\":{\"b\":{\"c\":{}}}}}", TOKEN_too_large },
	{ HEAD, "{" ALL ",\"x\":[[[[]]]]}", TOKEN_too_large },
	/* iss */
	{ HEAD, "{" AUD "," IAT "," EXP "," JTI "," SUB "," CID "}", TOKEN_bad_issuer },
	{ HEAD, "{\"iss\":[\"https://id.test/home\"]," AUD "," IAT "," EXP "," JTI "," SUB "," CID "}", TOKEN_bad_issuer },
	{ HEAD, "{\"iss\":\"https://id.test/home/\"," AUD "," IAT "," EXP "," JTI "," SUB "," CID "}", TOKEN_bad_issuer },
	{ HEAD, "{\"iss\":\"https://ID.test/home\"," AUD "," IAT "," EXP "," JTI "," SUB "," CID "}", TOKEN_bad_issuer },
	{ HEAD, "{\"iss\":\"https://id.test/home\\u0000\"," AUD "," IAT "," EXP "," JTI "," SUB "," CID "}", TOKEN_bad_issuer },
	{ HEAD, "{\"iss\":\"https://id.test/corp\"," AUD "," IAT "," EXP "," JTI "," SUB "," CID "}", TOKEN_foreign_key },
	{ HEAD, "{\"iss_\":\"https://id.test/home\"," AUD "," IAT "," EXP "," JTI "," SUB "," CID "}", TOKEN_bad_issuer },
	/* aud */
	{ HEAD, "{" AUDLESS "}", TOKEN_bad_claims },
	{ HEAD, "{" AUDLESS ",\"aud\":null}", TOKEN_bad_claims },
	{ HEAD, "{" AUDLESS ",\"aud\":[]}", TOKEN_bad_claims },
	{ HEAD, "{" AUDLESS ",\"aud\":\"\"}", TOKEN_bad_claims },
	{ HEAD, "{" AUDLESS ",\"aud\":[\"mail\",1]}", TOKEN_bad_claims },
	{ HEAD, "{" AUDLESS ",\"aud\":[[\"mail\"]]}", TOKEN_bad_claims },
	{ HEAD, "{" AUDLESS ",\"aud\":{\"mail\":true}}", TOKEN_bad_claims },
	{ HEAD, "{" AUDLESS ",\"audience\":\"mail\"}", TOKEN_bad_claims },
	{ HEAD, "{" AUDLESS ",\"aud\":\"api\"}", TOKEN_bad_audience },
	{ HEAD, "{" AUDLESS ",\"aud\":[\"api\",\"web\"]}", TOKEN_bad_audience },
	{ HEAD, "{" AUDLESS ",\"aud\":\"mail,api\"}", TOKEN_bad_audience },
	{ HEAD, "{" AUDLESS ",\"aud\":\"Mail\"}", TOKEN_bad_audience },
	{ HEAD, "{" AUDLESS ",\"aud\":\"mail\\u0000\"}", TOKEN_bad_audience },
	{ HEAD, "{" AUDLESS ",\"aud\":\"mai\"}", TOKEN_bad_audience },
	/* time */
	{ HEAD, "{" TIMELESS "," IAT "}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS "," EXP "}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS "," IAT ",\"exp\":\"1700000500\"}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS "," IAT ",\"exp\":1700000500.5}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS "," IAT ",\"exp\":1700000500.0}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS "," IAT ",\"exp\":1.7000005e9}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS "," IAT ",\"exp\":1e300}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS "," IAT ",\"exp\":9223372036854775808}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS "," IAT ",\"exp\":9223372036854775807}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS "," IAT ",\"exp\":-1}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS "," IAT ",\"exp\":true}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS "," IAT ",\"exp\":null}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS "," IAT ",\"exp\":[1700000500]}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS ",\"iat\":\"1699999900\"," EXP "}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS ",\"iat\":1699999900.0," EXP "}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS ",\"iat\":1700000500," EXP "}", TOKEN_bad_claims },
	{ HEAD, "{" ALL ",\"nbf\":\"0\"}", TOKEN_bad_claims },
	{ HEAD, "{" ALL ",\"nbf\":1.5}", TOKEN_bad_claims },
	{ HEAD, "{" ALL ",\"nbf\":null}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS ",\"iat\":1e300," EXP "}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS ",\"iat\":9223372036854775808," EXP "}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS ",\"iat\":18446744073709551616," EXP "}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS ",\"iat\":-1," EXP "}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS ",\"iat\":true," EXP "}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS ",\"iat\":null," EXP "}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS ",\"iat\":[1699999900]," EXP "}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS ",\"iat\":{}," EXP "}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS ",\"iat\":1699999900e0," EXP "}", TOKEN_bad_claims },
	{ HEAD, "{" ALL ",\"nbf\":1e300}", TOKEN_bad_claims },
	{ HEAD, "{" ALL ",\"nbf\":9223372036854775808}", TOKEN_bad_claims },
	{ HEAD, "{" ALL ",\"nbf\":18446744073709551616}", TOKEN_bad_claims },
	{ HEAD, "{" ALL ",\"nbf\":-1}", TOKEN_bad_claims },
	{ HEAD, "{" ALL ",\"nbf\":true}", TOKEN_bad_claims },
	{ HEAD, "{" ALL ",\"nbf\":[]}", TOKEN_bad_claims },
	{ HEAD, "{" ALL ",\"nbf\":{}}", TOKEN_bad_claims },
	{ HEAD, "{" ALL ",\"nbf\":1e0}", TOKEN_bad_claims },
	{ HEAD, "{" ALL ",\"nbf\":1099511627777}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS "," IAT ",\"exp\":18446744073709551616}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS "," IAT ",\"exp\":1e9}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS "," IAT ",\"exp\":-0}", TOKEN_bad_claims },
	{ HEAD, "{" TIMELESS "," IAT ",\"exp\":01700000500}", TOKEN_malformed },
	{ HEAD, "{" TIMELESS "," IAT ",\"exp\":+1700000500}", TOKEN_malformed },
	{ HEAD, "{" ALL ",\"nbf\":1700000031}", TOKEN_not_yet },
	{ HEAD, "{" TIMELESS ",\"iat\":1700000031," EXP "}", TOKEN_not_yet },
	{ HEAD, "{" TIMELESS "," IAT ",\"exp\":1700000000}", TOKEN_expired },
	{ HEAD, "{" TIMELESS "," IAT ",\"exp\":1699999999}", TOKEN_expired },
	{ HEAD, "{" TIMELESS ",\"iat\":0,\"exp\":1}", TOKEN_expired },
	{ HEAD, "{" TIMELESS "," IAT ",\"exp\":1700003501}", TOKEN_too_long_lived },
	{ HEAD, "{" TIMELESS ",\"iat\":0," EXP "}", TOKEN_too_long_lived },
	/* who */
	{ HEAD, "{" ISS "," AUD "," IAT "," EXP "," JTI "," CID "}", TOKEN_bad_claims },
	{ HEAD, "{" ISS "," AUD "," IAT "," EXP "," SUB "," CID "}", TOKEN_bad_claims },
	{ HEAD, "{" ISS "," AUD "," IAT "," EXP "," SUB "," JTI "}", TOKEN_bad_claims },
	{ HEAD, "{" ISS "," AUD "," IAT "," EXP "," JTI "," CID ",\"sub\":\"\"}", TOKEN_bad_claims },
	{ HEAD, "{" ISS "," AUD "," IAT "," EXP "," JTI "," CID ",\"sub\":7}", TOKEN_bad_claims },
	{ HEAD, "{" ISS "," AUD "," IAT "," EXP "," JTI "," CID ",\"sub\":[\"a\"]}", TOKEN_bad_claims },
	{ HEAD, "{" ISS "," AUD "," IAT "," EXP "," JTI "," CID ",\"sub\":\"a\\nb\"}", TOKEN_bad_claims },
	{ HEAD, "{" ISS "," AUD "," IAT "," EXP "," JTI "," CID ",\"sub\":\"a\\u0000\"}", TOKEN_bad_claims },
	{ HEAD, "{" ISS "," AUD "," IAT "," EXP "," SUB "," CID ",\"jti\":1}", TOKEN_bad_claims },
	{ HEAD, "{" ISS "," AUD "," IAT "," EXP "," SUB "," JTI ",\"client_id\":null}", TOKEN_bad_claims },
	{ HEAD, "{" ALL ",\"username\":[\"alice@home.test\"]}", TOKEN_bad_claims },
	{ HEAD, "{" ALL ",\"username\":\"alice@home.test\\u0000\"}", TOKEN_bad_claims },
	{ HEAD, "{" ALL ",\"username\":\"\"}", TOKEN_bad_claims },
	{ HEAD, "{" ALL ",\"scope\":[\"mail.read\"]}", TOKEN_bad_claims },
	{ HEAD, "{" ALL ",\"scope\":\"a\\tb\"}", TOKEN_bad_claims },
	{ HEAD, "{" ALL ",\"cnf\":\"x\"}", TOKEN_bad_claims },
	{ HEAD, "{" ALL ",\"cnf\":null}", TOKEN_bad_claims },
	{ HEAD, "{" ALL ",\"cnf\":{}}", TOKEN_bad_claims },
	{ HEAD, "{" ALL ",\"cnf\":[]}", TOKEN_bad_claims },
	{ HEAD, CNF("\"jkt\":\"" JKT "=\""), TOKEN_bad_claims },
	{ HEAD, CNF("\"jkt\":\"" JKT "A\""), TOKEN_bad_claims },
	{ HEAD, CNF("\"jkt\":\"" JKT "AA\""), TOKEN_bad_claims },
	{ HEAD, CNF("\"jkt\":\"" JKT_BITS "\""), TOKEN_bad_claims },
	{ HEAD, CNF("\"jkt\":\"\""), TOKEN_bad_claims },
	{ HEAD, CNF("\"jkt\":\"AAAA\""), TOKEN_bad_claims },
	{ HEAD, CNF("\"jkt\":null"), TOKEN_bad_claims },
	{ HEAD, CNF("\"jkt\":[\"" JKT "\"]"), TOKEN_bad_claims },
	{ HEAD, CNF("\"x5t#S256\":1"), TOKEN_bad_claims },
	{ HEAD, CNF("\"x5t#S256\":\"" JKT " \""), TOKEN_bad_claims },
	{ HEAD, CNF("\"jkt\":\"" JKT "\",\"x5t#S256\":\"\""), TOKEN_bad_claims },
	{ HEAD, CNF("\"jwk\":{\"kty\":\"EC\"},\"jkt\":1"), TOKEN_bad_claims },
};
/* clang-format on */

/* The signature is looked at once, and only when all before it was fine. */
static bool after_signature(enum token_code code)
{
	return code == TOKEN_accepted || (code >= TOKEN_bad_signature && code != TOKEN_foreign_key);
}

static enum token_code judged_once(struct policy *p, str token)
{
	checks = allocations = 0;
	enum token_code code = judged(p, token, NULL);
	assert_int_equal(allocations, 0);
	assert_int_equal(checks, after_signature(code) ? 1 : 0);
	return code;
}

static void expect(struct policy *p, const char *header, const char *payload, enum token_code code)
{
	static char text[TEXT_MAX];
	str token = mint(text, parties(), str_from_c(header), str_from_c(payload));
	enum token_code got = judged_once(p, token);
	if (got != code)
		fail_msg("%s, not %s: %s . %s", token_code_name(got).p, token_code_name(code).p,
			 header, payload);
}

static void must_refuse(void **state)
{
	AUTO(policy_done) struct policy *p = policy_of_all();
	(void)state;
	assert_true(COUNT_OF(refusals) >= 47);
	expect(p, HEAD, BODY, TOKEN_accepted);
	for (size_t i = 0; i < COUNT_OF(refusals); i++)
		expect(p, refusals[i].header, refusals[i].payload, refusals[i].code);
}

/* What the log is told: where it is and what, in constants. */
static const struct {
	const char *header, *payload, *explained;
} reasons[] = {
	{ HEAD, BODY, "accepted: the token is acceptable" },
	{ H ",\"crit\":[]}", BODY,
	  "bad_header (header: crit): the header has a member that is never allowed or is of a "
	  "wrong type" },
	{ H ",\"x5t#S256\":\"\"}", BODY, "bad_header (header: x5t#S256): " },
	{ H ",\"x5other\":\"\"}", BODY, "bad_header (header): " },
	{ "{" ALG "," TYP ",\"kid\":1}", BODY, "bad_header (header: kid): " },
	{ H "," ALG "}", BODY, "malformed (header): " },
	{ HEAD, "{" ALL ",\"x\":}", "malformed (payload): " },
	{ HEAD, "{" ALL ",\"x\":[[[[]]]]}", "too_large (payload): " },
	{ "{\"x\":[[[[]]]]}", BODY, "too_large (header): " },
	{ HEAD, "{}", "bad_issuer (payload: iss): " },
	{ "{" TYP "," ALG ",\"kid\":\"corp-1\"}", BODY, "foreign_key (header: kid): " },
	{ "{" TYP "," ALG "}", BODY, "unknown_key (header: kid): " },
	{ "{" TYP "," KID "}", BODY, "bad_alg (header: alg): " },
	{ "{" ALG "," KID "}", BODY, "bad_typ (header: typ): " },
	{ HEAD, "{" AUDLESS "}", "bad_claims (payload: aud): " },
	{ HEAD, "{" AUDLESS ",\"aud\":\"api\"}", "bad_audience (payload: aud): " },
	{ HEAD, "{" TIMELESS "," IAT "}", "bad_claims (payload: exp): " },
	{ HEAD, "{" TIMELESS "," EXP "}", "bad_claims (payload: iat): " },
	{ HEAD, "{" ALL ",\"nbf\":\"0\"}", "bad_claims (payload: nbf): " },
	{ HEAD, "{" ALL ",\"nbf\":1700000031}", "not_yet (payload: nbf): " },
	{ HEAD, "{" TIMELESS ",\"iat\":1700000031," EXP "}", "not_yet (payload: iat): " },
	{ HEAD, "{" TIMELESS "," IAT ",\"exp\":1700000000}", "expired (payload: exp): " },
	{ HEAD, "{" TIMELESS ",\"iat\":0," EXP "}", "too_long_lived (payload: exp): " },
	{ HEAD, "{" ISS "," AUD "," IAT "," EXP "," JTI "," CID "}",
	  "bad_claims (payload: sub): " },
	{ HEAD, "{" ISS "," AUD "," IAT "," EXP "," SUB "," CID "}",
	  "bad_claims (payload: jti): " },
	{ HEAD, "{" ISS "," AUD "," IAT "," EXP "," SUB "," JTI "}",
	  "bad_claims (payload: client_id): " },
	{ HEAD, "{" ALL ",\"scope\":1}", "bad_claims (payload: scope): " },
	{ HEAD, "{" ALL ",\"username\":\"\"}", "bad_claims (payload: username): " },
	{ HEAD, "{" ALL ",\"cnf\":{}}", "bad_claims (payload: cnf): " },
	{ HEAD, CNF("\"jkt\":1"), "bad_claims (cnf: jkt): " },
	{ HEAD, CNF("\"x5t#S256\":1"), "bad_claims (cnf: x5t#S256): " },
};

static str explained(struct policy *p, str token)
{
	static char text[256];
	struct token_verdict v;
	struct wr w = wr_of(text, sizeof(text) - 1);
	(void)judged(p, token, &v);
	token_explain(&w, &v);
	text[w.n] = 0;
	return wr_text(&w);
}

static void reasons_say_where(void **state)
{
	AUTO(policy_done) struct policy *p = policy_of_all();
	static char text[TEXT_MAX];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(reasons); i++) {
		str got = explained(p, mint(text, parties(), str_from_c(reasons[i].header),
					    str_from_c(reasons[i].payload)));
		if (!str_starts(got, str_from_c(reasons[i].explained)))
			fail_msg("%s, not %s", got.p, reasons[i].explained);
	}
	str token = mint(text, parties(), LIT(HEAD), LIT(BODY));
	assert_true(str_starts(explained(p, (str){ token.p, token.n - 1 }),
			       LIT("malformed (signature): ")));
	assert_true(str_starts(explained(p, (str){ token.p, token.n - 2 }),
			       LIT("bad_signature (signature): ")));
	assert_true(str_starts(explained(p, LIT("a.b")), LIT("malformed (token): ")));
	assert_true(
		str_starts(explained(p, (str){ text, TOKEN_MAX + 1 }), LIT("too_large (token): ")));
}

/* The good ones that stand beside them: else a judge that refuses all would pass. */
static void must_accept(void **state)
{
	AUTO(policy_done) struct policy *p = policy_of_all();
	(void)state;
	expect(p, "{" ALG "," KID ",\"typ\":\"application/AT+JWT\"}", BODY, TOKEN_accepted);
	expect(p, "{" ALG "," KID ",\"typ\":\"at\\u002bjwt\",\"other\":[1]}", BODY, TOKEN_accepted);
	expect(p, HEAD, "{" AUDLESS ",\"aud\":[\"api\",\"mail\"]}", TOKEN_accepted);
	expect(p, HEAD, "{" ALL ",\"nbf\":1700000030}", TOKEN_accepted);
	expect(p, HEAD, "{" TIMELESS ",\"iat\":1700000030," EXP "}", TOKEN_accepted);
	expect(p, HEAD, "{" TIMELESS "," IAT ",\"exp\":1700000001}", TOKEN_accepted);
	expect(p, HEAD, "{" TIMELESS "," IAT ",\"exp\":1700003500}", TOKEN_accepted);
	expect(p, HEAD, "{" ALL ",\"x\":[[[]]],\"y\":{\"a\":{\"b\":{}}}}", TOKEN_accepted);
	expect(p, HEAD,
	       "{\"iss\":\"https:\\/\\/id.test\\/home\"," AUD "," IAT "," EXP "," JTI "," SUB
	       "," CID "}",
	       TOKEN_accepted);
}

/* In arrays and in the header too. */
static void elements_are_counted(void **state)
{
	AUTO(policy_done) struct policy *p = policy_of_all();
	(void)state;
	for (size_t n = 54; n <= 64; n++) {
		static char text[1024];
		for (int in_header = 0; in_header < 2; in_header++) {
			struct wr w = wr_of(text, sizeof(text));
			wr_str(&w, in_header ? LIT(H ",\"x\":[0") : LIT("{" ALL ",\"x\":[0"));
			for (size_t i = 1; i < n; i++)
				wr_lit(&w, ",0");
			wr_lit(&w, "]}\0");
			size_t members = n + 1 + (in_header ? 3 : 7);
			expect(p, in_header ? text : HEAD, in_header ? BODY : text,
			       members > 64 ? TOKEN_too_large : TOKEN_accepted);
		}
	}
}

static void members_are_counted(void **state)
{
	AUTO(policy_done) struct policy *p = policy_of_all();
	(void)state;
	for (size_t n = 56; n <= 60; n++) {
		static char payload[4096];
		struct wr w = wr_of(payload, sizeof(payload));
		wr_lit(&w, "{" ALL);
		for (size_t i = 0; i < n; i++) {
			wr_lit(&w, ",\"c");
			wr_dec(&w, i);
			wr_lit(&w, "\":0");
		}
		wr_lit(&w, "}\0");
		expect(p, HEAD, payload, n + 7 > 64 ? TOKEN_too_large : TOKEN_accepted);
	}
}

/* 8,192 bytes are a token, one more is none. */
static void size_is_capped(void **state)
{
	AUTO(policy_done) struct policy *p = policy_of_all();
	static char text[TEXT_MAX], payload[TOKEN_MAX];
	bool over = false, under = false;
	(void)state;
	for (size_t pad = 5800; pad < 6000; pad++) {
		struct wr w = wr_of(payload, sizeof(payload));
		wr_lit(&w, "{" ALL ",\"x\":\"");
		for (size_t i = 0; i < pad; i++)
			wr_char(&w, 'x');
		wr_lit(&w, "\"}");
		str token = mint(text, parties(), LIT(HEAD), wr_text(&w));
		enum token_code code = judged_once(p, token);
		assert_int_equal(code, token.n > TOKEN_MAX ? TOKEN_too_large : TOKEN_accepted);
		over |= code == TOKEN_too_large;
		under |= code == TOKEN_accepted;
	}
	assert_true(over && under);
}

/* The signature covers the text as sent, so each of these is correctly signed. */
static void other_spellings(void **state)
{
	AUTO(policy_done) struct policy *p = policy_of_all();
	static char text[TEXT_MAX], head[512], body[2048];
	static const struct {
		str head_tail, body_tail;
	} tails[] = {
		{ { "=", 1 }, { "", 0 } }, { { "", 0 }, { "=", 1 } },   { { "\n", 1 }, { "", 0 } },
		{ { "", 0 }, { " ", 1 } }, { { "", 0 }, { "+", 1 } },   { { "", 0 }, { "/", 1 } },
		{ { "", 0 }, { "A", 1 } }, { { "", 0 }, { "\0", 1 } },  { { ".", 1 }, { "", 0 } },
		{ { "", 0 }, { ".", 1 } }, { { "", 0 }, { ".AA", 3 } }, { { "!", 1 }, { "", 0 } },
	};
	(void)state;
	struct wr h = wr_of(head, sizeof(head)), b = wr_of(body, sizeof(body));
	base64url_write(&h, bytes_of_str(LIT(HEAD)));
	base64url_write(&b, bytes_of_str(LIT(BODY)));
	assert_int_equal(judged_once(p, mint_raw(text, parties(), wr_text(&h), wr_text(&b))),
			 TOKEN_accepted);
	for (size_t i = 0; i < COUNT_OF(tails); i++) {
		struct wr h2 = h, b2 = b;
		wr_str(&h2, tails[i].head_tail);
		wr_str(&b2, tails[i].body_tail);
		str token = mint_raw(text, parties(), wr_text(&h2), wr_text(&b2));
		assert_int_equal(judged_once(p, token), TOKEN_malformed);
	}
}

/* Bits that no byte uses, set in each of the three parts. */
static void trailing_bits(void **state)
{
	AUTO(policy_done) struct policy *p = policy_of_all();
	static char text[TEXT_MAX], head[512], body[2048];
	(void)state;
	for (size_t pad = 0; pad < 3; pad++) {
		struct wr h = wr_of(head, sizeof(head)), b = wr_of(body, sizeof(body));
		base64url_write(&h, bytes_of_str(LIT(HEAD)));
		base64url_write(&b, bytes_of_str(str_sub(LIT("   " BODY), pad, sizeof(BODY) + 2)));
		assert_int_equal(
			judged_once(p, mint_raw(text, parties(), wr_text(&h), wr_text(&b))),
			TOKEN_accepted);
		/* the last character one further: A to B, w to x and so on */
		body[b.n - 1]++;
		enum token_code code =
			judged_once(p, mint_raw(text, parties(), wr_text(&h), wr_text(&b)));
		assert_int_equal(code, TOKEN_malformed);
	}
	str token = mint(text, parties(), LIT(HEAD), LIT(BODY));
	text[token.n - 1]++;
	assert_int_equal(judged_once(p, token), TOKEN_malformed);
}

static const str no_token[] = {
	LIT(""),
	LIT("."),
	LIT(".."),
	LIT("..."),
	LIT("a"),
	LIT("Bearer eyJ"),
	LIT("{\"payload\":\"e30\",\"signatures\":[{\"protected\":\"e30\",\"signature\":\"AA\"}]}"),
	LIT("{\"protected\":\"e30\",\"payload\":\"e30\",\"signature\":\"AA\"}"),
	LIT("e30.e30.AA.AA.AA"),
	LIT("eyJhbGciOiJub25lIn0.e30."),
	LIT(".e30.AA"),
	LIT("e30..AA"),
	LIT("eyJhbGciOiJub25lIn0=.e30.AA"),
	LIT("eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.AA.AA.AA.AA"),
	LIT("eyJhbGciOiJub25lIn0.e30.AA.AA"),
	LIT("eyJhbGciOiJub25lIn0.e30"),
};

static void no_token_at_all(void **state)
{
	AUTO(policy_done) struct policy *p = policy_of_all();
	(void)state;
	for (size_t i = 0; i < COUNT_OF(no_token); i++)
		assert_int_equal(judged_once(p, no_token[i]), TOKEN_malformed);
	assert_int_equal(judged_once(p, (str){ NULL, 0 }), TOKEN_malformed);
	assert_int_equal(judged_once(p, LIT("e30.e30.AA")), TOKEN_bad_issuer);
}

static void every_prefix(void **state)
{
	AUTO(policy_done) struct policy *p = policy_of_all();
	static char text[TEXT_MAX];
	(void)state;
	str token = mint(text, parties(), good_header, good_payload);
	assert_int_equal(judged_once(p, token), TOKEN_accepted);
	for (size_t n = 0; n < token.n; n++)
		assert_int_not_equal(judged_once(p, str_sub(token, 0, n)), TOKEN_accepted);
}

static void every_byte_flipped(void **state)
{
	AUTO(policy_done) struct policy *p = policy_of_all();
	static char text[TEXT_MAX];
	(void)state;
	str token = mint(text, parties(), good_header, good_payload);
	for (size_t i = 0; i < token.n * 8; i++) {
		text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
		assert_int_not_equal(judged_once(p, token), TOKEN_accepted);
		text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
	}
	assert_int_equal(judged_once(p, token), TOKEN_accepted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(must_refuse),          cmocka_unit_test(reasons_say_where),
		cmocka_unit_test(must_accept),          cmocka_unit_test(members_are_counted),
		cmocka_unit_test(elements_are_counted), cmocka_unit_test(size_is_capped),
		cmocka_unit_test(other_spellings),      cmocka_unit_test(trailing_bits),
		cmocka_unit_test(no_token_at_all),      cmocka_unit_test(every_prefix),
		cmocka_unit_test(every_byte_flipped),
	};
	assert_false(failed(crypto_init(NULL)));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
