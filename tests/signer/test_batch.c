/* Batches through real sockets with real keys: every answer verifies under a policy, one
 * bad request does not spoil the others, and a peer that breaks the protocol gets nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "stand.h"

static struct stand t;

static int set_up(void **state)
{
	(void)state;
	stand_set_up(&t);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	stand_tear_down(&t);
	return 0;
}

static ch_err serve(const struct wr *w)
{
	stand_ask(&t, 0, wr_bytes(w));
	return stand_serve(&t);
}

static size_t answers(struct rd *r)
{
	size_t n = 0;
	assert_false(failed(stand_answers(&t, 0, r, &n)));
	return n;
}

static void assert_accepted(str token, str kid)
{
	static struct token_scratch scratch;
	struct token_verdict v;
	token_verify(t.policy, token, clock_unix_s(), &scratch, &v);
	if (v.code != TOKEN_accepted)
		fail_msg("%s", token_code_name(v.code).p);
	assert_true(str_eq(v.kid, kid));
	assert_true(str_eq(v.sub, LIT("al\"ice\\")));
	assert_true(str_eq(v.scope, LIT("mail.read")));
	assert_int_equal(v.exp - v.iat, 600);
	assert_int_equal(v.jti.n, 22);
}

static void every_algorithm_signs_what_verifies(void **state)
{
	(void)state;
	struct wr w = wr_of(t.message, sizeof(t.message));
	struct rd r;
	struct sign_answer a;
	sign_batch_begin(&w, SIGN_REQUESTS);
	for (uint8_t alg = 0; alg < ALG_COUNT; alg++) {
		struct sign_request q = stand_request(100U + alg, alg);
		assert_true(sign_batch_add_request(&w, &q));
	}
	assert_false(failed(serve(&w)));
	assert_int_equal(answers(&r), ALG_COUNT);
	for (uint8_t alg = 0; alg < ALG_COUNT; alg++) {
		assert_false(failed(sign_read_answer(&r, &a)));
		assert_int_equal(a.req, 100 + alg);
		assert_int_equal(a.code, CH_OK);
		assert_accepted(a.token, t.signer.keys[alg].meta.kid);
	}
	assert_true(rd_end(&r));
}

static void a_full_batch_has_no_two_alike(void **state)
{
	(void)state;
	struct wr w = wr_of(t.message, sizeof(t.message));
	struct rd r;
	struct sign_answer a, last = { 0 };
	sign_batch_begin(&w, SIGN_REQUESTS);
	for (uint32_t i = 0; i < SIGN_BATCH_MAX; i++) {
		struct sign_request q = stand_request(i, SIGN_ALG_ANY);
		assert_true(sign_batch_add_request(&w, &q));
	}
	assert_false(failed(serve(&w)));
	for (uint32_t i = 0; i < SIGN_BATCH_MAX; i++) {
		if (i % SLICE == 0)
			assert_int_equal(answers(&r), SLICE);
		assert_false(failed(sign_read_answer(&r, &a)));
		assert_int_equal(a.req, i);
		assert_accepted(a.token, LIT("es"));
		assert_false(str_eq(a.token, last.token));
		last = a;
	}
}

static void one_refusal_does_not_spoil_the_rest(void **state)
{
	(void)state;
	struct wr w = wr_of(t.message, sizeof(t.message));
	struct rd r;
	struct sign_answer a;
	struct sign_request q = stand_request(1, SIGN_ALG_ANY);
	uint64_t refused = t.status.refused;
	sign_batch_begin(&w, SIGN_REQUESTS);
	assert_true(sign_batch_add_request(&w, &q));
	q.req = 2;
	q.ttl_s = 601;
	assert_true(sign_batch_add_request(&w, &q));
	q.req = 3;
	q.ttl_s = 600;
	assert_true(sign_batch_add_request(&w, &q));
	assert_false(failed(serve(&w)));
	assert_int_equal(answers(&r), 3);
	static const enum ch_code codes[] = { CH_OK, CH_E_DENIED, CH_OK };
	for (uint32_t i = 0; i < 3; i++) {
		assert_false(failed(sign_read_answer(&r, &a)));
		assert_int_equal(a.req, i + 1);
		assert_int_equal(a.code, codes[i]);
	}
	assert_int_equal(t.status.refused, refused + 1);
}

static void big_claims_take_several_messages(void **state)
{
	(void)state;
	static char big[SIGN_TEXT_MAX];
	struct wr w = wr_of(t.message, sizeof(t.message));
	struct sign_answer a;
	struct rd r;
	size_t asked = 0, got = 0;
	memset(big, 'x', sizeof(big));
	sign_batch_begin(&w, SIGN_REQUESTS);
	for (;; asked++) {
		struct sign_request q = stand_request((uint32_t)asked, SIGN_ALG_ANY);
		sign_add_text(&q, CLAIM_USERNAME, (str){ big, sizeof(big) });
		sign_add_text(&q, CLAIM_ACR, (str){ big, sizeof(big) });
		if (!sign_batch_add_request(&w, &q))
			break;
	}
	assert_false(failed(serve(&w)));
	while (got < asked)
		for (size_t n = answers(&r); n > 0; n--, got++) {
			assert_false(failed(sign_read_answer(&r, &a)));
			assert_int_equal(a.req, got);
			assert_int_equal(a.code, CH_OK);
		}
}

static void what_does_not_fit_a_token_is_refused(void **state)
{
	(void)state;
	static char big[SIGN_TEXT_MAX];
	struct wr w = wr_of(t.message, sizeof(t.message));
	struct sign_request q = stand_request(9, SIGN_ALG_ANY);
	struct sign_answer a;
	struct rd r;
	/* each byte becomes six: \u0001 */
	memset(big, 1, sizeof(big));
	sign_add_text(&q, CLAIM_USERNAME, (str){ big, sizeof(big) });
	sign_batch_begin(&w, SIGN_REQUESTS);
	assert_true(sign_batch_add_request(&w, &q));
	assert_false(failed(serve(&w)));
	assert_int_equal(answers(&r), 1);
	assert_false(failed(sign_read_answer(&r, &a)));
	assert_int_equal(a.code, CH_E_FULL);
	assert_int_equal(a.token.n, 0);
}

