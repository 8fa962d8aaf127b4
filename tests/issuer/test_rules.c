/* The issuer's rules: client authentication, PKCE, scopes, audiences, redirects, CSRF. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "codec/base64url.h"
#include "codec/base64.h"
#include "rules.h"

static uint8_t memory[65536];
static struct arena arena;

static int fresh(void **state)
{
	(void)state;
	arena_init(&arena, memory, sizeof(memory));
	return 0;
}

static struct issuer_realm realm(void)
{
	return (struct issuer_realm){
		.name = LIT("home"),
		.issuer = LIT("http://localhost:8080/home"),
		.issues = true,
		.n_audiences = 2,
		.audiences = { { LIT("mail"), LIT("https://mail.test/") },
			       { LIT("api"), LIT("https://api.test/") } },
		.n_scopes = 3,
		.scopes = { LIT("openid"), LIT("mail.read"), LIT("mail.send") },
	};
}

static struct store_client client(void)
{
	return (struct store_client){
		.realm = LIT("home"),
		.id = LIT("demo"),
		.auth_method = LIT("none"),
		.grant_types = LIT("authorization_code"),
		.scopes = LIT("openid mail.read other"),
		.redirect_uris =
			LIT("https://app.test/cb?x=1 http://127.0.0.1/callback com.app:/cb"),
		.audience = LIT("mail"),
	};
}

static void basic(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"Basic",
		"Basic ",
		"Bearer YTpi",
		"Basic YTpi!",
		"Basic YTp",
		"Basic YTpi=",
		"Basic YQ==",
		"Basic Ym%",
		"Basic _-__",
		"Basic YTpi YTpi",
		"Basic JTBBOiUw",
	};
	str id = { 0 };
	struct secret_bytes secret = { 0 };
	/* "a%20b:c%2Bd+e" */
	assert_false(failed(basic_read(LIT("basic YSUyMGI6YyUyQmQrZQ=="), &arena, &id, &secret)));
	assert_true(str_eq(id, LIT("a b")));
	assert_true(secret_eq(secret, secret_bytes_of(bytes_of_str(LIT("c+d e")))));
	assert_false(failed(basic_read(LIT("Basic YTo="), &arena, &id, &secret)));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(ch_code_of(basic_read(str_from_c(bad[i]), &arena, &id, &secret)),
				 CH_E_INVALID_CLIENT);
}

static void base64(void **state)
{
	(void)state;
	char room[16];
	static const char *const want[] = { "", "+w==", "+/8=", "+//+" };
	for (size_t n = 0; n <= 3; n++) {
		struct wr w = wr_of(room, sizeof(room));
		base64_write(&w, (bytes){ (const uint8_t *)"\xfb\xff\xfe", n });
		assert_true(str_eq(wr_text(&w), str_from_c(want[n])));
	}
}

/* RFC 7636 appendix B */
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

static void pkce(void **state)
{
	(void)state;
	char text[PKCE_CHALLENGE_SIZE];
	str good = LIT(CHALLENGE);
	assert_true(pkce_challenge_ok(good));
	assert_false(failed(pkce_check(good, LIT(VERIFIER))));
	assert_true(failed(pkce_check(good, (str){ 0 })));
	assert_true(failed(pkce_check(good, good)));
	assert_true(failed(pkce_check(good, LIT("short"))));
	assert_false(pkce_challenge_ok(str_sub(good, 0, 42)));
	for (size_t i = 0; i < good.n; i++) {
		mem_copy(text, good.p, good.n);
		text[i] = text[i] == 'A' ? 'B' : 'A';
		assert_true(failed(pkce_check((str){ text, good.n }, LIT(VERIFIER))));
		text[i] = '=';
		assert_false(pkce_challenge_ok((str){ text, good.n }));
	}
}

static void scopes(void **state)
{
	(void)state;
	struct issuer_realm r = realm();
	str got = { 0 }, have = LIT("openid mail.read other");
	assert_false(failed(scope_resolve(&r, have, (str){ 0 }, &arena, &got)));
	assert_true(str_eq(got, LIT("openid mail.read")));
	assert_false(
		failed(scope_resolve(&r, have, LIT("mail.read mail.read openid"), &arena, &got)));
	assert_true(str_eq(got, LIT("mail.read openid")));
	assert_int_equal(ch_code_of(scope_resolve(&r, have, LIT("mail.send"), &arena, &got)),
			 CH_E_INVALID_SCOPE);
	assert_int_equal(ch_code_of(scope_resolve(&r, have, LIT("other"), &arena, &got)),
			 CH_E_INVALID_SCOPE);
	assert_int_equal(ch_code_of(scope_resolve(&r, have, LIT("openid mail.rea"), &arena, &got)),
			 CH_E_INVALID_SCOPE);
	assert_false(failed(scope_without(have, LIT("mail.read x"), (str){ 0 }, &arena, &got)));
	assert_true(str_eq(got, LIT("openid other")));
	assert_false(failed(scope_without(have, (str){ 0 }, LIT("other openid y"), &arena, &got)));
	assert_true(str_eq(got, LIT("openid other")));
	assert_false(failed(scope_without(have, (str){ 0 }, LIT(""), &arena, &got)));
	assert_int_equal(got.n, 0);
}

