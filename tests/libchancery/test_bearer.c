/* Authorization fields as clients, and those who try, send them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chancery/chancery.h"

static const struct row {
	const char *field, *token;
	bool dpop;
} rows[] = {
	{ "Bearer abc.def", "abc.def", false },
	{ "bearer abc", "abc", false },
	{ "BEARER   abc  ", "abc", false },
	{ " \tBearer abc\t", "abc", false },
	{ "DPoP abc", "abc", true },
	{ "dpop abc", "abc", true },
	{ NULL, NULL, false },
	{ "", NULL, false },
	{ " ", NULL, false },
	{ "Bearer", NULL, false },
	{ "Bearer ", NULL, false },
	{ "Bearer\tabc", NULL, false },
	{ "Bearerabc", NULL, false },
	{ "Bearer abc def", NULL, false },
	{ "Bearer abc, DPoP def", NULL, false },
	{ "Bearer abc,def", NULL, false },
	{ "Basic YTpi", NULL, false },
	{ "abc", NULL, false },
	{ "DPoPabc", NULL, false },
	{ "DPoP", NULL, true },
};

static void test_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool dpop = !rows[i].dpop;
		ch_text t = ch_bearer_token(ch_text_of(rows[i].field), &dpop);
		assert_int_equal(dpop, rows[i].dpop);
		if (rows[i].token)
			assert_true(ch_text_is(t, rows[i].token));
		else
			assert_null(t.p);
	}
}

/* Who does not ask about the scheme does not check proofs. */
static void test_dpop_is_not_for_who_does_not_ask(void **state)
{
	(void)state;
	assert_null(ch_bearer_token(ch_text_of("DPoP abc"), NULL).p);
	assert_true(ch_text_is(ch_bearer_token(ch_text_of("Bearer abc"), NULL), "abc"));
}

static void test_every_prefix(void **state)
{
	(void)state;
	ch_text field = ch_text_of("Bearer abc");
	bool dpop = true;
	for (field.n = 0; field.n < 8; field.n++)
		assert_null(ch_bearer_token(field, &dpop).p);
	assert_int_equal(ch_bearer_token(field, &dpop).n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_dpop_is_not_for_who_does_not_ask),
		cmocka_unit_test(test_every_prefix),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
