/* Bound tokens as a host asks for them: everything about the proof has its tests at
 * token_confirm; here is that no way past it leads through the library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host.h"

enum { STORE = 64 * 1024 };

static uint8_t store[STORE];
static struct ch_replay *replay;

static struct ch_request request_of(void)
{
	struct ch_request r = CH_REQUEST_INIT;
	r.method = ch_text_of("GET");
	r.url = ch_text_of("https://rs.test/inbox?page=1");
	r.replay = replay;
	return r;
}

static enum ch_reason ask(ch_text token, const struct ch_request *r, struct ch_verified *v)
{
	struct ch_options o = CH_OPTIONS_INIT;
	o.request = r;
	return ch_verify(verifier, &scratch, token, now, &o, v);
}

static int fresh(void **state)
{
	(void)state;
	return ch_failed(ch_replay_init(store, sizeof(store), 100, 0, &replay));
}

static void test_by_dpop(void **state)
{
	(void)state;
	static char out[TEXT_MAX], proof[TEXT_MAX], other[TEXT_MAX];
	uint8_t jkt[32];
	struct ch_verified v;
	struct ch_request r = request_of();
	ch_text token = bound_token(out, true, false);
	assert_int_equal(ask(token, NULL, &v), CH_BAD_BINDING);
	assert_int_equal(ask(token, &r, &v), CH_BAD_BINDING); /* as a bearer */
	r.dpop_scheme = true;
	assert_int_equal(ask(token, &r, &v), CH_BAD_BINDING); /* without proof */
	r.dpop = proof_for(proof, &parties()[0], token, "1", NULL);
	assert_int_equal(ask(token, &r, &v), CH_ACCEPTED);
	jkt_of(&parties()[0], jkt);
	assert_int_equal(v.confirmed, CH_BY_DPOP);
	assert_memory_equal(v.jkt, jkt, sizeof(jkt));
	assert_int_equal(ask(token, &r, &v), CH_PROOF_REPLAYED);
	assert_int_equal(v.confirmed, 0);
	r.dpop = proof_for(other, &parties()[0], token, "2", NULL);
	r.method = ch_text_of("POST");
	assert_int_equal(ask(token, &r, &v), CH_BAD_PROOF);
	r.method = ch_text_of("GET");
	assert_int_equal(ask(token, &r, &v), CH_ACCEPTED);
	r.dpop = proof_for(other, &parties()[1], token, "3", NULL);
	assert_int_not_equal(ask(token, &r, &v), CH_ACCEPTED); /* another's key */
}

static void test_an_unbound_token_is_no_dpop_token(void **state)
{
	(void)state;
	static char proof[TEXT_MAX];
	struct ch_verified v;
	struct ch_request r = request_of();
	assert_int_equal(ask(good_token(), &r, &v), CH_ACCEPTED);
	assert_int_equal(v.confirmed, 0);
	r.dpop_scheme = true;
	r.dpop = proof_for(proof, &parties()[0], good_token(), "1", NULL);
	assert_int_equal(ask(good_token(), &r, &v), CH_BAD_BINDING);
}

static void test_by_certificate(void **state)
{
	(void)state;
	static char out[TEXT_MAX];
	uint8_t hash[32];
	struct ch_verified v;
	struct ch_request r = CH_REQUEST_INIT; /* neither store nor address is needed */
	ch_text token = bound_token(out, false, true);
	sha256((bytes){ certificate, CERTIFICATE }, hash);
	assert_int_equal(ask(token, &r, &v), CH_BAD_BINDING);
	r.certificate = certificate;
	r.certificate_size = CERTIFICATE;
	assert_int_equal(ask(token, &r, &v), CH_ACCEPTED);
	assert_int_equal(v.confirmed, CH_BY_TLS);
	assert_memory_equal(v.x5t, hash, sizeof(hash));
	r.certificate_size--;
	assert_int_equal(ask(token, &r, &v), CH_BAD_BINDING);
	r.certificate = NULL;
	r.certificate_sha256 = hash;
	assert_int_equal(ask(token, &r, &v), CH_ACCEPTED);
	hash[31] ^= 1;
	assert_int_equal(ask(token, &r, &v), CH_BAD_BINDING);
}

