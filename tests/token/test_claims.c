/* What an accepted token says comes out as it was said; ID tokens; scopes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/base64url.h"
#include "crypto/hash.h"
#include "fixture.h"

#define JKT "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"

static void the_verdict_holds_the_claims(void **state)
{
	AUTO(policy_done) struct policy *p = policy_of_all();
	static char text[TEXT_MAX];
	struct token_verdict v;
	(void)state;
	assert_int_equal(judged(p, mint(text, parties(), good_header, good_payload), &v),
			 TOKEN_accepted);
	assert_true(str_eq(v.issuer, LIT("https://id.test/home")));
	assert_true(str_eq(v.realm, LIT("home")) && str_eq(v.kid, LIT("home-1")));
	assert_true(str_eq(v.audience, LIT("mail")) && str_eq(v.sub, LIT("alice")));
	assert_true(str_eq(v.client_id, LIT("demo")) && str_eq(v.jti, LIT("j1")));
	assert_true(str_eq(v.scope, LIT("mail.read mail.send")));
	assert_true(str_eq(v.username, LIT("alice@home.test")));
	assert_true(v.iat == 1699999900 && v.exp == 1700000500 && v.nbf == 0);
	assert_false(v.bound || v.binding.has_jkt || v.binding.has_x5t || v.binding.other);
	assert_true(v.where.n == 0 && v.what.n == 0);
	assert_true(str_eq(v.claims, good_payload));
}

static void escapes_are_undone_and_bindings_seen(void **state)
{
	AUTO(policy_done) struct policy *p = policy_of_all();
	static char text[TEXT_MAX];
	struct token_verdict v;
	(void)state;
	str payload = LIT("{\"iss\":\"https:\\/\\/id.test\\/home\",\"iat\":1700000000,"
			  "\"exp\":1700000001,\"jti\":\"j\",\"sub\":\"\\u00e9\","
			  "\"client_id\":\"c\",\"aud\":[\"x\",\"m\\u0061il\"],"
			  "\"cnf\":{\"jkt\":\"" JKT "\"}}");
	assert_int_equal(judged(p, mint(text, parties(), good_header, payload), &v),
			 TOKEN_accepted);
	assert_true(str_eq(v.sub, LIT("\xc3\xa9")) && str_eq(v.audience, LIT("mail")));
	assert_true(v.bound && v.binding.has_jkt && !v.binding.has_x5t && !v.binding.other);
	assert_null(v.scope.p);
	assert_null(v.username.p);
}

/* Both hashes, decoded; and what else is in cnf is not passed over in silence. */
static void bindings(void **state)
{
	AUTO(policy_done) struct policy *p = policy_of_all();
	static char text[TEXT_MAX], payload[1024];
	static const struct {
		str cnf;
		struct token_binding want;
	} rows[] = {
		{ LIT("\"jkt\":\"" JKT "\""), { .has_jkt = true } },
		{ LIT("\"x5t#S256\":\"" JKT "\""), { .has_x5t = true } },
		{ LIT("\"x5t#S256\":\"" JKT "\",\"jkt\":\"" JKT "\""),
		  { .has_jkt = true, .has_x5t = true } },
		{ LIT("\"jkt\":\"" JKT "\",\"kid\":\"k\""), { .has_jkt = true, .other = true } },
		{ LIT("\"jwk\":{\"kty\":\"EC\"}"), { .other = true } },
		{ LIT("\"jwk\":{\"jkt\":\"" JKT "\"}"), { .other = true } },
	};
	uint8_t hash[32], none[32] = { 0 };
	struct wr w = wr_of(hash, sizeof(hash));
	assert_false(failed(base64url_read(LIT(JKT), &w)));
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct token_verdict v;
		struct wr b = wr_of(payload, sizeof(payload));
		wr_str(&b, str_sub(good_payload, 0, good_payload.n - 1));
		wr_lit(&b, ",\"nbf\":1699999999,\"cnf\":{");
		wr_str(&b, rows[i].cnf);
		wr_lit(&b, "}}");
		assert_int_equal(judged(p, mint(text, parties(), good_header, wr_text(&b)), &v),
				 TOKEN_accepted);
		const struct token_binding *got = &v.binding, *want = &rows[i].want;
		assert_true(v.bound && v.nbf == 1699999999);
		assert_true(got->has_jkt == want->has_jkt && got->has_x5t == want->has_x5t &&
			    got->other == want->other);
		assert_memory_equal(got->jkt, want->has_jkt ? hash : none, sizeof(hash));
		assert_memory_equal(got->x5t, want->has_x5t ? hash : none, sizeof(hash));
	}
}

