/* What may be trusted together, and the words that say what may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "token/jwk.h"

static char reason[256];

/* Two sound issuers for a row to spoil. */
static struct policy_issuer in[2];
static str audiences[2];

static void sound(void)
{
	struct party *p = parties();
	for (size_t i = 0; i < 2; i++) {
		audiences[i] = str_from_c(p[i].audience);
		in[i] = (struct policy_issuer){
			.issuer = str_from_c(p[i].issuer),
			.realm = str_from_c(p[i].realm),
			.typ = LIT("at+jwt"),
			.audiences = &audiences[i],
			.n_audiences = 1,
			.jwks = bytes_of_str((str){ p[i].jwks, p[i].jwks_n }),
			.max_ttl_s = 3600,
		};
	}
}

/* The code; the reason, NUL-terminated, in `reason`. */
static enum ch_code load(void)
{
	AUTO(policy_done) struct policy *p = NULL;
	struct wr w = wr_of(reason, sizeof(reason) - 1);
	ch_err e = policy_new(in, 2, &w, &p);
	reason[w.n] = 0;
	assert_int_equal(failed(e), !p);
	/* no reason asked for: the same code */
	struct policy *quiet = NULL;
	assert_int_equal(ch_code_of(policy_new(in, 2, NULL, &quiet)), ch_code_of(e));
	policy_free(quiet);
	return ch_code_of(e);
}

static void with_jwks(const char *text)
{
	sound();
	in[1].jwks = bytes_of_str(str_from_c(text));
}

static void a_sound_policy(void **state)
{
	(void)state;
	sound();
	assert_int_equal(load(), CH_OK);
	assert_string_equal(reason, "");
	in[0].issuer = LIT("http://localhost:8080/home");
	in[0].typ = LIT("application/AT+jwt");
	in[1].typ = LIT("jwt");
	assert_int_equal(load(), CH_OK);
	with_jwks("{\"keys\":[]}");
	assert_int_equal(load(), CH_OK);
}

static void warmed_step_by_step(void **state)
{
	(void)state;
	AUTO(policy_done) struct policy *p = NULL;
	size_t step = 0, n = 0;
	sound();
	assert_false(failed(policy_new(in, 2, NULL, &p)));
	while (policy_warm_step(p, &step))
		n++;
	assert_int_equal(n, policy_keys(p, in[0].issuer) + policy_keys(p, in[1].issuer));
	assert_false(policy_warm_step(p, &step));
}

static void terms(void **state)
{
	(void)state;
	str many[ISSUER_AUDIENCES_MAX + 1];
	for (size_t i = 0; i < COUNT_OF(many); i++)
		many[i] = LIT("a");
	sound();
	in[1].issuer = LIT("http://id.test/corp");
	assert_int_equal(load(), CH_E_DENIED);
	assert_string_equal(reason,
			    "issuer \"http://id.test/corp\": http is for loopback only: use https");
	in[1].issuer = LIT("https://id.test/corp?x=1");
	assert_int_equal(load(), CH_E_SYNTAX);
	in[1].issuer = LIT("id.test");
	assert_int_equal(load(), CH_E_SYNTAX);
	in[1].issuer = in[0].issuer;
	assert_int_equal(load(), CH_E_DUPLICATE);
	sound();
	in[1].realm = LIT("");
	assert_int_equal(load(), CH_E_MISSING);
	sound();
	in[1].typ = LIT("logout+jwt");
	assert_int_equal(load(), CH_E_UNSUPPORTED);
	in[1].typ = LIT("");
	assert_int_equal(load(), CH_E_UNSUPPORTED);
	sound();
	in[1].n_audiences = 0;
	assert_int_equal(load(), CH_E_RANGE);
	in[1].audiences = many;
	in[1].n_audiences = COUNT_OF(many);
	assert_int_equal(load(), CH_E_RANGE);
	many[1] = LIT("");
	in[1].n_audiences = 2;
	assert_int_equal(load(), CH_E_MISSING);
	sound();
	in[1].skew_s = -1;
	assert_int_equal(load(), CH_E_RANGE);
	in[1].skew_s = 601;
	assert_int_equal(load(), CH_E_RANGE);
	sound();
	in[1].max_ttl_s = 0;
	assert_int_equal(load(), CH_E_RANGE);
}