/* The signer is over, and has said nothing, to nobody. */
static void assert_ends(const struct wr *w)
{
	struct rd r;
	size_t n = 0;
	stand_reset(&t);
	assert_int_equal(ch_code_of(serve(w)), CH_E_GONE);
	assert_int_equal(ch_code_of(stand_answers(&t, 0, &r, &n)), CH_E_GONE);
	assert_int_equal(t.n_seen, 0);
	stand_reset(&t);
}

static void a_breach_gets_no_answer(void **state)
{
	(void)state;
	struct wr w = wr_of(t.message, sizeof(t.message));
	struct sign_request q = stand_request(1, SIGN_ALG_ANY);
	sign_batch_begin(&w, SIGN_REQUESTS);
	assert_true(sign_batch_add_request(&w, &q));
	for (size_t n = 1; n < w.n; n++) {
		struct wr cut = w;
		cut.n = n;
		assert_ends(&cut);
	}
	t.message[0] = SIGN_ANSWERS;
	assert_ends(&w);
}

static void an_issuer_that_does_not_read_is_given_up(void **state)
{
	(void)state;
	struct wr w = wr_of(t.message, sizeof(t.message));
	sign_batch_begin(&w, SIGN_REQUESTS);
	for (uint32_t i = 0; i < SIGN_BATCH_MAX; i++) {
		struct sign_request q = stand_request(i, SIGN_ALG_ANY);
		assert_true(sign_batch_add_request(&w, &q));
	}
	ch_err e = CH_DONE;
	for (size_t i = 0; i < 10000 && !failed(e); i++)
		e = serve(&w);
	assert_int_equal(ch_code_of(e), CH_E_GONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_algorithm_signs_what_verifies),
		cmocka_unit_test(a_full_batch_has_no_two_alike),
		cmocka_unit_test(one_refusal_does_not_spoil_the_rest),
		cmocka_unit_test(big_claims_take_several_messages),
		cmocka_unit_test(what_does_not_fit_a_token_is_refused),
		cmocka_unit_test(a_breach_gets_no_answer),
		cmocka_unit_test(an_issuer_that_does_not_read_is_given_up),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