static void test_bound_twice_needs_both(void **state)
{
	(void)state;
	static char out[TEXT_MAX], proof[TEXT_MAX];
	struct ch_verified v;
	struct ch_request r = request_of();
	ch_text token = bound_token(out, true, true);
	r.dpop_scheme = true;
	r.dpop = proof_for(proof, &parties()[0], token, "1", NULL);
	assert_int_equal(ask(token, &r, &v), CH_BAD_BINDING);
	r.certificate = certificate;
	r.certificate_size = CERTIFICATE;
	assert_int_equal(ask(token, &r, &v), CH_ACCEPTED);
	assert_int_equal(v.confirmed, CH_BY_DPOP | CH_BY_TLS);
}

static void test_nonces(void **state)
{
	(void)state;
	static char out[TEXT_MAX], proof[TEXT_MAX];
	char nonce[CH_NONCE_SIZE], old[CH_NONCE_SIZE];
	struct ch_nonces nonces = { { 7 }, 60 };
	struct ch_verified v;
	struct ch_request r = request_of();
	ch_text token = bound_token(out, true, false);
	r.dpop_scheme = true;
	r.nonces = &nonces;
	r.dpop = proof_for(proof, &parties()[0], token, "1", NULL);
	assert_int_equal(ask(token, &r, &v), CH_NONCE_NEEDED);
	assert_int_equal(ch_nonce_now(&nonces, now, nonce), CH_NONCE_SIZE - 1);
	r.dpop = proof_for(proof, &parties()[0], token, "1", nonce);
	assert_int_equal(ask(token, &r, &v), CH_ACCEPTED);
	assert_int_equal(ch_nonce_now(&nonces, now - 60, old), CH_NONCE_SIZE - 1);
	assert_string_not_equal(nonce, old);
	r.dpop = proof_for(proof, &parties()[0], token, "2", old);
	assert_int_equal(ask(token, &r, &v), CH_ACCEPTED);
	(void)ch_nonce_now(&nonces, now - 120, old);
	r.dpop = proof_for(proof, &parties()[0], token, "3", old);
	assert_int_equal(ask(token, &r, &v), CH_NONCE_NEEDED);
}

static int answered;

static bool count(void *ctx, const struct ch_verified *v)
{
	(void)ctx;
	answered++;
	return v->confirmed != CH_BY_DPOP;
}

static void test_revocation_is_asked_of_the_confirmed_only(void **state)
{
	(void)state;
	static char out[TEXT_MAX], proof[TEXT_MAX];
	struct ch_verified v;
	struct ch_request r = request_of();
	struct ch_options o = CH_OPTIONS_INIT;
	ch_text token = bound_token(out, true, false);
	answered = 0;
	o.revoked = count;
	o.request = &r;
	assert_int_equal(ch_verify(verifier, &scratch, token, now, &o, &v), CH_BAD_BINDING);
	assert_int_equal(answered, 0);
	r.dpop_scheme = true;
	r.dpop = proof_for(proof, &parties()[0], token, "1", NULL);
	assert_int_equal(ch_verify(verifier, &scratch, token, now, &o, &v), CH_ACCEPTED);
	assert_int_equal(answered, 1);
}

/* After a restart the store knows nothing: what is older than it could have been used. */
static void test_proofs_older_than_the_store(void **state)
{
	(void)state;
	static char out[TEXT_MAX], proof[TEXT_MAX];
	struct ch_verified v;
	ch_text token = bound_token(out, true, false);
	assert_false(ch_failed(ch_replay_init(store, sizeof(store), 100, now, &replay)));
	struct ch_request r = request_of();
	r.dpop_scheme = true;
	r.dpop = proof_for(proof, &parties()[0], token, "1", NULL);
	assert_int_equal(ask(token, &r, &v), CH_BAD_PROOF);
}