#define X "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""
#define X2 "\"x\":\"PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw\""
#define ED(kid, x) \
	"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"EdDSA\",\"kid\":\"" kid "\"," x "}"

static const struct {
	const char *jwks;
	enum ch_code code;
	const char *reason;
} sets[] = {
	{ "{\"keys\":[" ED("a", X) "," ED("b", X2) "]}", CH_OK, "" },
	{ "{\"keys\":[{\"kty\":\"EC\",\"use\":\"enc\"}," ED("a", X) "]}", CH_OK, "" },
	{ "", CH_E_TRUNCATED, "issuer \"https://id.test/corp\": JSON ends early" },
	{ "[]", CH_E_SYNTAX,
	  "issuer \"https://id.test/corp\": is no JWK set: no array named keys" },
	{ ED("a", X), CH_E_SYNTAX, NULL },
	{ "{\"keys\":{}}", CH_E_SYNTAX, NULL },
	{ "{\"keys\":[1]}", CH_E_SYNTAX, NULL },
	{ "{\"keys\":[],\"keys\":[]}", CH_E_DUPLICATE, NULL },
	{ "{\"keys\":[" ED("a", X) "," ED("a", X2) "]}", CH_E_DUPLICATE,
	  "issuer \"https://id.test/corp\": key \"a\": two keys of the issuer have this kid" },
	{ "{\"keys\":[" ED("a", X) "," ED("b", X) "]}", CH_E_DUPLICATE,
	  "issuer \"https://id.test/corp\": key \"b\": this public key stands in the policy "
	  "already" },
	{ "{\"keys\":[" ED("", X) "]}", CH_E_RANGE, NULL },
	{ "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"EdDSA\"," X "}]}",
	  CH_E_MISSING, "issuer \"https://id.test/corp\": key has no kid" },
	{ "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"EdDSA\",\"kid\":\"a\",\"d\":"
	  "\"\"," X "}]}",
	  CH_E_MISMATCH,
	  "issuer \"https://id.test/corp\": key \"a\": key is private or symmetric" },
	/* a small-order point */
	{ "{\"keys\":[" ED("a", "\"x\":\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"") "]}",
	  CH_E_RANGE, NULL },
	/* not on the curve */
	{ "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ES256\",\"kid\":\"a\","
	  "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
	  "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]}",
	  CH_E_MISMATCH, NULL },
};

static void key_sets(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(sets); i++) {
		with_jwks(sets[i].jwks);
		enum ch_code code = load();
		if (code != sets[i].code)
			fail_msg("%s: %s (%s)", ch_code_name(code), sets[i].jwks, reason);
		if (sets[i].reason)
			assert_string_equal(reason, sets[i].reason);
	}
}

/* One key for two issuers, whatever kid and alg each gives it: what let a consumer key
 * open enterprise mail. */
static void one_key_under_two_issuers(void **state)
{
	(void)state;
	char text[JWK_FIXTURE_MAX];
	struct key_parts parts = parties()[2].parts;
	struct wr w = wr_of(text, sizeof(text));
	parts.alg = ALG_PS256;
	wr_lit(&w, "{\"keys\":[");
	assert_false(failed(jwk_write(&w, &parts, LIT("other"))));
	wr_lit(&w, "]}");
	sound();
	in[0].jwks = bytes_of_str((str){ parties()[2].jwks, parties()[2].jwks_n });
	in[1].jwks = wr_bytes(&w);
	assert_int_equal(load(), CH_E_DUPLICATE);
	assert_non_null(strstr(reason, "key \"other\": this public key stands"));
}

