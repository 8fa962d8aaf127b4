/* A cache must change how long an answer takes, and no answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host.h"

enum { TOKENS = 16, STORE = 64 * 1024 };

static uint8_t store[STORE];

static uint64_t hits(void)
{
	return ch_cache_counts(&scratch).hits;
}

static enum ch_reason ask_at(ch_text token, int64_t at, struct ch_verified *v)
{
	return ch_verify(verifier, &scratch, token, at, NULL, v);
}

static int make(void **state)
{
	return host_begin(state) ||
	       ch_failed(ch_cache_use(&scratch, store, sizeof(store), TOKENS, 1024));
}

static void test_the_second_time_is_a_hit(void **state)
{
	(void)state;
	struct ch_verified first, second;
	char subject[16];
	assert_int_equal(ask_at(good_token(), now, &first), CH_ACCEPTED);
	assert_int_equal(hits(), 0);
	assert_int_equal(ask_at(good_token(), now, &second), CH_ACCEPTED);
	assert_int_equal(hits(), 1);
	assert_memory_equal(first.identity, second.identity, sizeof(first.identity));
	assert_true(ch_text_is(second.realm, "home"));
	assert_true(ch_text_is(second.username, "alice@home.test"));
	assert_int_equal(second.exp, 1700000500);
	assert_false(ch_failed(ch_claim_text(&second, "sub", subject, sizeof(subject))));
	assert_string_equal(subject, "alice");
}

static void test_it_ends_with_the_token(void **state)
{
	(void)state;
	struct ch_verified v;
	assert_int_equal(ask_at(good_token(), now, &v), CH_ACCEPTED);
	assert_int_equal(ask_at(good_token(), 1700000499, &v), CH_ACCEPTED);
	assert_int_equal(ask_at(good_token(), 1700000500, &v), CH_EXPIRED);
	assert_int_equal(ask_at(good_token(), 1699990000, &v), CH_NOT_YET);
}

static void test_another_verifier_believes_nothing_of_it(void **state)
{
	(void)state;
	struct ch_issuer other = issuer_of(&parties()[1]);
	struct ch_verifier *without = NULL;
	struct ch_verified v;
	assert_int_equal(ask_at(good_token(), now, &v), CH_ACCEPTED);
	assert_false(ch_failed(ch_verifier_new(&other, 1, NULL, 0, &without)));
	assert_int_equal(ch_verify(without, &scratch, good_token(), now, NULL, &v), CH_BAD_ISSUER);
	ch_verifier_unref(without);
	assert_int_equal(ask_at(good_token(), now, &v), CH_ACCEPTED);
}

static bool always(void *ctx, const struct ch_verified *v)
{
	(void)v;
	++*(int *)ctx;
	return true;
}

static void test_what_the_request_asks_is_asked_every_time(void **state)
{
	(void)state;
	static char out[TEXT_MAX];
	struct ch_options o = CH_OPTIONS_INIT;
	struct ch_request r = CH_REQUEST_INIT;
	struct ch_verified v;
	int asked = 0;
	ch_text bound = bound_token(out, false, true);
	assert_int_equal(ask_at(good_token(), now, &v), CH_ACCEPTED);
	o.revoked = always;
	o.revoked_ctx = &asked;
	assert_int_equal(ch_verify(verifier, &scratch, good_token(), now, &o, &v), CH_REVOKED);
	assert_int_equal(ch_verify(verifier, &scratch, good_token(), now, &o, &v), CH_REVOKED);
	assert_int_equal(asked, 2);
	o.revoked = NULL;
	o.scope = "admin";
	assert_int_equal(ch_verify(verifier, &scratch, good_token(), now, &o, &v), CH_BAD_SCOPE);
	o.scope = NULL;
	o.request = &r;
	r.certificate = certificate;
	r.certificate_size = CERTIFICATE;
	assert_int_equal(ch_verify(verifier, &scratch, bound, now, &o, &v), CH_ACCEPTED);
	uint64_t before = hits();
	assert_int_equal(ch_verify(verifier, &scratch, bound, now, &o, &v), CH_ACCEPTED);
	assert_int_equal(hits(), before + 1);
	assert_int_equal(v.confirmed, CH_BY_TLS);
	r.certificate_size--;
	assert_int_equal(ch_verify(verifier, &scratch, bound, now, &o, &v), CH_BAD_BINDING);
	assert_int_equal(ask_at(bound, now, &v), CH_BAD_BINDING);
}

static void test_it_forgets(void **state)
{
	(void)state;
	struct ch_verified v;
	assert_int_equal(ask_at(good_token(), now, &v), CH_ACCEPTED);
	ch_cache_clear(&scratch);
	uint64_t before = hits();
	assert_int_equal(ask_at(good_token(), now, &v), CH_ACCEPTED);
	assert_int_equal(hits(), before);
	assert_int_equal(ask_at(good_token(), now, &v), CH_ACCEPTED);
	assert_int_equal(hits(), before + 1);
}

/* A refusal is not remembered as good, nor a text that begins like a good one. */
static void test_only_the_whole_text_counts(void **state)
{
	(void)state;
	char copy[TEXT_MAX];
	struct ch_verified v;
	ch_text t = good_token();
	assert_int_equal(ask_at(t, now, &v), CH_ACCEPTED);
	for (size_t i = 0; i < t.n; i++) {
		memcpy(copy, t.p, t.n);
		copy[i] ^= 1;
		assert_int_not_equal(ask_at((ch_text){ copy, t.n }, now, &v), CH_ACCEPTED);
		assert_int_not_equal(ask_at((ch_text){ t.p, i }, now, &v), CH_ACCEPTED);
	}
}

