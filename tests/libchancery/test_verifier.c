/* What a verifier is made of, and what it must not be made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host.h"

static struct ch_issuer two[2];
static char why[256];

static enum ch_code make_both(size_t n)
{
	struct ch_verifier *v = NULL;
	ch_err e = ch_verifier_new(two, n, why, sizeof(why), &v);
	assert_int_equal(v != NULL, !ch_failed(e));
	ch_verifier_unref(v);
	return ch_code_of(e);
}

static int fresh(void **state)
{
	(void)state;
	two[0] = issuer_of(&parties()[0]);
	two[1] = issuer_of(&parties()[1]);
	return 0;
}

static void test_what_is_wrong_is_named(void **state)
{
	(void)state;
	assert_int_equal(make_both(2), CH_OK);
	assert_string_equal(why, "");
	two[1].jwks = two[0].jwks;
	two[1].jwks_size = two[0].jwks_size;
	assert_int_equal(make_both(2), CH_E_DUPLICATE);
	assert_non_null(strstr(why, "issuer \"https://id.test/corp\": key \"home-1\": "));
}

static void test_terms_of_an_issuer(void **state)
{
	(void)state;
	static const char *const audiences[9] = { "1", "2", "3", "4", "5", "6", "7", "8", "9" };
	two[0].realm = NULL;
	assert_int_equal(make_both(1), CH_E_MISSING);
	(void)fresh(NULL);
	two[0].issuer = "http://id.test/home";
	assert_int_equal(make_both(1), CH_E_DENIED);
	(void)fresh(NULL);
	two[0].typ = "other";
	assert_int_equal(make_both(1), CH_E_UNSUPPORTED);
	(void)fresh(NULL);
	two[0].audiences = NULL;
	assert_int_equal(make_both(1), CH_E_RANGE);
	two[0].n_audiences = 0;
	assert_int_equal(make_both(1), CH_E_RANGE);
	two[0].audiences = audiences;
	two[0].n_audiences = 9;
	assert_int_equal(make_both(1), CH_E_RANGE);
	(void)fresh(NULL);
	two[0].max_ttl_s = 0;
	assert_int_equal(make_both(1), CH_E_RANGE);
	(void)fresh(NULL);
	two[0].jwks_size--;
	assert_int_not_equal(make_both(1), CH_OK);
	two[0].jwks = NULL;
	assert_int_equal(make_both(1), CH_E_USAGE);
	assert_int_equal(make_both(0), CH_E_RANGE);
	assert_int_equal(make_both(17), CH_E_RANGE);
	assert_true(strlen(why) > 0);
}

static void test_the_reason_is_cut_to_its_room(void **state)
{
	(void)state;
	struct ch_verifier *v = NULL;
	char small[8] = "0123456";
	two[0].realm = NULL;
	assert_true(ch_failed(ch_verifier_new(two, 1, small, sizeof(small), &v)));
	assert_int_equal(strlen(small), 7);
	assert_true(ch_failed(ch_verifier_new(two, 1, small, 1, &v)));
	assert_string_equal(small, "");
	assert_true(ch_failed(ch_verifier_new(two, 1, NULL, 0, &v)));
}

/* A program built with a header of a later year, whose struct is longer. */
static void test_longer_structs(void **state)
{
	(void)state;
	struct {
		struct ch_issuer known;
		uint64_t later;
	} longer[2] = { { two[0], 0 }, { two[1], 0 } };
	struct ch_verifier *v = NULL;
	longer[0].known.size = longer[1].known.size = sizeof(longer[0]);
	assert_false(ch_failed(ch_verifier_new(&longer[0].known, 2, NULL, 0, &v)));
	assert_int_equal(ch_verifier_keys(v, two[1].issuer), 1);
	ch_verifier_unref(v);
	longer[1].later = 1;
	assert_int_equal(ch_code_of(ch_verifier_new(&longer[0].known, 2, NULL, 0, &v)), CH_E_USAGE);
	longer[1].later = 0;
	longer[1].known.size = sizeof(longer[1].known);
	assert_int_equal(ch_code_of(ch_verifier_new(&longer[0].known, 2, NULL, 0, &v)), CH_E_USAGE);
	longer[0].known.size = 0;
	assert_int_equal(ch_code_of(ch_verifier_new(&longer[0].known, 2, NULL, 0, &v)), CH_E_USAGE);
}

static void test_periods_of_keys(void **state)
{
	(void)state;
	struct ch_period periods[33] = { { "home-1", 1699999000, now } };
	union ch_scratch s;
	struct ch_verified out;
	struct ch_verifier *v = NULL;
	two[0].periods = periods;
	two[0].n_periods = 1;
	assert_false(ch_failed(ch_scratch_init(&s)));
	assert_false(ch_failed(ch_verifier_new(two, 1, NULL, 0, &v)));
	assert_int_equal(ch_verify(v, &s, good_token(), now - 1, NULL, &out), CH_ACCEPTED);
	assert_int_equal(ch_verify(v, &s, good_token(), now, NULL, &out), CH_KEY_NOT_VALID);
	ch_verifier_unref(v);
	ch_scratch_done(&s);
	two[0].n_periods = 33;
	assert_int_equal(make_both(1), CH_E_LIMIT);
	two[0].periods = NULL;
	assert_int_equal(make_both(1), CH_E_LIMIT);
}

/* NULLs further in are answered as well. */
static void test_nulls_within(void **state)
{
	(void)state;
	static const char *const nobody[1] = { NULL };
	static const struct ch_period none = { NULL, 5, 4 };
	two[0].audiences = nobody;
	assert_int_equal(make_both(1), CH_E_MISSING);
	(void)fresh(NULL);
	two[0].periods = &none;
	two[0].n_periods = 1;
	assert_int_not_equal(make_both(1), CH_OK);
	(void)fresh(NULL);
	two[0].jwks_size = 0;
	assert_int_not_equal(make_both(1), CH_OK);
	two[0].issuer = "";
	assert_int_not_equal(make_both(1), CH_OK);
	two[0].issuer = NULL;
	assert_int_equal(make_both(1), CH_E_USAGE);
	(void)fresh(NULL);
	two[0].typ = NULL;
	assert_int_equal(make_both(1), CH_E_USAGE);
}

static void test_references(void **state)
{
	(void)state;
	struct ch_verifier *v = NULL, *other = NULL;
	assert_false(ch_failed(ch_verifier_new(two, 2, NULL, 0, &v)));
	assert_false(ch_failed(ch_verifier_new(two, 2, NULL, 0, &other)));
	assert_int_not_equal(ch_verifier_id(v), 0);
	assert_int_not_equal(ch_verifier_id(v), ch_verifier_id(other));
	assert_ptr_equal(ch_verifier_ref(v), v);
	ch_verifier_unref(v);
	assert_int_equal(ch_verifier_keys(v, "https://id.test/home"), 1);
	assert_int_equal(ch_verifier_keys(v, "https://id.test/other"), 0);
	assert_false(ch_failed(ch_verifier_warm(v)));
	assert_false(ch_failed(ch_verifier_warm(v)));
	ch_verifier_unref(v);
	ch_verifier_unref(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_what_is_wrong_is_named, fresh),
		cmocka_unit_test_setup(test_terms_of_an_issuer, fresh),
		cmocka_unit_test_setup(test_the_reason_is_cut_to_its_room, fresh),
		cmocka_unit_test_setup(test_longer_structs, fresh),
		cmocka_unit_test_setup(test_periods_of_keys, fresh),
		cmocka_unit_test_setup(test_nulls_within, fresh),
		cmocka_unit_test_setup(test_references, fresh),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
