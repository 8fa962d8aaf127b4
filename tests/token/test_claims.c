/* What an accepted token says comes out as it was said; ID tokens; scopes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

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
	assert_true(v.iat == 1699999900 && v.exp == 1700000500 && !v.bound);
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
			  "\"cnf\":{\"jkt\":\"t\"}}");
	assert_int_equal(judged(p, mint(text, parties(), good_header, payload), &v),
			 TOKEN_accepted);
	assert_true(str_eq(v.sub, LIT("\xc3\xa9")) && str_eq(v.audience, LIT("mail")));
	assert_true(v.bound);
	assert_null(v.scope.p);
	assert_null(v.username.p);
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
		cmocka_unit_test(id_tokens_need_less),
		cmocka_unit_test(scratch_is_enough_or_refused),
		cmocka_unit_test(scopes),
	};
	assert_false(failed(crypto_init(NULL)));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