/* A key is good from `from` less the skew, and until just before `until`. */
static void key_periods(void **state)
{
	(void)state;
	static char text[TEXT_MAX], set[JWK_FIXTURE_MAX];
	static const struct row {
		const char *members; /* of the JWK */
		struct policy_period policy[2];
		enum token_code code;
	} rows[] = {
		{ "", { { { 0 }, 0, 0 } }, TOKEN_accepted },
		/* the token's iat is now - 100, the skew 30 */
		{ ",\"nbf\":1699999900", { { { 0 }, 0, 0 } }, TOKEN_accepted },
		{ ",\"nbf\":1699999930", { { { 0 }, 0, 0 } }, TOKEN_accepted },
		{ ",\"nbf\":1699999931", { { { 0 }, 0, 0 } }, TOKEN_key_not_valid },
		{ ",\"nbf\":1700000031", { { { 0 }, 0, 0 } }, TOKEN_key_not_valid },
		{ ",\"exp\":1700000001", { { { 0 }, 0, 0 } }, TOKEN_accepted },
		{ ",\"exp\":1700000000", { { { 0 }, 0, 0 } }, TOKEN_key_not_valid },
		{ ",\"exp\":1", { { { 0 }, 0, 0 } }, TOKEN_key_not_valid },
		{ "", { { LIT("home-1"), 1699999930, 1700000001 } }, TOKEN_accepted },
		{ "", { { LIT("home-1"), 1699999931, 0 } }, TOKEN_key_not_valid },
		{ "", { { LIT("home-1"), 0, 1700000000 } }, TOKEN_key_not_valid },
		{ "", { { LIT("other"), 0, 1 } }, TOKEN_accepted },
		/* the narrower wins, either way and among several */
		{ ",\"nbf\":1,\"exp\":1800000000",
		  { { LIT("home-1"), 0, 1700000000 } },
		  TOKEN_key_not_valid },
		{ ",\"nbf\":1,\"exp\":1700000000",
		  { { LIT("home-1"), 0, 1800000000 } },
		  TOKEN_key_not_valid },
		{ ",\"nbf\":1699999931", { { LIT("home-1"), 1, 0 } }, TOKEN_key_not_valid },
		{ "",
		  { { LIT("home-1"), 1, 0 }, { LIT("home-1"), 0, 1700000000 } },
		  TOKEN_key_not_valid },
		/* a revoked key is no key */
		{ ",\"revoked\":{\"revoked_at\":1}", { { { 0 }, 0, 0 } }, TOKEN_unknown_key },
	};
	str token = mint(text, parties(), good_header, good_payload);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		AUTO(policy_done) struct policy *p = NULL;
		struct wr w = wr_of(set, sizeof(set));
		sound();
		/* the fixture's set ends in }]} */
		wr_put(&w, (bytes){ in[0].jwks.p, in[0].jwks.n - 3 });
		wr_str(&w, str_from_c(rows[i].members));
		wr_lit(&w, "}]}");
		in[0].jwks = wr_bytes(&w);
		in[0].skew_s = 30;
		in[0].periods = rows[i].policy;
		in[0].n_periods = COUNT_OF(rows[i].policy);
		assert_false(failed(policy_new(in, 1, NULL, &p)));
		enum token_code code = judged(p, token, NULL);
		if (code != rows[i].code)
			fail_msg("row %zu: %s", i, token_code_name(code).p);
	}
}

static void periods_that_are_none(void **state)
{
	(void)state;
	static const struct policy_period bad[] = {
		{ LIT("corp-1"), -1, 0 },        { LIT("corp-1"), 0, -1 },
		{ LIT("corp-1"), 5, 5 },         { LIT("corp-1"), 6, 5 },
		{ LIT("no-such-key"), 6, 5 },    { LIT("corp-1"), 0, INT64_MAX },
		{ LIT("corp-1"), INT64_MAX, 0 },
	};
	static const struct {
		const char *member;
		enum ch_code code;
	} members[] = {
		{ ",\"nbf\":1.5", CH_E_SYNTAX },  { ",\"nbf\":\"1\"", CH_E_SYNTAX },
		{ ",\"exp\":null", CH_E_SYNTAX }, { ",\"exp\":-1", CH_E_SYNTAX },
		{ ",\"exp\":1e9", CH_E_SYNTAX },  { ",\"exp\":9223372036854775808", CH_E_SYNTAX },
		{ ",\"exp\":0", CH_E_RANGE },     { ",\"nbf\":5,\"exp\":5", CH_E_RANGE },
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		sound();
		in[1].periods = &bad[i];
		in[1].n_periods = 1;
		assert_int_equal(load(), CH_E_RANGE);
	}
	for (size_t i = 0; i < COUNT_OF(members); i++) {
		static char set[512];
		struct wr w = wr_of(set, sizeof(set) - 1);
		wr_lit(&w, "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"EdDSA\","
			   "\"kid\":\"a\"," X);
		wr_str(&w, str_from_c(members[i].member));
		wr_lit(&w, "}]}");
		set[w.n] = 0;
		with_jwks(set);
		assert_int_equal(load(), members[i].code);
	}
}

