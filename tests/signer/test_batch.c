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
#include "signer_internal.h"
#include "token/jwk.h"
#include "token/verify.h"

static const str issuer = { "http://localhost/home", 21 };

static struct {
	struct signer signer;
	struct signer_status status;
	struct signing_key keys[ALG_COUNT];
	struct realm realm;
	struct policy *policy;
	int ours;
	uint8_t message[MESSAGE_MAX], answer[MESSAGE_MAX];
} t;

static void make_policy(void)
{
	uint8_t room[8192], why_room[256];
	struct wr w = wr_of(room, sizeof(room)), why = wr_of(why_room, sizeof(why_room));
	struct json_out o = json_out_of(&w);
	const str audiences[] = { LIT("mail"), LIT("client-1") };
	json_begin(&o, (str){ 0 }, '{');
	json_begin(&o, LIT("keys"), '[');
	for (size_t i = 0; i < ALG_COUNT; i++) {
		uint8_t jwk_room[JWK_TEXT_MAX];
		struct wr jwk = wr_of(jwk_room, sizeof(jwk_room));
		struct key_parts parts;
		assert_false(failed(private_key_public(t.keys[i].key, &parts)));
		assert_false(failed(jwk_write(&jwk, &parts, t.keys[i].meta.kid)));
		json_put_raw(&o, (str){ 0 }, wr_text(&jwk));
	}
	json_finish(&o, ']');
	json_finish(&o, '}');
	const struct policy_issuer p = { .issuer = issuer,
					 .realm = LIT("home"),
					 .typ = LIT("at+jwt"),
					 .audiences = audiences,
					 .n_audiences = 2,
					 .jwks = wr_bytes(&w),
					 .skew_s = 5,
					 .max_ttl_s = 600 };
	assert_false(failed(policy_new(&p, 1, &why, &t.policy)));
}

static int set_up(void **state)
{
	static const str kids[ALG_COUNT] = { { "es", 2 }, { "ed", 2 }, { "rs", 2 }, { "ps", 2 } };
	int pair[2];
	(void)state;
	assert_false(failed(crypto_init(NULL)));
	for (size_t i = 0; i < ALG_COUNT; i++) {
		t.keys[i].meta = (struct key_meta){ .alg = (enum alg)i,
						    .times = { .not_before_s = 1 },
						    .kid = kids[i],
						    .grant = { .typ = KEY_TYP_ACCESS | KEY_TYP_ID,
							       .max_ttl_s = 600 } };
		assert_false(failed(private_key_generate((enum alg)i, &t.keys[i].key)));
	}
	assert_false(failed(channel_pair(pair)));
	t.ours = pair[0];
	t.realm = (struct realm){ .name = LIT("home"),
				  .issuer = issuer,
				  .fd = pair[1],
				  .keys = t.keys,
				  .n_keys = ALG_COUNT };
	t.signer.status = &t.status;
	make_policy();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < ALG_COUNT; i++)
		private_key_done(&t.keys[i].key);
	policy_done(&t.policy);
	fd_close(&t.ours);
	fd_close(&t.realm.fd);
	return 0;
}

static struct sign_request request(uint32_t req, uint8_t alg)
{
	struct sign_request q = { .req = req, .typ = TYP_ACCESS, .alg = alg, .ttl_s = 600 };
	sign_add_text(&q, CLAIM_SUB, LIT("al\"ice\\"));
	sign_add_text(&q, CLAIM_AUD, LIT("mail"));
	sign_add_text(&q, CLAIM_CLIENT_ID, LIT("demo"));
	sign_add_text(&q, CLAIM_SCOPE, LIT("mail.read"));
	return q;
}

static ch_err serve(const struct wr *w)
{
	assert_false(failed(channel_send(t.ours, wr_bytes(w), NULL)));
	return batch_serve(&t.signer, &t.realm);
}

static size_t answers(struct rd *r)
{
	bytes got = { 0 };
	size_t n = 0;
	assert_false(failed(channel_recv(t.ours, t.answer, sizeof(t.answer), &got, NULL)));
	assert_false(failed(sign_batch_open(got, SIGN_ANSWERS, r, &n)));
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
		struct sign_request q = request(100U + alg, alg);
		assert_true(sign_batch_add_request(&w, &q));
	}
	assert_false(failed(serve(&w)));
	assert_int_equal(answers(&r), ALG_COUNT);
	for (uint8_t alg = 0; alg < ALG_COUNT; alg++) {
		assert_false(failed(sign_read_answer(&r, &a)));
		assert_int_equal(a.req, 100 + alg);
		assert_int_equal(a.code, CH_OK);
		assert_accepted(a.token, t.keys[alg].meta.kid);
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
		struct sign_request q = request(i, SIGN_ALG_ANY);
		assert_true(sign_batch_add_request(&w, &q));
	}
	assert_false(failed(serve(&w)));
	assert_int_equal(answers(&r), SIGN_BATCH_MAX);
	for (uint32_t i = 0; i < SIGN_BATCH_MAX; i++) {
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
	struct sign_request q = request(1, SIGN_ALG_ANY);
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
		struct sign_request q = request((uint32_t)asked, SIGN_ALG_ANY);
		sign_add_text(&q, CLAIM_USERNAME, (str){ big, sizeof(big) });
		sign_add_text(&q, CLAIM_GRANT_ID, (str){ big, sizeof(big) });
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
	struct sign_request q = request(9, SIGN_ALG_ANY);
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

static void a_breach_gets_no_answer(void **state)
{
	(void)state;
	struct wr w = wr_of(t.message, sizeof(t.message));
	struct sign_request q = request(1, SIGN_ALG_ANY);
	bytes got = { 0 };
	sign_batch_begin(&w, SIGN_REQUESTS);
	assert_true(sign_batch_add_request(&w, &q));
	for (size_t n = 1; n < w.n; n++) {
		struct wr cut = w;
		cut.n = n;
		assert_int_equal(ch_code_of(serve(&cut)), CH_E_PROTOCOL);
		assert_int_equal(
			ch_code_of(channel_recv(t.ours, t.answer, sizeof(t.answer), &got, NULL)),
			CH_E_BUSY);
	}
	t.message[0] = SIGN_ANSWERS;
	assert_int_equal(ch_code_of(serve(&w)), CH_E_PROTOCOL);
}

static void an_issuer_that_does_not_read_is_given_up(void **state)
{
	(void)state;
	struct wr w = wr_of(t.message, sizeof(t.message));
	sign_batch_begin(&w, SIGN_REQUESTS);
	for (uint32_t i = 0; i < SIGN_BATCH_MAX; i++) {
		struct sign_request q = request(i, SIGN_ALG_ANY);
		assert_true(sign_batch_add_request(&w, &q));
	}
	ch_err e = CH_DONE;
	for (size_t i = 0; i < 10000 && !failed(e); i++)
		e = serve(&w);
	assert_int_equal(ch_code_of(e), CH_E_PROTOCOL);
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