static void test_storage(void **state)
{
	(void)state;
	static union ch_scratch unmade;
	size_t need = ch_cache_size(TOKENS, 1024);
	assert_true(need > 0 && need <= STORE - 64);
	assert_int_equal(ch_cache_size(0, 1024), 0);
	assert_int_equal(ch_cache_size(SIZE_MAX, 1024), 0);
	for (size_t at = 0; at < 64; at++)
		assert_false(ch_failed(ch_cache_use(&scratch, store + at, need, TOKENS, 1024)));
	ch_err e = ch_cache_use(&scratch, store, need / 2, TOKENS, 1024);
	assert_int_equal(ch_code_of(e), CH_E_RANGE);
	e = ch_cache_use(&scratch, store + 1, 3, TOKENS, 1024);
	assert_int_equal(ch_code_of(e), CH_E_RANGE);
	e = ch_cache_use(&scratch, store, need, 0, 1024);
	assert_int_equal(ch_code_of(e), CH_E_RANGE);
	e = ch_cache_use(&scratch, NULL, need, TOKENS, 1024);
	assert_int_equal(ch_code_of(e), CH_E_USAGE);
	e = ch_cache_use(&unmade, store, need, TOKENS, 1024);
	assert_int_equal(ch_code_of(e), CH_E_USAGE);
	e = ch_cache_use(NULL, store, need, TOKENS, 1024);
	assert_int_equal(ch_code_of(e), CH_E_USAGE);
	ch_cache_clear(NULL);
	ch_cache_clear(&unmade);
	assert_int_equal(ch_cache_counts(NULL).misses, 0);
	assert_int_equal(ch_cache_counts(&unmade).misses, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_second_time_is_a_hit, make, host_end),
		cmocka_unit_test_setup_teardown(test_it_ends_with_the_token, make, host_end),
		cmocka_unit_test_setup_teardown(test_another_verifier_believes_nothing_of_it, make,
						host_end),
		cmocka_unit_test_setup_teardown(test_what_the_request_asks_is_asked_every_time,
						make, host_end),
		cmocka_unit_test_setup_teardown(test_it_forgets, make, host_end),
		cmocka_unit_test_setup_teardown(test_only_the_whole_text_counts, make, host_end),
		cmocka_unit_test_setup_teardown(test_storage, make, host_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