/* A token's one name, whatever its algorithm. */
static void the_identity_is_the_input_hash(void **state)
{
	AUTO(policy_done) struct policy *p = policy_of_all();
	static char text[TEXT_MAX], header[256], payload[512];
	(void)state;
	for (size_t i = 0; i < ISSUERS; i++) {
		struct party *of = &parties()[i];
		struct token_verdict v;
		uint8_t hash[32];
		struct wr h = wr_of(header, sizeof(header)), b = wr_of(payload, sizeof(payload));
		wr_lit(&h, "{\"alg\":\"");
		wr_str(&h, alg_name(of->alg));
		wr_lit(&h, "\",\"typ\":\"");
		wr_str(&h, str_from_c(of->typ));
		wr_lit(&h, "\",\"kid\":\"");
		wr_str(&h, str_from_c(of->kid));
		wr_lit(&h, "\"}");
		wr_lit(&b, "{\"iss\":\"");
		wr_str(&b, str_from_c(of->issuer));
		wr_lit(&b, "\",\"aud\":\"");
		wr_str(&b, str_from_c(of->audience));
		wr_lit(&b, "\",\"iat\":1700000000,\"exp\":1700000060,\"sub\":\"s\","
			   "\"jti\":\"j\",\"client_id\":\"c\"}");
		str token = mint(text, of, wr_text(&h), wr_text(&b));
		assert_int_equal(judged(p, token, &v), TOKEN_accepted);
		while (token.p[token.n - 1] != '.')
			token.n--;
		sha256((bytes){ (const uint8_t *)token.p, token.n - 1 }, hash);
		assert_memory_equal(hash, v.identity, sizeof(hash));
	}
}

static void claims_by_name(void **state)
{
	AUTO(policy_done) struct policy *p = policy_of_all();
	static char text[TEXT_MAX], payload[1024];
	static struct token_claims c;
	struct token_verdict v;
	str s = { NULL, 0 }, many[2];
	int64_t n = 0;
	bool yes = false;
	size_t count = 0;
	(void)state;
	struct wr b = wr_of(payload, sizeof(payload));
	wr_str(&b, str_sub(good_payload, 0, good_payload.n - 1));
	wr_lit(&b, ",\"org\":\"a\\u0062\",\"level\":-3,\"ok\":true,\"no\":false,\"nil\":null,"
		   "\"groups\":[\"x\",\"y\"],\"mixed\":[\"x\",1],\"three\":[\"\",\"\",\"\"],"
		   "\"deep\":{\"org\":\"z\"},\"half\":0.5,\"empty\":[]}");
	assert_int_equal(judged(p, mint(text, parties(), good_header, wr_text(&b)), &v),
			 TOKEN_accepted);
	assert_false(failed(token_claims_read(&v, &c)));
	assert_false(failed(token_claim_str(&c, LIT("org"), &s)));
	assert_true(str_eq(s, LIT("ab")));
	assert_int_equal(ch_code_of(token_claim_str(&c, LIT("or"), &s)), CH_E_MISSING);
	assert_int_equal(ch_code_of(token_claim_str(&c, LIT("level"), &s)), CH_E_SYNTAX);
	assert_int_equal(ch_code_of(token_claim_str(&c, LIT("nil"), &s)), CH_E_SYNTAX);
	assert_false(failed(token_claim_int(&c, LIT("level"), &n)));
	assert_int_equal(n, -3);
	assert_int_equal(ch_code_of(token_claim_int(&c, LIT("half"), &n)), CH_E_SYNTAX);
	assert_false(failed(token_claim_bool(&c, LIT("ok"), &yes)));
	assert_true(yes);
	assert_false(failed(token_claim_bool(&c, LIT("no"), &yes)));
	assert_false(yes);
	assert_int_equal(ch_code_of(token_claim_bool(&c, LIT("nil"), &yes)), CH_E_SYNTAX);
	assert_false(failed(token_claim_texts(&c, LIT("groups"), many, 2, &count)));
	assert_true(count == 2 && str_eq(many[0], LIT("x")) && str_eq(many[1], LIT("y")));
	assert_false(failed(token_claim_texts(&c, LIT("org"), many, 2, &count)));
	assert_true(count == 1 && str_eq(many[0], LIT("ab")));
	assert_false(failed(token_claim_texts(&c, LIT("empty"), many, 0, &count)));
	assert_int_equal(count, 0);
	assert_int_equal(ch_code_of(token_claim_texts(&c, LIT("three"), many, 2, &count)),
			 CH_E_FULL);
	assert_int_equal(ch_code_of(token_claim_texts(&c, LIT("mixed"), many, 2, &count)),
			 CH_E_SYNTAX);
	assert_int_equal(ch_code_of(token_claim_texts(&c, LIT("deep"), many, 2, &count)),
			 CH_E_SYNTAX);
	assert_false(failed(token_claim_json(&c, LIT("deep"), &s)));
	assert_true(str_eq(s, LIT("{\"org\":\"z\"}")));
	assert_false(failed(token_claim_json(&c, LIT("org"), &s)));
	assert_true(str_eq(s, LIT("\"a\\u0062\"")));
	assert_false(failed(token_claim_json(&c, LIT("half"), &s)));
	assert_true(str_eq(s, LIT("0.5")));
	/* of a token that was refused there is nothing to read */
	text[20] = '!';
	assert_int_equal(judged(p, (str){ text, 300 }, &v), TOKEN_malformed);
	assert_int_equal(ch_code_of(token_claims_read(&v, &c)), CH_E_DENIED);
}