static void test_storage(void **state)
{
	(void)state;
	struct ch_replay *r = NULL;
	size_t need = ch_replay_size(100);
	assert_true(need > 3200 && need <= STORE - 64);
	assert_int_equal(ch_replay_size(0), 0);
	assert_int_equal(ch_replay_size(SIZE_MAX), 0);
	for (size_t at = 0; at < 64; at++)
		assert_false(ch_failed(ch_replay_init(store + at, need, 100, 0, &r)));
	assert_int_equal(ch_code_of(ch_replay_init(store, need / 2, 100, 0, &r)), CH_E_RANGE);
	assert_int_equal(ch_code_of(ch_replay_init(store + 1, 10, 100, 0, &r)), CH_E_RANGE);
	assert_int_equal(ch_code_of(ch_replay_init(store, need, 0, 0, &r)), CH_E_RANGE);
	assert_int_equal(ch_code_of(ch_replay_init(NULL, need, 100, 0, &r)), CH_E_USAGE);
	assert_int_equal(ch_code_of(ch_replay_init(store, need, 100, -1, &r)), CH_E_USAGE);
	assert_int_equal(ch_code_of(ch_replay_init(store, need, 100, 0, NULL)), CH_E_USAGE);
}

/* What the internal contract asserts must come out as an answer here. */
static void test_misuse(void **state)
{
	(void)state;
	static char out[TEXT_MAX];
	char nonce[CH_NONCE_SIZE];
	struct ch_nonces bad = { { 0 }, 0 };
	struct ch_verified v;
	ch_text token = bound_token(out, true, false), none = { NULL, 0 };
	struct ch_request good = request_of();
	good.dpop_scheme = true;
	assert_int_equal(ask(token, &good, &v), CH_BAD_BINDING);
	struct ch_request r[9];
	for (size_t i = 0; i < COUNT_OF(r); i++)
		r[i] = good;
	r[0].size--;
	r[1].window_s = 0;
	r[2].window_s = 601;
	r[3].skew_s = -1;
	r[4].skew_s = 61;
	r[5].replay = NULL;
	r[6].nonces = &bad;
	r[7].method = none;
	r[8].url = none;
	for (size_t i = 0; i < COUNT_OF(r); i++)
		assert_int_equal(ask(token, &r[i], &v), CH_MISUSED);
	struct ch_options o = CH_OPTIONS_INIT;
	o.request = &good;
	assert_int_equal(ch_verify(verifier, &scratch, token, -1, &o, &v), CH_MISUSED);
	assert_int_equal(ch_nonce_now(&bad, now, nonce), 0);
	assert_int_equal(ch_nonce_now(NULL, now, nonce), 0);
	bad.slice_s = 1;
	assert_int_equal(ch_nonce_now(&bad, -1, nonce), 0);
	assert_string_equal(nonce, "");
	assert_int_equal(ch_nonce_now(&bad, now, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_by_dpop, fresh),
		cmocka_unit_test_setup(test_an_unbound_token_is_no_dpop_token, fresh),
		cmocka_unit_test_setup(test_by_certificate, fresh),
		cmocka_unit_test_setup(test_bound_twice_needs_both, fresh),
		cmocka_unit_test_setup(test_nonces, fresh),
		cmocka_unit_test_setup(test_revocation_is_asked_of_the_confirmed_only, fresh),
		cmocka_unit_test_setup(test_proofs_older_than_the_store, fresh),
		cmocka_unit_test_setup(test_storage, fresh),
		cmocka_unit_test_setup(test_misuse, fresh),
	};
	return cmocka_run_group_tests(tests, host_begin, host_end);
}
