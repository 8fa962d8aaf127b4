/* The one Authorization that opens the endpoint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gate_internal.h"

static void published_vectors(void **state)
{
	(void)state;
	/* RFC 7617 section 2, and one of each length modulo 3 */
	const struct {
		str id, secret, field;
	} cases[] = {
		{ LIT("Aladdin"), LIT("open sesame"), LIT("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==") },
		{ LIT("a"), LIT("12345678"), LIT("Basic YToxMjM0NTY3OA==") },
		{ LIT("ab"), LIT("12345678"), LIT("Basic YWI6MTIzNDU2Nzg=") },
		{ LIT("abc"), LIT("12345678"), LIT("Basic YWJjOjEyMzQ1Njc4") },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct basic b;
		assert_false(failed(basic_init(&b, cases[i].id, cases[i].secret)));
		assert_true(basic_ok(&b, cases[i].field));
	}
}

static void all_else_is_refused(void **state)
{
	(void)state;
	struct basic b;
	static char good[] = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
	assert_false(failed(basic_init(&b, LIT("Aladdin"), LIT("open sesame"))));
	str field = { good, sizeof(good) - 1 };
	assert_true(basic_ok(&b, LIT("basic  QWxhZGRpbjpvcGVuIHNlc2FtZQ==")));
	for (size_t n = 0; n < field.n; n++)
		assert_false(basic_ok(&b, str_sub(field, 0, n)));
	for (size_t i = 6; i < field.n; i++) {
		good[i] = (char)(good[i] ^ 1);
		assert_false(basic_ok(&b, field));
		good[i] = (char)(good[i] ^ 1);
	}
	assert_false(basic_ok(&b, LIT("Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==")));
	assert_false(basic_ok(&b, LIT("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ")));
	assert_false(basic_ok(&b, LIT("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ== ")));
	assert_false(basic_ok(&b, (str){ 0 }));
}

static void an_unset_one_opens_nothing(void **state)
{
	(void)state;
	struct basic b = { 0 };
	assert_false(basic_ok(&b, LIT("Basic ")));
	assert_false(basic_ok(&b, LIT("Basic")));
	assert_int_equal(ch_code_of(basic_init(&b, LIT("id"), LIT(""))), CH_E_RANGE);
	assert_int_equal(ch_code_of(basic_init(&b, LIT("id"), LIT("short"))), CH_E_RANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vectors),
		cmocka_unit_test(all_else_is_refused),
		cmocka_unit_test(an_unset_one_opens_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