static void audiences(void **state)
{
	(void)state;
	struct issuer_realm r = realm();
	struct store_client c = client();
	str got = { 0 };
	assert_false(failed(audience_resolve(&r, &c, (str){ 0 }, &got)));
	assert_true(str_eq(got, LIT("mail")));
	assert_false(failed(audience_resolve(&r, &c, LIT("https://mail.test/"), &got)));
	assert_int_equal(ch_code_of(audience_resolve(&r, &c, LIT("https://api.test/"), &got)),
			 CH_E_INVALID_TARGET);
	assert_int_equal(ch_code_of(audience_resolve(&r, &c, LIT("mail"), &got)),
			 CH_E_INVALID_TARGET);
	assert_true(audience_allowed(&r, &c, LIT("mail")));
	assert_false(audience_allowed(&r, &c, LIT("api")));
	c.audiences = LIT("api other");
	assert_true(audience_allowed(&r, &c, LIT("api")));
	assert_false(audience_allowed(&r, &c, LIT("other")));
	assert_false(failed(audience_resolve(&r, &c, LIT("https://api.test/"), &got)));
	assert_true(str_eq(got, LIT("api")));
	c.audience = LIT("");
	assert_int_equal(ch_code_of(audience_resolve(&r, &c, (str){ 0 }, &got)),
			 CH_E_INVALID_TARGET);
	assert_true(audience_is_mail(LIT("mail")));
	assert_false(audience_is_mail(LIT("mailx")));
}

#define GOOD                                                                                   \
	"client_id=demo&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcallback&response_type=code" \
	"&state=s&code_challenge=" CHALLENGE

static const char *check(const char *query)
{
	static char error[64];
	struct issuer_realm r = realm();
	struct store_client c = client();
	struct auth_request q = { 0 };
	struct form f = { 0 };
	str scope = { 0 }, audience = { 0 };
	assert_false(failed(form_parse(str_from_c(query), &arena, &f)));
	auth_request_read(&f, &q);
	if (failed(auth_redirect_check(&q, &c)))
		return "page";
	struct auth_fail fail = auth_request_check(&f, &q, &r, &c, &arena, &scope, &audience);
	if (!fail.error.p)
		return "";
	mem_copy(error, fail.error.p, fail.error.n);
	error[fail.error.n] = 0;
	return error;
}

static void requests(void **state)
{
	static const struct {
		const char *query, *want;
	} cases[] = {
		{ GOOD "&code_challenge_method=S256", "" },
		{ GOOD "&code_challenge_method=S256&resource=https%3A%2F%2Fmail.test%2F", "" },
		{ GOOD, "invalid_request" },
		{ GOOD "&code_challenge_method=plain", "invalid_request" },
		{ GOOD "&code_challenge_method=S256&request=x", "request_not_supported" },
		{ GOOD "&code_challenge_method=S256&request_uri=x", "request_uri_not_supported" },
		{ GOOD "&code_challenge_method=S256&prompt=none", "" },
		{ GOOD "&code_challenge_method=S256&response_mode=fragment", "invalid_request" },
		{ GOOD "&code_challenge_method=S256&scope=root", "invalid_scope" },
		{ GOOD "&code_challenge_method=S256&resource=https%3A%2F%2Fx%2F",
		  "invalid_target" },
		{ "redirect_uri=com.app%3A%2Fcb&response_type=token", "unsupported_response_type" },
		{ "redirect_uri=com.app%3A%2Fcb", "invalid_request" },
		{ "redirect_uri=com.app%3A%2Fcb&response_type=code", "invalid_request" },
		{ "response_type=code", "page" },
		{ "redirect_uri=http%3A%2F%2F127.0.0.1.evil.test%2Fcallback", "page" },
		{ "redirect_uri=http%3A%2F%2F127.0.0.1%3A9%40evil.test%2Fcallback", "page" },
		{ "redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcallback%2F..%2Fx", "page" },
		{ "redirect_uri=https%3A%2F%2Fapp.test%2Fcb", "page" },
		{ "redirect_uri=https%3A%2F%2Fapp.test%3A444%2Fcb%3Fx%3D1", "page" },
		{ "redirect_uri=%2F%2Fevil.test", "page" },
		{ "redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback%0d%0aX%3A+y", "page" },
		{ "redirect_uri=com.app%3A%2Fcb+http%3A%2F%2F127.0.0.1%2Fcallback", "page" },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		arena_init(&arena, memory, sizeof(memory));
		assert_string_equal(check(cases[i].query), cases[i].want);
	}
}

