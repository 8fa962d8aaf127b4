/* What a key may sign: each term of its grant, one at a time; and the rate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "signer_internal.h"

enum { NOW = 1800000000 };
static const uint64_t second_ns = 1000000000U;

static struct signing_key keys[2];
static struct realm home;

static int set_up(void **state)
{
	(void)state;
	keys[0] = (struct signing_key){ .meta = { .alg = ALG_ES256,
						  .times = { .not_before_s = NOW - 10 },
						  .grant = { .typ = KEY_TYP_ACCESS,
							     .max_ttl_s = 600,
							     .n_audiences = 1,
							     .audiences = { LIT("mail") } } } };
	keys[1] = (struct signing_key){ .meta = { .alg = ALG_RS256,
						  .grant = { .typ = KEY_TYP_ACCESS | KEY_TYP_ID,
							     .max_ttl_s = 600 } } };
	home = (struct realm){ .name = LIT("home"), .keys = keys, .n_keys = 2 };
	bucket_init(&keys[0].bucket, 0);
	bucket_init(&keys[1].bucket, 0);
	bucket_init(&home.bucket, 0);
	return 0;
}

static struct sign_request good(void)
{
	struct sign_request q = { .req = 1, .typ = TYP_ACCESS, .alg = SIGN_ALG_ANY, .ttl_s = 600 };
	sign_add_text(&q, CLAIM_SUB, LIT("alice"));
	sign_add_text(&q, CLAIM_AUD, LIT("mail"));
	sign_add_text(&q, CLAIM_CLIENT_ID, LIT("demo"));
	return q;
}

static enum ch_code judge(const struct sign_request *q, int64_t now_s)
{
	struct signing_key *k = NULL;
	ch_err e = grant_check(&home, q, now_s, second_ns, &k);
	assert_int_equal(failed(e), k == NULL);
	return ch_code_of(e);
}

static void what_is_granted_is_signed(void **state)
{
	(void)state;
	struct sign_request q = good();
	assert_int_equal(judge(&q, NOW), CH_OK);
	q.alg = ALG_ES256;
	assert_int_equal(judge(&q, NOW), CH_OK);
}

static void each_term_is_kept(void **state)
{
	(void)state;
	struct sign_request q = good();
	q.ttl_s = 601;
	assert_int_equal(judge(&q, NOW), CH_E_DENIED);
	q.ttl_s = 0;
	assert_int_equal(judge(&q, NOW), CH_E_DENIED);
	q = good();
	q.typ = TYP_ID;
	assert_int_equal(judge(&q, NOW), CH_E_DENIED);
	q = good();
	q.claims[1].text = LIT("api");
	assert_int_equal(judge(&q, NOW), CH_E_DENIED);
	q.claims[1].text = LIT("mai");
	assert_int_equal(judge(&q, NOW), CH_E_DENIED);
	q.claims[1].text = LIT("mail ");
	assert_int_equal(judge(&q, NOW), CH_E_DENIED);
}

static void what_is_missing_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct sign_request q = good();
		q.claims[i] = q.claims[--q.n_claims];
		assert_int_equal(judge(&q, NOW), CH_E_MISSING);
		q = good();
		q.claims[i].text = LIT("");
		assert_int_equal(judge(&q, NOW), CH_E_MISSING);
	}
}

static void only_a_signing_key_signs_and_only_in_its_time(void **state)
{
	(void)state;
	struct sign_request q = good();
	q.alg = ALG_RS256; /* staged */
	assert_int_equal(judge(&q, NOW), CH_E_NO_KEY);
	q.alg = ALG_EDDSA; /* there is none */
	assert_int_equal(judge(&q, NOW), CH_E_NO_KEY);
	q = good();
	assert_int_equal(judge(&q, NOW - 11), CH_E_NO_KEY);
	keys[0].meta.times.not_after_s = NOW;
	assert_int_equal(judge(&q, NOW - 1), CH_OK);
	assert_int_equal(judge(&q, NOW), CH_E_NO_KEY);
	keys[0].meta.times.not_after_s = 0;
	assert_int_equal(judge(&q, NOW), CH_OK);
	keys[0].meta.times.limit_s = NOW;
	assert_int_equal(judge(&q, NOW), CH_E_NO_KEY);
}

static void of_two_the_newer_signs(void **state)
{
	(void)state;
	struct sign_request q = good();
	struct signing_key *k = NULL;
	keys[1].meta.times.not_before_s = NOW;
	assert_false(failed(grant_check(&home, &q, NOW - 1, second_ns, &k)));
	assert_ptr_equal(k, &keys[0]);
	assert_false(failed(grant_check(&home, &q, NOW, second_ns, &k)));
	assert_ptr_equal(k, &keys[1]);
	q.alg = ALG_ES256; /* but who asks for an algorithm gets it */
	assert_false(failed(grant_check(&home, &q, NOW, second_ns, &k)));
	assert_ptr_equal(k, &keys[0]);
}

static void no_audience_in_a_grant_means_any(void **state)
{
	(void)state;
	struct sign_request q = good();
	keys[0].meta.grant.n_audiences = 0;
	q.claims[1].text = LIT("whatever");
	assert_int_equal(judge(&q, NOW), CH_OK);
}

static size_t spend(struct bucket *b, uint64_t now_ns, size_t tries)
{
	size_t n = 0;
	for (size_t i = 0; i < tries; i++)
		n += bucket_take(b, now_ns);
	return n;
}

static void a_rate_is_a_second_s_worth_and_fills_evenly(void **state)
{
	(void)state;
	struct bucket b;
	bucket_init(&b, 100);
	assert_int_equal(spend(&b, 5 * second_ns, 1000), 100);
	assert_int_equal(spend(&b, 5 * second_ns, 10), 0);
	assert_int_equal(spend(&b, 5 * second_ns + second_ns / 2, 1000), 50);
	assert_int_equal(spend(&b, 60 * second_ns, 1000), 100);
	bucket_init(&b, 0);
	assert_int_equal(spend(&b, 1, 1000), 1000);
}

static void the_rate_holds_for_key_and_socket(void **state)
{
	(void)state;
	struct sign_request q = good();
	bucket_init(&home.bucket, 2);
	assert_int_equal(judge(&q, NOW), CH_OK);
	assert_int_equal(judge(&q, NOW), CH_OK);
	assert_int_equal(judge(&q, NOW), CH_E_LIMIT);
	bucket_init(&home.bucket, 0);
	bucket_init(&keys[0].bucket, 1);
	assert_int_equal(judge(&q, NOW), CH_OK);
	assert_int_equal(judge(&q, NOW), CH_E_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_is_granted_is_signed, set_up),
		cmocka_unit_test_setup(each_term_is_kept, set_up),
		cmocka_unit_test_setup(what_is_missing_is_refused, set_up),
		cmocka_unit_test_setup(only_a_signing_key_signs_and_only_in_its_time, set_up),
		cmocka_unit_test_setup(of_two_the_newer_signs, set_up),
		cmocka_unit_test_setup(no_audience_in_a_grant_means_any, set_up),
		cmocka_unit_test_setup(a_rate_is_a_second_s_worth_and_fills_evenly, set_up),
		cmocka_unit_test_setup(the_rate_holds_for_key_and_socket, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
