/* Claims by name, of a token that was accepted and of nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host.h"

static struct ch_verified verified;

static void accept(const char *more)
{
	static char out[TEXT_MAX];
	enum ch_reason r =
		ch_verify(verifier, &scratch, token_with(out, more), now, NULL, &verified);
	assert_int_equal(r, CH_ACCEPTED);
}

static void test_texts(void **state)
{
	(void)state;
	char to[16];
	accept(",\"dept\":\"mail\",\"odd\":\"a\\u00e9\\\"\",\"zero\":\"a\\u0000b\",\"list\":[1]");
	assert_false(ch_failed(ch_claim_text(&verified, "dept", to, sizeof(to))));
	assert_string_equal(to, "mail");
	assert_false(ch_failed(ch_claim_text(&verified, "dept", to, 5)));
	assert_int_equal(ch_code_of(ch_claim_text(&verified, "dept", to, 4)), CH_E_FULL);
	assert_false(ch_failed(ch_claim_text(&verified, "odd", to, sizeof(to))));
	assert_string_equal(to, "a\xc3\xa9\"");
	assert_int_equal(ch_code_of(ch_claim_text(&verified, "zero", to, sizeof(to))), CH_E_SYNTAX);
	assert_int_equal(ch_code_of(ch_claim_text(&verified, "list", to, sizeof(to))), CH_E_SYNTAX);
	assert_int_equal(ch_code_of(ch_claim_text(&verified, "Dept", to, sizeof(to))),
			 CH_E_MISSING);
	assert_string_equal(to, "a\xc3\xa9\""); /* written on success only */
}

static void test_numbers_and_truth(void **state)
{
	(void)state;
	int64_t n = 7;
	bool yes = false;
	accept(",\"level\":-3,\"half\":0.5,\"admin\":true");
	assert_false(ch_failed(ch_claim_int(&verified, "level", &n)));
	assert_int_equal(n, -3);
	assert_int_equal(ch_code_of(ch_claim_int(&verified, "half", &n)), CH_E_SYNTAX);
	assert_int_equal(ch_code_of(ch_claim_int(&verified, "sub", &n)), CH_E_SYNTAX);
	assert_int_equal(n, -3);
	assert_false(ch_failed(ch_claim_bool(&verified, "admin", &yes)));
	assert_true(yes);
	assert_int_equal(ch_code_of(ch_claim_bool(&verified, "level", &yes)), CH_E_SYNTAX);
	assert_int_equal(ch_code_of(ch_claim_bool(&verified, "none", &yes)), CH_E_MISSING);
}

static void test_any_value_as_json(void **state)
{
	(void)state;
	ch_text json;
	accept(",\"groups\":[\"a\",\"b\"],\"dept\":\"mail\"");
	assert_false(ch_failed(ch_claim_json(&verified, "groups", &json)));
	assert_true(ch_text_is(json, "[\"a\",\"b\"]"));
	assert_false(ch_failed(ch_claim_json(&verified, "dept", &json)));
	assert_true(ch_text_is(json, "\"mail\""));
}

static void test_words_of_the_scope(void **state)
{
	(void)state;
	accept("");
	assert_true(ch_scope_has(&verified, "mail.read"));
	assert_false(ch_scope_has(&verified, "mail"));
	assert_false(ch_scope_has(&verified, "mail.read mail.send"));
	assert_false(ch_scope_has(&verified, ""));
	assert_false(ch_scope_has(&verified, NULL));
	assert_false(ch_scope_has(NULL, "mail.read"));
}

static void test_nothing_is_read_of_a_refused_token(void **state)
{
	(void)state;
	char to[16];
	int64_t n = 0;
	enum ch_reason r = ch_verify(verifier, &scratch, good_token(), 0, NULL, &verified);
	assert_int_not_equal(r, CH_ACCEPTED);
	assert_int_equal(ch_code_of(ch_claim_text(&verified, "sub", to, sizeof(to))), CH_E_USAGE);
	assert_int_equal(ch_code_of(ch_claim_int(&verified, "exp", &n)), CH_E_USAGE);
	assert_false(ch_scope_has(&verified, "mail.read"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_numbers_and_truth),
		cmocka_unit_test(test_any_value_as_json),
		cmocka_unit_test(test_words_of_the_scope),
		cmocka_unit_test(test_nothing_is_read_of_a_refused_token),
	};
	return cmocka_run_group_tests(tests, host_begin, host_end);
}
