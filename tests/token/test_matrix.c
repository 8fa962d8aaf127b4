/* Key, kid, issuer, audience and typ are one: of all ways to combine them only the
 * diagonal passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec/json.h"
#include "fixture.h"

/* Who signs, whose kid the header names, whose issuer, whose audience, whose typ. */
struct mix {
	size_t key, kid, issuer, audience, typ;
};

static str mixed(char out[static TEXT_MAX], const struct mix *m)
{
	struct party *p = parties();
	char header[256], payload[512];
	struct wr h = wr_of(header, sizeof(header)), b = wr_of(payload, sizeof(payload));
	struct json_out o = json_out_of(&h);
	json_begin(&o, (str){ NULL, 0 }, '{');
	json_put_str(&o, LIT("typ"), str_from_c(p[m->typ].typ));
	json_put_str(&o, LIT("alg"), alg_name(p[m->key].alg));
	json_put_str(&o, LIT("kid"), str_from_c(p[m->kid].kid));
	json_finish(&o, '}');
	o = json_out_of(&b);
	json_begin(&o, (str){ NULL, 0 }, '{');
	json_put_str(&o, LIT("iss"), str_from_c(p[m->issuer].issuer));
	json_put_str(&o, LIT("aud"), str_from_c(p[m->audience].audience));
	json_put_int(&o, LIT("iat"), now);
	json_put_int(&o, LIT("exp"), now + 60);
	json_put_str(&o, LIT("jti"), LIT("j"));
	json_put_str(&o, LIT("sub"), LIT("s"));
	json_put_str(&o, LIT("client_id"), LIT("c"));
	json_finish(&o, '}');
	return mint(out, &p[m->key], wr_text(&h), wr_text(&b));
}

static enum token_code expected(const struct mix *m)
{
	struct party *p = parties();
	if (m->kid != m->issuer)
		return TOKEN_foreign_key;
	if (p[m->key].alg != p[m->issuer].alg)
		return TOKEN_bad_alg;
	if (strcmp(p[m->typ].typ, p[m->issuer].typ) != 0)
		return TOKEN_bad_typ;
	if (m->audience != m->issuer)
		return TOKEN_bad_audience;
	return TOKEN_accepted;
}

static void only_the_diagonal_passes(void **state)
{
	AUTO(policy_done) struct policy *p = policy_of_all();
	static char text[TEXT_MAX];
	size_t passed = 0;
	(void)state;
	for (size_t i = 0; i < 1024; i++) {
		struct mix m = { i % 4, i / 4 % 4, i / 16 % 4, i / 64 % 4, i / 256 % 4 };
		struct token_verdict v;
		enum token_code code = judged(p, mixed(text, &m), &v);
		assert_int_equal(code, expected(&m));
		if (code != TOKEN_accepted)
			continue;
		passed++;
		assert_true(str_eq(v.realm, str_from_c(parties()[m.key].realm)));
		assert_true(str_eq(v.kid, str_from_c(parties()[m.key].kid)));
	}
	/* four issuers; two each share a typ */
	assert_int_equal(passed, 8);
}

/* The same with keys of one algorithm, where the signature itself must tell. */
static void a_foreign_key_of_the_same_alg(void **state)
{
	AUTO(policy_done) struct policy *p = policy_of_all();
	static char text[TEXT_MAX];
	struct party stranger = parties()[0];
	(void)state;
	stranger.key = NULL;
	assert_false(failed(private_key_generate(ALG_ES256, &stranger.key)));
	assert_int_equal(judged(p, mint(text, &stranger, good_header, good_payload), NULL),
			 TOKEN_bad_signature);
	private_key_free(stranger.key);
}

/* For the log: what was known good before the refusal, and no more. */
static void a_refusal_names_what_was_known(void **state)
{
	AUTO(policy_done) struct policy *p = policy_of_all();
	static char text[TEXT_MAX];
	struct mix other_kid = { 0, 1, 0, 0, 0 }, other_audience = { 0, 0, 0, 1, 0 };
	struct token_verdict v;
	(void)state;
	assert_int_equal(judged(p, LIT("e30.e30.AA"), &v), TOKEN_bad_issuer);
	assert_null(v.issuer.p);
	assert_int_equal(judged(p, mixed(text, &other_kid), &v), TOKEN_foreign_key);
	assert_true(str_eq(v.realm, LIT("home")));
	assert_null(v.kid.p);
	assert_int_equal(judged(p, mixed(text, &other_audience), &v), TOKEN_bad_audience);
	assert_true(str_eq(v.kid, LIT("home-1")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_diagonal_passes),
		cmocka_unit_test(a_foreign_key_of_the_same_alg),
		cmocka_unit_test(a_refusal_names_what_was_known),
	};
	assert_false(failed(crypto_init(NULL)));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
