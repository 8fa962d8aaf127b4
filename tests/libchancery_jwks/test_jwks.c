/* What the library that follows key sets takes and refuses, and that threads may take the
 * verifier while another one drives. Nobody answers at the URLs: port 1 of loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <string.h>

#include <cmocka.h>

#include "chancery/chancery.h"
#include "chancery/jwks.h"

static const char *const audience = "mail";
static const char issuer_name[] = "https://id.test/home";

static struct ch_jwks_issuer good(void)
{
	struct ch_jwks_issuer i = CH_JWKS_ISSUER_INIT;
	i.issuer.issuer = issuer_name;
	i.issuer.realm = "home";
	i.issuer.audiences = &audience;
	i.issuer.n_audiences = 1;
	i.url = "http://127.0.0.1:1/jwks";
	return i;
}

static void expect_refused(const struct ch_jwks_issuer *i, const struct ch_jwks_options *o,
			   enum ch_code code, const char *says)
{
	struct ch_jwks *j = NULL;
	char why[256];
	ch_err e = ch_jwks_new(i, 1, o, why, sizeof(why), &j);
	assert_int_equal(ch_code_of(e), code);
	assert_null(j);
	if (!strstr(why, says))
		fail_msg("\"%s\" does not say \"%s\"", why, says);
	assert_int_equal(ch_code_of(ch_jwks_new(i, 1, o, NULL, 0, &j)), code);
}

static void what_is_refused(void **state)
{
	struct ch_jwks_options o = CH_JWKS_OPTIONS_INIT;
	struct ch_jwks_issuer i = good();
	(void)state;
	i.url = "http://id.test/jwks";
	expect_refused(&i, NULL, CH_E_DENIED, "https");
	i.url = "id.test";
	expect_refused(&i, NULL, CH_E_SYNTAX, "URL");
	i.url = NULL;
	expect_refused(&i, NULL, CH_E_USAGE, "CH_JWKS_ISSUER_INIT");
	i = good();
	i.size--;
	expect_refused(&i, NULL, CH_E_USAGE, "CH_JWKS_ISSUER_INIT");
	i = good();
	i.issuer.jwks = "{}";
	expect_refused(&i, NULL, CH_E_USAGE, "has none yet");
	i = good();
	i.issuer.realm = NULL;
	expect_refused(&i, NULL, CH_E_MISSING, "");
	i = good();
	i.issuer.n_audiences = 99;
	expect_refused(&i, NULL, CH_E_LIMIT, "too many");
	i = good();
	o.size = 1;
	expect_refused(&i, &o, CH_E_USAGE, "CH_JWKS_OPTIONS_INIT");
	o = (struct ch_jwks_options)CH_JWKS_OPTIONS_INIT;
	o.stale_s = 1;
	expect_refused(&i, &o, CH_E_RANGE, "given up");
	o.stale_s = -1;
	expect_refused(&i, &o, CH_E_RANGE, "no time");
	const struct ch_jwks_issuer twice[] = { i, i };
	struct ch_jwks *j = NULL;
	char why[256];
	assert_int_equal(ch_code_of(ch_jwks_new(twice, 2, NULL, why, sizeof(why), &j)),
			 CH_E_DUPLICATE);
	assert_int_equal(ch_code_of(ch_jwks_new(NULL, 1, NULL, NULL, 0, &j)), CH_E_USAGE);
	assert_int_equal(ch_code_of(ch_jwks_new(&i, 0, NULL, NULL, 0, &j)), CH_E_USAGE);
	assert_int_equal(ch_code_of(ch_jwks_new(&i, 17, NULL, NULL, 0, &j)), CH_E_USAGE);
	assert_int_equal(ch_code_of(ch_jwks_new(&i, 1, NULL, NULL, 9, &j)), CH_E_USAGE);
	assert_int_equal(ch_code_of(ch_jwks_new(&i, 1, NULL, NULL, 0, NULL)), CH_E_USAGE);
}

static void nothing_is_fine(void **state)
{
	struct ch_jwks_state s = CH_JWKS_STATE_INIT;
	(void)state;
	ch_jwks_free(NULL);
	assert_null(ch_jwks_verifier(NULL));
	assert_int_equal(ch_jwks_generation(NULL), 0);
	assert_int_equal(ch_jwks_fd(NULL), -1);
	assert_int_equal(ch_jwks_timeout_ms(NULL), 0);
	assert_int_equal(ch_code_of(ch_jwks_run(NULL)), CH_E_USAGE);
	assert_int_equal(ch_code_of(ch_jwks_wait(NULL, 0)), CH_E_USAGE);
	assert_int_equal(ch_code_of(ch_jwks_state_of(NULL, "x", &s)), CH_E_USAGE);
	ch_jwks_unknown_key(NULL, ch_text_of("x"));
}

static void without_an_answer_there_is_no_key(void **state)
{
	struct ch_jwks_issuer i = good();
	struct ch_jwks_state s = CH_JWKS_STATE_INIT;
	struct ch_jwks *j = NULL;
	(void)state;
	assert_false(ch_failed(ch_jwks_new(&i, 1, NULL, NULL, 0, &j)));
	assert_int_equal(ch_jwks_generation(j), 1);
	assert_true(ch_jwks_fd(j) >= 0);
	assert_int_equal(ch_jwks_timeout_ms(j), 0);
	struct ch_verifier *v = ch_jwks_verifier(j);
	assert_int_equal(ch_verifier_keys(v, issuer_name), 0);
	assert_int_equal(ch_code_of(ch_jwks_state_of(j, "https://other.test", &s)), CH_E_NOT_FOUND);
	while (s.misses == 0) {
		assert_int_equal(ch_code_of(ch_jwks_wait(j, 50)), CH_E_BUSY);
		assert_false(ch_failed(ch_jwks_state_of(j, issuer_name, &s)));
	}
	assert_int_equal(ch_code_of(s.last), CH_E_GONE);
	assert_false(s.has_set);
	assert_true(s.age_s == -1 && s.closes_in_s == -1);
	assert_true(ch_jwks_timeout_ms(j) > 0);
	assert_int_equal(ch_jwks_generation(j), 1);
	s.size = 3;
	assert_int_equal(ch_code_of(ch_jwks_state_of(j, issuer_name, &s)), CH_E_USAGE);
	ch_jwks_free(j);
	/* what was taken lives on */
	assert_int_equal(ch_verifier_keys(v, issuer_name), 0);
	ch_verifier_unref(v);
}