static void redirects(void **state)
{
	(void)state;
	char room[512];
	struct wr w = wr_of(room, sizeof(room));
	struct auth_request q = { .redirect_uri = LIT("https://app.test/cb?x=1"),
				  .state = LIT("a&b=\r\nc") };
	auth_redirect_write(&w, &q, LIT("https://i.test/home"), LIT("c-o_d"), NULL);
	assert_true(
		str_eq(wr_text(&w), LIT("https://app.test/cb?x=1&code=c-o_d&state=a%26b%3D%0D%0Ac"
					"&iss=https%3A%2F%2Fi.test%2Fhome")));
	w = wr_of(room, sizeof(room));
	q = (struct auth_request){ .redirect_uri = LIT("com.app:/cb") };
	auth_redirect_write(&w, &q, LIT("https://i.test/home"), (str){ 0 },
			    &(struct auth_fail){ LIT("invalid_scope"), LIT("no such") });
	assert_true(str_eq(wr_text(&w),
			   LIT("com.app:/cb?error=invalid_scope&error_description=no%20such"
			       "&iss=https%3A%2F%2Fi.test%2Fhome")));
}

static void form_actions(void **state)
{
	static const struct {
		const char *uri, *want;
	} cases[] = {
		{ "http://127.0.0.1:5555/cb", "http://127.0.0.1:5555" },
		{ "https://app.test/cb?x=1", "https://app.test" },
		{ "http://[::1]:5/cb", "http:" },
		{ "com.example.app:/cb", "com.example.app:" },
		{ "x;y:/cb", "" },
		{ "nothing", "" },
		{ "https://a;b.test/", "https:" },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char room[128];
		struct wr w = wr_of(room, sizeof(room));
		form_action_write(&w, str_from_c(cases[i].uri));
		assert_true(str_eq(wr_text(&w), str_from_c(cases[i].want)));
	}
}

static void etags(void **state)
{
	(void)state;
	str etag = LIT("\"abc\"");
	assert_true(etag_matches(etag, etag));
	assert_true(etag_matches(LIT("\"x\", W/\"abc\" "), etag));
	assert_true(etag_matches(LIT("*"), etag));
	assert_false(etag_matches((str){ 0 }, etag));
	assert_false(etag_matches(LIT("abc"), etag));
	assert_false(etag_matches(LIT("\"abcd\""), etag));
}

static ch_err way_of(const char *body, bool has_authorization, enum client_auth *ret_way)
{
	struct form f;
	assert_false(failed(form_parse(str_from_c(body), &arena, &f)));
	return client_auth_of(&f, has_authorization, ret_way);
}

#define JWT_TYPE "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

static void ways(void **state)
{
	static const struct {
		const char *body;
		bool has_authorization;
		enum client_auth way;
	} good[] = {
		{ "", false, CLIENT_AUTH_NONE },
		{ "client_id=a", false, CLIENT_AUTH_NONE },
		{ "client_id=a&client_secret=", true, CLIENT_AUTH_BASIC },
		{ "client_id=a&client_secret=b", false, CLIENT_AUTH_POST },
		{ JWT_TYPE "&client_assertion=a.b.c", false, CLIENT_AUTH_JWT },
	};
	static const struct {
		const char *body;
		bool has_authorization;
		enum ch_code code;
	} bad[] = {
		{ "client_secret=b", true, CH_E_INVALID_REQUEST },
		{ JWT_TYPE "&client_assertion=a", true, CH_E_INVALID_REQUEST },
		{ JWT_TYPE "&client_assertion=a&client_secret=b", false, CH_E_INVALID_REQUEST },
		{ JWT_TYPE, true, CH_E_INVALID_REQUEST },
		{ JWT_TYPE, false, CH_E_INVALID_REQUEST },
		{ "client_assertion=a", false, CH_E_INVALID_REQUEST },
		{ JWT_TYPE "x&client_assertion=a", false, CH_E_INVALID_CLIENT },
	};
	enum client_auth way = CLIENT_AUTH_COUNT;
	struct store_client c = client();
	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_false(failed(way_of(good[i].body, good[i].has_authorization, &way)));
		assert_int_equal(way, good[i].way);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(ch_code_of(way_of(bad[i].body, bad[i].has_authorization, &way)),
				 bad[i].code);
	for (int i = 0; i < CLIENT_AUTH_COUNT; i++) {
		c.auth_method = client_auth_name((enum client_auth)i);
		assert_int_equal(client_is_public(&c), i == CLIENT_AUTH_NONE);
	}
}

