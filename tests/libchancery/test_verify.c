/* The library's one question, as a host asks it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host.h"

static enum ch_reason ask(ch_text token, const struct ch_options *o, struct ch_verified *ret)
{
	return ch_verify(verifier, &scratch, token, now, o, ret);
}

static bool is_zero(const struct ch_verified *v)
{
	static const struct ch_verified none;
	return memcmp(v, &none, sizeof(none)) == 0;
}

static void test_a_good_token_says_whose_it_is(void **state)
{
	(void)state;
	struct ch_verified v;
	assert_int_equal(ask(good_token(), NULL, &v), CH_ACCEPTED);
	assert_true(ch_text_is(v.issuer, "https://id.test/home"));
	assert_true(ch_text_is(v.realm, "home"));
	assert_true(ch_text_is(v.kid, "home-1"));
	assert_true(ch_text_is(v.audience, "mail"));
	assert_true(ch_text_is(v.subject, "alice"));
	assert_true(ch_text_is(v.client_id, "demo"));
	assert_true(ch_text_is(v.scope, "mail.read mail.send"));
	assert_true(ch_text_is(v.username, "alice@home.test"));
	assert_true(ch_text_is(v.jti, "j1"));
	assert_int_equal(v.iat, 1699999900);
	assert_int_equal(v.exp, 1700000500);
	assert_int_equal(v.nbf, 0);
	assert_int_equal(v.confirmed, 0);
	assert_false(ch_text_is(v.claims, ""));
	uint8_t name[32];
	str token = { good_token().p, good_token().n };
	sha256(bytes_of_str(str_sub(token, 0, token.n - 87)), name);
	assert_memory_equal(v.identity, name, sizeof(name));
}

static void test_every_kind_of_key(void **state)
{
	(void)state;
	static char out[TEXT_MAX];
	for (size_t i = 0; i < ISSUERS; i++) {
		struct party *p = &parties()[i];
		struct ch_verified v;
		assert_int_equal(ask(token_of(out, p), NULL, &v), CH_ACCEPTED);
		assert_true(ch_text_is(v.realm, p->realm));
	}
}

static void test_a_refusal_leaves_nothing_of_the_last_token(void **state)
{
	(void)state;
	struct ch_verified v;
	ch_text token = good_token();
	assert_int_equal(ask(token, NULL, &v), CH_ACCEPTED);
	assert_false(is_zero(&v));
	token.n--;
	assert_int_not_equal(ask(token, NULL, &v), CH_ACCEPTED);
	assert_true(is_zero(&v));
}

static void test_times_are_the_callers(void **state)
{
	(void)state;
	struct ch_verified v;
	static const struct {
		int64_t at;
		enum ch_reason reason;
	} rows[] = { { 1700000499, CH_ACCEPTED },
		     { 1700000500, CH_EXPIRED },
		     { 1699999870, CH_ACCEPTED },
		     { 1699999869, CH_NOT_YET } };
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(ch_verify(verifier, &scratch, good_token(), rows[i].at, NULL, &v),
				 rows[i].reason);
	assert_int_not_equal(ch_verify(verifier, &scratch, good_token(), INT64_MAX, NULL, &v),
			     CH_ACCEPTED);
	assert_int_not_equal(ch_verify(verifier, &scratch, good_token(), INT64_MIN, NULL, &v),
			     CH_ACCEPTED);
}

static void test_scope_is_each_of_the_words(void **state)
{
	(void)state;
	static const struct {
		const char *scope;
		enum ch_reason reason;
	} rows[] = {
		{ NULL, CH_ACCEPTED },
		{ "", CH_ACCEPTED },
		{ "mail.read", CH_ACCEPTED },
		{ "mail.send mail.read", CH_ACCEPTED },
		{ "mail", CH_BAD_SCOPE },
		{ "mail.read admin", CH_BAD_SCOPE },
		{ "mail.read mail.sen", CH_BAD_SCOPE },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct ch_options o = CH_OPTIONS_INIT;
		struct ch_verified v;
		o.scope = rows[i].scope;
		assert_int_equal(ask(good_token(), &o, &v), rows[i].reason);
		assert_int_equal(is_zero(&v), rows[i].reason != CH_ACCEPTED);
	}
}

struct list {
	int asked;
	bool answer;
};

static bool revoked(void *ctx, const struct ch_verified *v)
{
	struct list *list = ctx;
	list->asked++;
	assert_true(ch_text_is(v->jti, "j1"));
	return list->answer;
}

static void test_revocation_is_asked_every_time(void **state)
{
	(void)state;
	struct list list = { 0 };
	struct ch_options o = CH_OPTIONS_INIT;
	struct ch_verified v;
	o.revoked = revoked;
	o.revoked_ctx = &list;
	assert_int_equal(ask(good_token(), &o, &v), CH_ACCEPTED);
	list.answer = true;
	assert_int_equal(ask(good_token(), &o, &v), CH_REVOKED);
	assert_true(is_zero(&v));
	assert_int_equal(list.asked, 2);
}

static void test_revocation_is_not_asked_of_junk(void **state)
{
	(void)state;
	struct list list = { 0 };
	struct ch_options o = CH_OPTIONS_INIT;
	struct ch_verified v;
	o.revoked = revoked;
	o.revoked_ctx = &list;
	assert_int_equal(ask(ch_text_of("a.b.c"), &o, &v), CH_MALFORMED);
	o.scope = "admin";
	assert_int_equal(ask(good_token(), &o, &v), CH_BAD_SCOPE);
	assert_int_equal(list.asked, 0);
}

static void test_a_bound_token_is_no_bearer(void **state)
{
	(void)state;
	char out[TEXT_MAX];
	struct ch_verified v;
	ch_text t = token_with(out, ",\"cnf\":{\"jkt\":"
				    "\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\"}");
	assert_int_equal(ask(t, NULL, &v), CH_BAD_BINDING);
	assert_true(is_zero(&v));
}

static void test_the_log_hears_what_and_where_only(void **state)
{
	(void)state;
	char line[200], out[TEXT_MAX];
	struct ch_verified v;
	assert_int_equal(ch_verify(verifier, &scratch, good_token(), 1800000000, NULL, &v),
			 CH_EXPIRED);
	size_t n = ch_explain(&scratch, line, sizeof(line));
	assert_string_equal(line, "expired (payload: exp): expired");
	assert_int_equal(n, strlen(line));
	assert_true(ch_text_is(ch_judged_issuer(&scratch), "https://id.test/home"));
	assert_int_equal(ch_explain(&scratch, line, 8), 7);
	assert_string_equal(line, "expired");
	assert_int_equal(ch_explain(&scratch, line, 0), 0);

	struct ch_options o = CH_OPTIONS_INIT;
	o.scope = "admin";
	assert_int_equal(ask(good_token(), &o, &v), CH_BAD_SCOPE);
	(void)ch_explain(&scratch, line, sizeof(line));
	assert_memory_equal(line, "bad_scope (payload: scope)", 26);

	str t = mint(out, &parties()[0], good_header, LIT("{\"iss\":\"https://evil.test\"}"));
	assert_int_equal(ask((ch_text){ t.p, t.n }, NULL, &v), CH_BAD_ISSUER);
	(void)ch_explain(&scratch, line, sizeof(line));
	assert_null(strstr(line, "evil"));
	assert_null(ch_judged_issuer(&scratch).p);
}

static void test_reasons_have_names_texts_and_answers(void **state)
{
	(void)state;
	for (int r = CH_ACCEPTED; r <= CH_LOG_BROKEN; r++) {
		int status = ch_reason_status((enum ch_reason)r);
		assert_true(strlen(ch_reason_name((enum ch_reason)r)) > 3);
		assert_true(strlen(ch_reason_text((enum ch_reason)r)) > 3);
		assert_true(r == CH_ACCEPTED ? status == 200 : status >= 400);
		assert_int_equal(*ch_reason_error((enum ch_reason)r) == 0,
				 status == 200 || status >= 500);
	}
	assert_string_equal(ch_reason_name(CH_FOREIGN_KEY), "foreign_key");
	assert_string_equal(ch_reason_name(CH_MISUSED), "misused");
	assert_string_equal(ch_reason_name((enum ch_reason)77), "misused");
	assert_int_equal(ch_reason_status(CH_BAD_SCOPE), 403);
	assert_string_equal(ch_reason_error(CH_NONCE_NEEDED), "use_dpop_nonce");
	assert_int_equal(ch_reason_status(CH_MISUSED), 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_good_token_says_whose_it_is),
		cmocka_unit_test(test_every_kind_of_key),
		cmocka_unit_test(test_a_refusal_leaves_nothing_of_the_last_token),
		cmocka_unit_test(test_times_are_the_callers),
		cmocka_unit_test(test_scope_is_each_of_the_words),
		cmocka_unit_test(test_revocation_is_asked_every_time),
		cmocka_unit_test(test_revocation_is_not_asked_of_junk),
		cmocka_unit_test(test_a_bound_token_is_no_bearer),
		cmocka_unit_test(test_the_log_hears_what_and_where_only),
		cmocka_unit_test(test_reasons_have_names_texts_and_answers),
	};
	return cmocka_run_group_tests(tests, host_begin, host_end);
}