enum { ROUNDS = 2000 };

static void *take(void *ctx)
{
	struct ch_jwks *j = ctx;
	for (int i = 0; i < ROUNDS; i++) {
		struct ch_verifier *v = ch_jwks_verifier(j);
		if (ch_jwks_generation(j) == 0 || ch_verifier_keys(v, issuer_name) != 0)
			return ctx;
		ch_verifier_unref(v);
		ch_jwks_unknown_key(j, ch_text_of(issuer_name));
	}
	return NULL;
}

static void threads_take_it_while_one_drives(void **state)
{
	struct ch_jwks_issuer i = good();
	struct ch_jwks *j = NULL;
	pthread_t threads[2];
	(void)state;
	assert_false(ch_failed(ch_jwks_new(&i, 1, NULL, NULL, 0, &j)));
	for (size_t t = 0; t < 2; t++)
		assert_int_equal(pthread_create(&threads[t], NULL, take, j), 0);
	for (int round = 0; round < 50; round++)
		assert_int_equal(ch_code_of(ch_jwks_wait(j, 1)), CH_E_BUSY);
	for (size_t t = 0; t < 2; t++) {
		void *wrong = NULL;
		assert_int_equal(pthread_join(threads[t], &wrong), 0);
		assert_null(wrong);
	}
	ch_jwks_free(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(nothing_is_fine),
		cmocka_unit_test(without_an_answer_there_is_no_key),
		cmocka_unit_test(threads_take_it_while_one_drives),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
