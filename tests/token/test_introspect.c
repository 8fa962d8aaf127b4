/* The rules of a relying party that opens mailboxes, on genuinely signed tokens: what
 * passes, what each rule refuses, and that a refusal is exactly {"active":false}. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "token/build.h"
#include "token/introspect.h"
#include "token/jwk.h"

enum { NOW = 1800000000 };

static struct private_key *home_key, *corp_key;
static struct policy *policy;
static struct token_scratch scratch;
static uint8_t token_room[TOKEN_MAX], answer_room[INTROSPECT_ANSWER_MAX];

static const str home_boxes[] = { { "*@home.test", 11 } };
static const str corp_boxes[] = { { "*@corp.test", 11 }, { "ann@home.test", 13 } };
static const struct introspect_issuer issuers[] = {
	{ { "https://login.test/home", 23 }, home_boxes, 1 },
	{ { "https://login.test/corp", 23 }, corp_boxes, 2 },
};
static const struct introspect_rules rules = { { "mail.read", 9 }, issuers, 2 };

static bytes jwks_of(struct private_key *k, uint8_t *room, size_t cap)
{
	struct key_parts parts;
	struct wr w = wr_of(room, cap);
	assert_false(failed(private_key_public(k, &parts)));
	wr_lit(&w, "{\"keys\":[");
	assert_false(failed(jwk_write(&w, &parts, LIT("k1"))));
	wr_lit(&w, "]}");
	return wr_bytes(&w);
}

static int make_policy(void **state)
{
	(void)state;
	static uint8_t home[JWK_TEXT_MAX], corp[JWK_TEXT_MAX];
	static const str mail = { "mail", 4 };
	assert_false(failed(crypto_init(NULL)));
	assert_false(failed(private_key_generate(ALG_ES256, &home_key)));
	assert_false(failed(private_key_generate(ALG_ES256, &corp_key)));
	struct policy_issuer of[] = {
		{ .issuer = issuers[0].issuer,
		  .realm = LIT("home"),
		  .jwks = jwks_of(home_key, home, sizeof(home)) },
		{ .issuer = issuers[1].issuer,
		  .realm = LIT("corp"),
		  .jwks = jwks_of(corp_key, corp, sizeof(corp)) },
	};
	for (size_t i = 0; i < 2; i++) {
		of[i].typ = LIT("at+jwt");
		of[i].audiences = &mail;
		of[i].n_audiences = 1;
		of[i].max_ttl_s = 3600;
	}
	assert_false(failed(policy_new(of, 2, NULL, &policy)));
	return 0;
}

static int drop_policy(void **state)
{
	(void)state;
	policy_free(policy);
	private_key_free(home_key);
	private_key_free(corp_key);
	return 0;
}

struct wish {
	struct private_key *key;
	str issuer, username, scope;
	bool bound;
};

static str token_of(const struct wish *t)
{
	struct wr w = wr_of(token_room, sizeof(token_room));
	struct claim claims[6];
	uint8_t sig[SIGNATURE_MAX];
	size_t n = 0, sig_n = 0;
	claims[n++] = (struct claim){ .name = LIT("sub"), .text = LIT("s-1") };
	claims[n++] = (struct claim){ .name = LIT("client_id"), .text = LIT("demo") };
	claims[n++] = (struct claim){ .name = LIT("aud"), .text = LIT("mail") };
	if (t->scope.n)
		claims[n++] = (struct claim){ .name = LIT("scope"), .text = t->scope };
	if (t->username.n)
		claims[n++] = (struct claim){ .name = LIT("username"), .text = t->username };
	if (t->bound)
		claims[n++] = (struct claim){
			.name = LIT("cnf"),
			.kind = CLAIM_JKT,
			.text = LIT("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I")
		};
	struct token_header head = { ALG_ES256, LIT("at+jwt"), LIT("k1") };
	struct token_stamp stamp = { t->issuer, NOW - 5, NOW + 600, LIT("j-1") };
	assert_false(failed(token_write_input(&w, &head, &stamp, claims, n)));
	assert_false(failed(private_key_sign(t->key, wr_bytes(&w), sig, &sig_n)));
	token_write_signature(&w, (bytes){ sig, sig_n });
	assert_false(w.full);
	return wr_text(&w);
}

static enum token_code judge(const struct introspect_rules *r, const struct wish *t,
			     str *ret_answer)
{
	struct token_verdict v;
	struct wr w = wr_of(answer_room, sizeof(answer_room));
	token_verify(policy, token_of(t), NOW, &scratch, &v);
	introspect_check(r, &v);
	introspect_write(&w, &v);
	*ret_answer = wr_text(&w);
	return v.code;
}

/* By an issuer, who asks no proof of who asks (RFC 9449 section 6.2). */
static void a_key_is_said(void **state)
{
	struct token_verdict v;
	struct wr w = wr_of(answer_room, sizeof(answer_room));
	struct wish t = { home_key, issuers[0].issuer, LIT("alice@home.test"), LIT("mail.read"),
			  true };
	(void)state;
	token_verify(policy, token_of(&t), NOW, &scratch, &v);
	introspect_write(&w, &v);
	assert_true(str_ends(wr_text(&w), LIT("\"token_type\":\"DPoP\",\"cnf\":{\"jkt\":"
					      "\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\"},"
					      "\"realm\":\"home\"}")));
}