/* Thirty-two keys an issuer, each of which is found, and not one more. */
static void as_many_keys_as_may_be(void **state)
{
	(void)state;
	static char set[JWKS_TEXT_MAX], text[TEXT_MAX];
	static struct party last;
	for (size_t n = ISSUER_KEYS_MAX; n <= ISSUER_KEYS_MAX + 1; n++) {
		struct wr w = wr_of(set, sizeof(set));
		AUTO(policy_done) struct policy *p = NULL;
		wr_lit(&w, "{\"keys\":[");
		for (size_t i = 0; i < n; i++) {
			AUTO(private_key_done) struct private_key *key = NULL;
			struct key_parts parts;
			char kid[16];
			struct wr k = wr_of(kid, sizeof(kid));
			assert_false(failed(private_key_generate(ALG_EDDSA, &key)));
			assert_false(failed(private_key_public(key, &parts)));
			wr_lit(&k, "kid-");
			wr_dec(&k, i);
			if (i)
				wr_char(&w, ',');
			assert_false(failed(jwk_write(&w, &parts, wr_text(&k))));
			if (i == ISSUER_KEYS_MAX - 1)
				last.key = TAKE(key);
		}
		wr_lit(&w, "]}");
		sound();
		in[0].jwks = wr_bytes(&w);
		ch_err e = policy_new(in, 1, NULL, &p);
		assert_int_equal(ch_code_of(e), n > ISSUER_KEYS_MAX ? CH_E_LIMIT : CH_OK);
		if (p) {
			assert_int_equal(policy_keys(p, in[0].issuer), ISSUER_KEYS_MAX);
			str header =
				LIT("{\"typ\":\"at+jwt\",\"alg\":\"EdDSA\",\"kid\":\"kid-31\"}");
			str other =
				LIT("{\"typ\":\"at+jwt\",\"alg\":\"EdDSA\",\"kid\":\"kid-30\"}");
			str gone = LIT("{\"typ\":\"at+jwt\",\"alg\":\"EdDSA\",\"kid\":\"kid-32\"}");
			assert_int_equal(judged(p, mint(text, &last, header, good_payload), NULL),
					 TOKEN_accepted);
			assert_int_equal(judged(p, mint(text, &last, other, good_payload), NULL),
					 TOKEN_bad_signature);
			assert_int_equal(judged(p, mint(text, &last, gone, good_payload), NULL),
					 TOKEN_unknown_key);
		}
		private_key_done(&last.key);
	}
}

/* Warm keys change nothing but the time. */
static void warm_keys(void **state)
{
	(void)state;
	static char text[TEXT_MAX];
	struct policy *p = policy_of_all();
	str token = mint(text, parties(), good_header, good_payload);
	assert_false(failed(policy_warm(p)));
	assert_int_equal(judged(p, token, NULL), TOKEN_accepted);
	text[token.n - 3] = text[token.n - 3] == 'A' ? 'B' : 'A';
	assert_int_equal(judged(p, token, NULL), TOKEN_bad_signature);
	policy_free(p);
	size_t step = 0, steps = 0;
	p = policy_of_all();
	while (policy_warm_step(p, &step))
		assert_true(++steps <= ISSUERS);
	assert_int_equal(steps, ISSUERS);
	policy_free(p);
}

static bool same_as(const struct policy *a, size_t n)
{
	AUTO(policy_done) struct policy *b = NULL;
	assert_false(failed(policy_new(in, n, NULL, &b)));
	bool same = policy_same(a, b);
	assert_int_equal(policy_same(b, a), same);
	sound();
	return same;
}