#define ID_HEAD "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"staff-1\"}"
#define ID_BODY \
	"{\"iss\":\"https://id.test/staff\",\"iat\":1700000000,\"exp\":1700000060,\"sub\":\"s\","

static const struct {
	str payload;
	enum token_code code;
} id_tokens[] = {
	{ LIT(ID_BODY "\"aud\":\"app\"}"), TOKEN_accepted },
	{ LIT(ID_BODY "\"aud\":\"app\",\"azp\":\"other\"}"), TOKEN_accepted },
	{ LIT(ID_BODY "\"aud\":[\"app\"]}"), TOKEN_accepted },
	{ LIT(ID_BODY "\"aud\":[\"app\",\"web\"],\"azp\":\"app\"}"), TOKEN_accepted },
	{ LIT(ID_BODY "\"aud\":[\"app\",\"web\"],\"azp\":\"web\"}"), TOKEN_bad_audience },
	{ LIT(ID_BODY "\"aud\":[\"app\",\"web\"],\"azp\":1}"), TOKEN_bad_audience },
	{ LIT(ID_BODY "\"aud\":[\"app\",\"web\"]}"), TOKEN_bad_audience },
	{ LIT(ID_BODY "\"aud\":\"web\"}"), TOKEN_bad_audience },
	{ LIT(ID_BODY "\"aud\":\"app\",\"jti\":1}"), TOKEN_bad_claims },
	{ LIT("{\"iss\":\"https://id.test/staff\",\"iat\":1700000000,\"exp\":1700000060,"
	      "\"aud\":\"app\"}"),
	  TOKEN_bad_claims },
};

static void id_tokens_need_less(void **state)
{
	AUTO(policy_done) struct policy *p = policy_of_all();
	static char text[TEXT_MAX];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(id_tokens); i++)
		assert_int_equal(
			judged(p, mint(text, &parties()[2], LIT(ID_HEAD), id_tokens[i].payload),
			       NULL),
			id_tokens[i].code);
}

/* A claim of escapes alone cannot use more than the scratch has. */
static void scratch_is_enough_or_refused(void **state)
{
	AUTO(policy_done) struct policy *p = policy_of_all();
	static char text[TEXT_MAX], payload[TOKEN_MAX];
	(void)state;
	struct wr w = wr_of(payload, sizeof(payload));
	wr_str(&w, str_sub(good_payload, 0, good_payload.n - 1));
	wr_lit(&w, ",\"act\":\"x\"}");
	assert_int_equal(judged(p, mint(text, parties(), good_header, wr_text(&w)), NULL),
			 TOKEN_accepted);
	w = wr_of(payload, sizeof(payload));
	wr_lit(&w, "{\"iss\":\"https://id.test/home\",\"iat\":1700000000,\"exp\":1700000001,"
		   "\"jti\":\"j\",\"client_id\":\"c\",\"aud\":\"mail\",\"sub\":\"");
	for (size_t i = 0; i < 700; i++)
		wr_lit(&w, "\\u0041");
	wr_lit(&w, "\"}");
	assert_int_equal(judged(p, mint(text, parties(), good_header, wr_text(&w)), NULL),
			 TOKEN_bad_claims);
}

static void scopes(void **state)
{
	(void)state;
	assert_true(scope_has(LIT("a bc d"), LIT("a")) && scope_has(LIT("a bc d"), LIT("bc")));
	assert_true(scope_has(LIT("a bc d"), LIT("d")));
	assert_false(scope_has(LIT("a bc d"), LIT("b")) || scope_has(LIT("a bc d"), LIT("c")));
	assert_false(scope_has(LIT("a bc d"), LIT("a bc")) || scope_has(LIT("a  b"), LIT("")));
	assert_false(scope_has(LIT(""), LIT("")) || scope_has((str){ NULL, 0 }, LIT("a")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_verdict_holds_the_claims),
		cmocka_unit_test(escapes_are_undone_and_bindings_seen),
		cmocka_unit_test(bindings),
		cmocka_unit_test(the_identity_is_the_input_hash),
		cmocka_unit_test(claims_by_name),
		cmocka_unit_test(id_tokens_need_less),
		cmocka_unit_test(scratch_is_enough_or_refused),
		cmocka_unit_test(scopes),
	};
	assert_false(failed(crypto_init(NULL)));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