static void accepted_says_all(void **state)
{
	(void)state;
	str answer;
	struct wish t = { home_key, issuers[0].issuer, LIT("alice@home.test"),
			  LIT("openid mail.read"), false };
	assert_int_equal(judge(&rules, &t, &answer), TOKEN_accepted);
	assert_true(str_eq(answer,
			   LIT("{\"active\":true,\"username\":\"alice@home.test\",\"sub\":\"s-1\","
			       "\"scope\":\"openid mail.read\",\"client_id\":\"demo\","
			       "\"aud\":\"mail\",\"iss\":\"https://login.test/home\","
			       "\"exp\":1800000600,\"iat\":1799999995,\"jti\":\"j-1\","
			       "\"token_type\":\"Bearer\",\"realm\":\"home\"}")));
	t = (struct wish){ corp_key, issuers[1].issuer, LIT("Ann@HOME.test"), LIT("mail.read"),
			   false };
	assert_int_equal(judge(&rules, &t, &answer), TOKEN_accepted);
}

static void each_rule_refuses(void **state)
{
	(void)state;
	const str home = issuers[0].issuer, corp = issuers[1].issuer;
	const str alice = LIT("alice@home.test"), read = LIT("mail.read");
	const struct {
		struct wish wish;
		enum token_code code;
	} cases[] = {
		/* a genuine token of the consumer realm that names an enterprise user */
		{ { home_key, home, LIT("carol@corp.test"), read, false }, TOKEN_bad_mailbox },
		{ { corp_key, corp, alice, read, false }, TOKEN_bad_mailbox },
		{ { home_key, home, LIT(""), read, false }, TOKEN_bad_mailbox },
		{ { home_key, home, LIT("home.test"), read, false }, TOKEN_bad_mailbox },
		{ { home_key, home, LIT("a@corp.test@home.test"), read, false },
		  TOKEN_bad_mailbox },
		{ { home_key, home, LIT("../x@home.test"), read, false }, TOKEN_bad_mailbox },
		{ { home_key, home, LIT("a*b@home.test"), read, false }, TOKEN_bad_mailbox },
		{ { home_key, home, LIT("a%u@home.test"), read, false }, TOKEN_bad_mailbox },
		{ { home_key, home, LIT("a b@home.test"), read, false }, TOKEN_bad_mailbox },
		{ { home_key, home, alice, LIT("mail.reader mail"), false }, TOKEN_bad_scope },
		{ { home_key, home, alice, LIT(""), false }, TOKEN_bad_scope },
		{ { home_key, home, alice, read, true }, TOKEN_bad_binding },
		/* the other realm's key under our issuer, and the other way round */
		{ { corp_key, home, alice, read, false }, TOKEN_bad_signature },
		{ { home_key, corp, LIT("carol@corp.test"), read, false }, TOKEN_bad_signature },
		{ { home_key, LIT("https://evil.test/home"), alice, read, false },
		  TOKEN_bad_issuer },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		str answer;
		enum token_code code = judge(&rules, &cases[i].wish, &answer);
		if (code != cases[i].code)
			fail_msg("case %zu: %s", i, token_code_name(code).p);
		assert_true(str_eq(answer, LIT("{\"active\":false}")));
	}
}

static void without_rules(void **state)
{
	(void)state;
	str answer;
	struct wish carol = { home_key, issuers[0].issuer, LIT("carol@corp.test"), LIT(""), false };
	const struct introspect_issuer any[] = { { issuers[0].issuer, NULL, 0 } };
	const struct introspect_rules lax = { { 0 }, any, 1 };
	assert_int_equal(judge(&lax, &carol, &answer), TOKEN_accepted);
	/* an issuer that no rule names is no issuer that may claim anything */
	const struct introspect_rules none = { { 0 }, NULL, 0 };
	assert_int_equal(judge(&none, &carol, &answer), TOKEN_bad_mailbox);
	/* any username is still a username, and so are its halves */
	static const str paths[] = { { "../../root", 10 },
				     { "..", 2 },
				     { "carol@..", 8 },
				     { "..@corp.test", 12 },
				     { "a..b@corp.test", 14 } };
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		carol.username = paths[i];
		assert_int_equal(judge(&lax, &carol, &answer), TOKEN_bad_mailbox);
	}
}

static void no_room_is_a_refusal(void **state)
{
	(void)state;
	struct token_verdict v = { .code = TOKEN_accepted, .username = LIT("alice@home.test") };
	uint8_t room[40];
	struct wr w = wr_of(room, sizeof(room));
	introspect_write(&w, &v);
	assert_true(str_eq(wr_text(&w), LIT("{\"active\":false}")));
	assert_false(w.full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepted_says_all),    cmocka_unit_test(a_key_is_said),
		cmocka_unit_test(each_rule_refuses),    cmocka_unit_test(without_rules),
		cmocka_unit_test(no_room_is_a_refusal),
	};
	return cmocka_run_group_tests(tests, make_policy, drop_policy);
}