static void the_same_policy(void **state)
{
	static const str other[] = { { "other", 5 } };
	static const struct policy_period period = { .kid = { "other", 5 }, .until_s = 9 };
	struct policy_period of_key = { .kid = { NULL, 0 }, .until_s = 2000000000 };
	AUTO(policy_done) struct policy *a = NULL;
	(void)state;
	sound();
	assert_false(failed(policy_new(in, 2, NULL, &a)));
	assert_true(same_as(a, 2));
	assert_false(same_as(a, 1));
	in[1].realm = LIT("other");
	assert_false(same_as(a, 2));
	in[1].issuer = LIT("https://id.test/other");
	assert_false(same_as(a, 2));
	in[1].typ = LIT("JWT");
	assert_false(same_as(a, 2));
	in[1].audiences = other;
	assert_false(same_as(a, 2));
	in[1].n_audiences++;
	in[1].audiences = (const str[]){ audiences[1], other[0] };
	assert_false(same_as(a, 2));
	in[1].skew_s++;
	assert_false(same_as(a, 2));
	in[1].max_ttl_s++;
	assert_false(same_as(a, 2));
	in[1].jwks = bytes_of_str(LIT("{\"keys\":[]}"));
	assert_false(same_as(a, 2));
	in[1].periods = &period; /* of no key */
	in[1].n_periods = 1;
	assert_true(same_as(a, 2));
	of_key.kid = str_from_c(parties()[1].kid);
	in[1].periods = &of_key;
	in[1].n_periods = 1;
	assert_false(same_as(a, 2));
}

static void each_policy_has_its_id(void **state)
{
	(void)state;
	AUTO(policy_done) struct policy *a = policy_of_all();
	AUTO(policy_done) struct policy *b = policy_of_all();
	assert_true(policy_id(a) && policy_id(b) && policy_id(a) != policy_id(b));
	assert_int_equal(policy_keys(a, LIT("https://id.test/home")), 1);
	assert_int_equal(policy_keys(a, LIT("https://id.test/none")), 0);
	assert_int_equal(judged(a, LIT("e30.e30.AA"), NULL), TOKEN_bad_issuer);
}

static void too_many(void **state)
{
	(void)state;
	static struct policy_issuer many[POLICY_ISSUERS_MAX + 1];
	static char text[JWKS_TEXT_MAX + 1];
	struct policy *p = NULL;
	assert_int_equal(ch_code_of(policy_new(many, COUNT_OF(many), NULL, &p)), CH_E_LIMIT);
	sound();
	memset(text, ' ', sizeof(text));
	in[1].jwks = BYTES_OF((const uint8_t *)text);
	in[1].jwks.n = sizeof(text);
	assert_int_equal(load(), CH_E_LIMIT);
	assert_false(failed(policy_new(NULL, 0, NULL, &p)));
	assert_int_equal(judged(p, LIT("e30.e30.AA"), NULL), TOKEN_bad_issuer);
	policy_free(p);
	policy_free(NULL);
}

/* It keeps copies: what it was made from may go. */
static void it_owns_its_text(void **state)
{
	(void)state;
	static char issuer[64], jwks[JWK_FIXTURE_MAX], text[TEXT_MAX];
	struct policy *p = NULL;
	sound();
	mem_copy(issuer, in[0].issuer.p, in[0].issuer.n);
	mem_copy(jwks, in[0].jwks.p, in[0].jwks.n);
	in[0].issuer.p = issuer;
	in[0].jwks.p = (const uint8_t *)jwks;
	assert_false(failed(policy_new(in, 1, NULL, &p)));
	memset(issuer, 'x', sizeof(issuer));
	memset(jwks, 'x', sizeof(jwks));
	assert_int_equal(judged(p, mint(text, parties(), good_header, good_payload), NULL),
			 TOKEN_accepted);
	policy_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_policy),
		cmocka_unit_test(warmed_step_by_step),
		cmocka_unit_test(terms),
		cmocka_unit_test(key_sets),
		cmocka_unit_test(one_key_under_two_issuers),
		cmocka_unit_test(key_periods),
		cmocka_unit_test(periods_that_are_none),
		cmocka_unit_test(the_same_policy),
		cmocka_unit_test(each_policy_has_its_id),
		cmocka_unit_test(as_many_keys_as_may_be),
		cmocka_unit_test(warm_keys),
		cmocka_unit_test(too_many),
		cmocka_unit_test(it_owns_its_text),
	};
	assert_false(failed(crypto_init(NULL)));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