static void bearers(void **state)
{
	static const str none = { NULL, 0 };
	static const char *const bad[] = { "Bearer a b", "Bearer a,b", "Bearer \"a\"", "Bearer ",
					   "Bearer a\t" };
	static const char *const absent[] = { "", "Basic YTpi", "DPoPabc", "Bearerabc", "Bearer" };
	char text[128];
	struct wr w = wr_of(text, sizeof(text));
	str token = none;
	bool dpop = true;
	(void)state;
	assert_false(failed(bearer_read(LIT("bEARER  a-._~+/9="), none, &token, &dpop)));
	assert_true(str_eq(token, LIT("a-._~+/9=")) && !dpop);
	assert_false(failed(bearer_read(LIT("dpop a.b"), none, &token, &dpop)));
	assert_true(str_eq(token, LIT("a.b")) && dpop);
	assert_false(failed(bearer_read(none, LIT("a.b"), &token, &dpop)));
	assert_true(str_eq(token, LIT("a.b")));
	assert_int_equal(ch_code_of(bearer_read(LIT("Bearer a"), LIT("a"), &token, &dpop)),
			 CH_E_INVALID_REQUEST);
	assert_int_equal(ch_code_of(bearer_read(none, LIT("a b"), &token, &dpop)),
			 CH_E_INVALID_REQUEST);
	assert_int_equal(ch_code_of(bearer_read(none, none, &token, &dpop)), CH_E_MISSING);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(ch_code_of(bearer_read(str_from_c(bad[i]), none, &token, &dpop)),
				 CH_E_INVALID_REQUEST);
	for (size_t i = 0; i < COUNT_OF(absent); i++)
		assert_int_equal(
			ch_code_of(bearer_read(str_from_c(absent[i]), none, &token, &dpop)),
			CH_E_MISSING);
	challenge_write(&w, false, LIT("home"), none, none);
	assert_true(str_eq(wr_text(&w), LIT("Bearer realm=\"home\"")));
	w.n = 0;
	challenge_write(&w, true, LIT("home"), LIT("use_dpop_nonce"), none);
	assert_true(str_eq(wr_text(&w), LIT("DPoP realm=\"home\", error=\"use_dpop_nonce\", "
					    "algs=\"ES256 EdDSA RS256 PS256\"")));
	w.n = 0;
	challenge_write(&w, false, LIT("home"), LIT("insufficient_scope"), LIT("openid"));
	assert_true(str_eq(wr_text(&w), LIT("Bearer realm=\"home\", error=\"insufficient_scope\""
					    ", scope=\"openid\"")));
}

static void stamps(void **state)
{
	char text[2][43];
	uint8_t keys[2][STORE_HASH_SIZE], plain[SHA256_SIZE], stamp[STAMP_SIZE] = { 0 };
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct wr w = wr_of(text[i], sizeof(text[i])), s = wr_of(stamp, sizeof(stamp));
		int64_t before = clock_unix_ms(), said = 0;
		stamp_write(&w, 32);
		assert_false(failed(wr_done(&w)));
		code_key(wr_text(&w), keys[i]);
		assert_false(failed(base64url_read(str_sub(wr_text(&w), 0, STAMP_TEXT), &s)));
		for (size_t k = 0; k < STAMP_SIZE; k++)
			said = said << 8 | stamp[k];
		assert_true(before <= said && said <= clock_unix_ms());
		assert_memory_equal(keys[i], stamp, STAMP_SIZE);
		/* the rest is the whole text's hash */
		secret_hash(secret_bytes_of(wr_bytes(&w)), plain);
		assert_memory_equal(keys[i] + STAMP_SIZE, plain + STAMP_SIZE,
				    sizeof(plain) - STAMP_SIZE);
	}
	assert_memory_not_equal(text[0] + STAMP_TEXT, text[1] + STAMP_TEXT, 43 - STAMP_TEXT);
	/* the stamp alone opens nothing */
	text[0][42] = text[0][42] == 'A' ? 'E' : 'A';
	code_key((str){ text[0], sizeof(text[0]) }, keys[1]);
	assert_memory_not_equal(keys[0], keys[1], sizeof(keys[0]));
	/* what is no code has a key, which nothing has */
	code_key(LIT(""), keys[0]);
	code_key(LIT("a code"), keys[0]);
	code_key(LIT("========xx"), keys[0]);
}

#define T(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(basic),     T(base64),       T(pkce),  T(scopes), T(audiences), T(requests),
		T(redirects), T(form_actions), T(etags), T(ways),   T(bearers),   T(stamps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
