/* Wrong calls are answered, not obeyed, and never end the host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host.h"

static void test_verify_with_a_null(void **state)
{
	(void)state;
	struct ch_verified v;
	char line[100];
	ch_text t = good_token(), none = { NULL, 10 };
	assert_int_equal(ch_verify(NULL, &scratch, t, now, NULL, &v), CH_MISUSED);
	assert_int_equal(ch_verify(verifier, NULL, t, now, NULL, &v), CH_MISUSED);
	assert_int_equal(ch_verify(verifier, &scratch, t, now, NULL, NULL), CH_MISUSED);
	assert_int_equal(ch_verify(verifier, &scratch, none, now, NULL, &v), CH_MALFORMED);
	assert_int_equal(ch_verify(NULL, &scratch, t, now, NULL, &v), CH_MISUSED);
	(void)ch_explain(&scratch, line, sizeof(line));
	assert_string_equal(line, "the library was called wrongly");
	assert_null(ch_judged_issuer(&scratch).p);
	assert_int_equal(ch_explain(&scratch, NULL, 10), 0);
	assert_true(ch_explain(NULL, line, sizeof(line)) > 0);
	assert_int_equal(ch_verify(verifier, &scratch, t, now, NULL, &v), CH_ACCEPTED);
}

static void test_a_scratch_must_be_made_where_it_is(void **state)
{
	(void)state;
	static union ch_scratch blank, copy;
	struct ch_verified v;
	assert_int_equal(ch_verify(verifier, &blank, good_token(), now, NULL, &v), CH_MISUSED);
	copy = scratch;
	assert_int_equal(ch_verify(verifier, &copy, good_token(), now, NULL, &v), CH_MISUSED);
	ch_scratch_done(&copy);
	ch_scratch_done(&blank);
	ch_scratch_done(NULL);
	assert_int_equal(ch_verify(verifier, &scratch, good_token(), now, NULL, &v), CH_ACCEPTED);
	assert_int_equal(ch_code_of(ch_scratch_init(NULL)), CH_E_USAGE);
	assert_int_equal(ch_code_of(ch_scratch_init((void *)&blank.room[1])), CH_E_USAGE);
	assert_false(ch_failed(ch_scratch_init(&blank)));
	ch_scratch_done(&blank);
	ch_scratch_done(&blank);
	assert_int_equal(ch_verify(verifier, &blank, good_token(), now, NULL, &v), CH_MISUSED);
}

static void test_options_of_another_size(void **state)
{
	(void)state;
	struct {
		struct ch_options known;
		uint64_t later;
	} o = { .known = CH_OPTIONS_INIT };
	struct ch_verified v;
	ch_text t = good_token();
	o.known.size = 0;
	assert_int_equal(ch_verify(verifier, &scratch, t, now, &o.known, &v), CH_MISUSED);
	o.known.size = sizeof(o.known) - 1;
	assert_int_equal(ch_verify(verifier, &scratch, t, now, &o.known, &v), CH_MISUSED);
	o.known.size = sizeof(o);
	assert_int_equal(ch_verify(verifier, &scratch, t, now, &o.known, &v), CH_ACCEPTED);
	o.later = 1; /* asks for what we do not know: not to be passed over */
	assert_int_equal(ch_verify(verifier, &scratch, t, now, &o.known, &v), CH_MISUSED);
	o.known.size = SIZE_MAX;
	assert_int_equal(ch_verify(verifier, &scratch, t, now, &o.known, &v), CH_MISUSED);
}

static void test_verifiers_of_nothing(void **state)
{
	(void)state;
	struct ch_issuer i = issuer_of(parties());
	struct ch_verifier *v = NULL;
	assert_int_equal(ch_code_of(ch_verifier_new(NULL, 1, NULL, 0, &v)), CH_E_USAGE);
	assert_int_equal(ch_code_of(ch_verifier_new(&i, 1, NULL, 0, NULL)), CH_E_USAGE);
	assert_int_equal(ch_code_of(ch_verifier_new(&i, 1, NULL, 10, &v)), CH_E_USAGE);
	assert_int_equal(ch_code_of(ch_verifier_warm(NULL)), CH_E_USAGE);
	assert_null(ch_verifier_ref(NULL));
	ch_verifier_unref(NULL);
	assert_int_equal(ch_verifier_id(NULL), 0);
	assert_int_equal(ch_verifier_keys(NULL, "x"), 0);
	assert_int_equal(ch_verifier_keys(verifier, NULL), 0);
	assert_null(v);
}

static void test_codes_beyond_the_table(void **state)
{
	(void)state;
	assert_string_equal(ch_code_name((enum ch_code)9999), "E_INTERNAL");
	assert_string_equal(ch_code_name(CH_E_USAGE), "E_USAGE");
	assert_true(strlen(ch_code_text(CH_E_LIMIT)) > 0);
	assert_int_equal(ch_code_of((ch_err){ 0 }), CH_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verify_with_a_null),
		cmocka_unit_test(test_a_scratch_must_be_made_where_it_is),
		cmocka_unit_test(test_options_of_another_size),
		cmocka_unit_test(test_verifiers_of_nothing),
		cmocka_unit_test(test_codes_beyond_the_table),
	};
	return cmocka_run_group_tests(tests, host_begin, host_end);
}
