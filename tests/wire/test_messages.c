/* Every message of the wire: what is written reads back and writes the same bytes; no
 * prefix of it and nothing longer is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/control.h"
#include "wire/fetch.h"
#include "wire/hash.h"
#include "wire/plan.h"
#include "wire/sign.h"

enum { ROOM = 128 * 1024 };
static uint8_t first[ROOM + 1], second[ROOM];

struct kind {
	const char *name;
	void (*sample)(struct wr *w);
	/* decodes b and, on success, writes it again */
	ch_err (*again)(bytes b, struct wr *w);
};

static void signer_sample(struct wr *w)
{
	static const uint8_t key[] = { 1, 2, 3 };
	struct signer_config c = { .secret_memory = SECRETMEM_MEMFD,
				   .n_realms = 2,
				   .n_keys = 2,
				   .keys = { BYTES_OF(key), BYTES_OF(key) },
				   .kdf = BYTES_OF(key) };
	c.realms[0] = (struct signer_realm){ LIT("home"), LIT("http://localhost/home"), 9, 0, 1 };
	c.realms[1] = (struct signer_realm){ LIT("corp"), LIT("http://localhost/corp"), 9, 1, 1 };
	signer_config_write(w, &c);
}

static void warden_sample(struct wr *w)
{
	struct warden_config c = { SECRETMEM_MLOCK };
	warden_config_write(w, &c);
}

static void ledger_sample(struct wr *w)
{
	const struct ledger_config c = { .origin = LIT("login.example/log"),
					 .vkey = LIT("login.example/log+00000000+AQ=="),
					 .segment_bytes = 1 << 20,
					 .journal_days = 30 };
	ledger_config_write(w, &c);
}

static void keeper_sample(struct wr *w)
{
	struct keeper_config c = { .duty = KEEPER_IMPORT, .n_keys = 1 };
	c.keys[0] = (struct keeper_key){ .realm = LIT("home"),
					 .alg = 255,
					 .created_s = 1,
					 .published_s = 2,
					 .not_before_s = 3,
					 .not_after_s = 4,
					 .limit_s = 5,
					 .typs = 3,
					 .max_ttl_s = 600,
					 .rate_per_s = 7,
					 .n_audiences = 2,
					 .audiences = { LIT("mail"), LIT("api") } };
	keeper_config_write(w, &c);
}

static void issuer_sample(struct wr *w)
{
	struct issuer_config c = { .group = LIT("main"),
				   .store = LIT("/x"),
				   .log = LIT("/y"),
				   .log_public = true,
				   .refresh_key = { 1, 2, 3 },
				   .has_hasher = true,
				   .jwks_max_age_s = 300,
				   .n_fronts = 1,
				   .fronts = { LIT("127.0.0.1") },
				   .n_realms = 1 };
	c.realms[0] = (struct issuer_realm){
		.name = LIT("home"),
		.issuer = LIT("http://localhost/home"),
		.issues = true,
		.access_ttl_s = 600,
		.refresh_ttl_s = 7776000,
		.refresh_idle_s = 2592000,
		.refresh_window_s = 60,
		.session_ttl_s = 604800,
		.session_idle_s = 43200,
		.n_audiences = 1,
		.audiences = { { LIT("mail"), LIT("https://mail.example") } },
		.n_scopes = 2,
		.scopes = { LIT("openid"), LIT("mail.read") },
		.n_scope_texts = 1,
		.scope_texts = { { LIT("mail.read"), LIT("Read"), LIT("Lire") } }
	};
	issuer_config_write(w, &c);
}

static void witness_sample(struct wr *w)
{
	struct witness_config c = { .name = LIT("w.test/1"),
				    .has_monitor = true,
				    .n_logs = 2,
				    .logs = { { LIT("a.test/log"), LIT("a.test/log+00000000+AA") },
					      { LIT("b.test/log"),
						LIT("b.test/log+00000001+BB") } } };
	witness_config_write(w, &c);
}

static void gate_sample(struct wr *w)
{
	struct gate_config c = { .client_id = LIT("mail"),
				 .client_secret = LIT("s"),
				 .scope = LIT("mail.read"),
				 .supervised = true,
				 .fetch = { 1, 2, 3, 4, 5, 6, 7, 8 },
				 .n_issuers = 2 };
	c.issuers[0] = (struct gate_issuer){ .issuer = LIT("http://localhost/corp"),
					     .realm = LIT("corp"),
					     .jwks = LIT("/j"),
					     .n_audiences = 1,
					     .audiences = { LIT("mail") },
					     .n_mailboxes = 1,
					     .mailboxes = { LIT("*@corp.test") },
					     .n_periods = 1,
					     .periods = { { LIT("k1"), 1, 2 } } };
	c.issuers[1] = (struct gate_issuer){ .issuer = LIT("http://localhost/home"),
					     .realm = LIT("home"),
					     .jwks_uri = LIT("http://localhost/home/jwks") };
	c.issuers[1].log = LIT("main");
	c.n_logs = 1;
	c.logs[0] = (struct gate_log){ .name = LIT("main"),
				       .vkey = LIT("login.test/log+01020304+AQ=="),
				       .uri = LIT("https://login.test/log"),
				       .stale_s = 10,
				       .skew_s = 5,
				       .n_witnesses = 1,
				       .witnesses = { LIT("w.test+01020304+BA==") },
				       .quorum = 1,
				       .witness_stale_s = 60 };
	c.n_locations = 1;
	c.locations[0] = (struct gate_location){ .name = LIT("api"),
						 .n_audiences = 1,
						 .audiences = { LIT("api") },
						 .n_realms = 1,
						 .realms = { LIT("corp") },
						 .binding = BINDING_REFUSED };
	gate_config_write(w, &c);
}

static void fetcher_sample(struct wr *w)
{
	struct fetcher_config c = { .ca_file = LIT("/etc/ca.pem"),
				    .timeout_s = 10,
				    .n_urls = 2,
				    .urls = { LIT("https://a.test/jwks"), LIT("http://[::1]/") },
				    .n_logs = 1,
				    .logs = { { LIT("https://a.test/log"), LIT("me"),
						LIT("secret") } } };
	fetcher_config_write(w, &c);
}

static void ask_sample(struct wr *w)
{
	struct fetch_ask a = { 7, 1, LIT("\"a\""), LIT("after=1&wait=5"),
			       LIT("tile/0/x001/234.p/7") };
	fetch_write_ask(w, &a);
}

static void told_sample(struct wr *w)
{
	struct fetch_told t = { 7,   1,  CH_OK,        0,
				200, -1, LIT("\"a\""), bytes_of_str(LIT("{\"keys\":[]}")) };
	fetch_write_told(w, &t);
}

static void plan_sample(struct wr *w)
{
	struct plan p = { .dir = LIT("/d"),
			  .keys_look_s = 3600,
			  .libexec = LIT("/l"),
			  .dev = true,
			  .events = true,
			  .uid_base = 59900,
			  .passphrase_fd = 9,
			  .cli = LIT("/c"),
			  .notify = LIT("/n"),
			  .watchdog_us = 30000000,
			  .n_groups = 1,
			  .n_gates = 1 };
	p.groups[0] = (struct plan_group){ .name = LIT("main"),
					   .listen_fd = 5,
					   .n_realms = 1,
					   .issuer = bytes_of_str(LIT("opaque")),
					   .realms = { { LIT("home"), LIT("u"), 5, 0, 0 } } };
	p.gates[0] =
		(struct plan_gate){ 6, bytes_of_str(LIT("opaque too")), bytes_of_str(LIT("urls")) };
	p.collector = (struct plan_collector){ 7, bytes_of_str(LIT("opaque as well")),
					       bytes_of_str(LIT("webhook")) };
	plan_write(w, &p);
}

static void control_sample(struct wr *w)
{
	struct control c = {
		CONTROL_CRASHED, 12, 3, 11, 99, LIT("main"), bytes_of_str(LIT("signal: SEGV\n"))
	};
	control_write(w, &c);
}

static void check_sample(struct wr *w)
{
	struct hash_check c = { 7, LIT("$argon2id$"), { bytes_of_str(LIT("pw")) } };
	hash_write_check(w, &c);
}

static void checked_sample(struct wr *w)
{
	struct hash_checked c = { 7, CH_E_MISMATCH };
	hash_write_checked(w, &c);
}

static void requests_sample(struct wr *w)
{
	struct sign_request q = { .req = 1, .typ = TYP_ACCESS, .alg = SIGN_ALG_ANY, .ttl_s = 600 };
	sign_add_text(&q, CLAIM_SUB, LIT("alice"));
	sign_add_text(&q, CLAIM_AUD, LIT("mail"));
	sign_add_text(&q, CLAIM_NONCE, (str){ 0 });
	sign_add_number(&q, CLAIM_AUTH_TIME, -5);
	sign_batch_begin(w, SIGN_REQUESTS);
	assert_true(sign_batch_add_request(w, &q));
	q.req = 2;
	q.typ = TYP_ID;
	assert_true(sign_batch_add_request(w, &q));
}

#define AGAIN(name, type)                                 \
	static ch_err name##_again(bytes b, struct wr *w) \
	{                                                 \
		static struct type c;                     \
		TRY(name##_read(b, &c));                  \
		name##_write(w, &c);                      \
		return CH_DONE;                           \
	}
AGAIN(signer_config, signer_config)
AGAIN(warden_config, warden_config)
AGAIN(ledger_config, ledger_config)
AGAIN(keeper_config, keeper_config)
AGAIN(issuer_config, issuer_config)
AGAIN(gate_config, gate_config)
AGAIN(fetcher_config, fetcher_config)
AGAIN(witness_config, witness_config)
AGAIN(plan, plan)
AGAIN(control, control)

static ch_err check_again(bytes b, struct wr *w)
{
	struct hash_check c;
	TRY(hash_read_check(b, &c));
	hash_write_check(w, &c);
	return CH_DONE;
}

static ch_err checked_again(bytes b, struct wr *w)
{
	struct hash_checked c;
	TRY(hash_read_checked(b, &c));
	hash_write_checked(w, &c);
	return CH_DONE;
}

static ch_err ask_again(bytes b, struct wr *w)
{
	struct fetch_ask a;
	TRY(fetch_read_ask(b, &a));
	fetch_write_ask(w, &a);
	return CH_DONE;
}

static ch_err told_again(bytes b, struct wr *w)
{
	struct fetch_told t;
	TRY(fetch_read_told(b, &t));
	fetch_write_told(w, &t);
	return CH_DONE;
}

static ch_err requests_again(bytes b, struct wr *w)
{
	struct rd r;
	size_t n = 0;
	struct sign_request q;
	TRY(sign_batch_open(b, SIGN_REQUESTS, &r, &n));
	sign_batch_begin(w, SIGN_REQUESTS);
	for (size_t i = 0; i < n; i++) {
		TRY(sign_read_request(&r, &q));
		assert_true(sign_batch_add_request(w, &q));
	}
	return rd_done(&r);
}

static const struct kind kinds[] = {
	{ "signer config", signer_sample, signer_config_again },
	{ "warden config", warden_sample, warden_config_again },
	{ "ledger config", ledger_sample, ledger_config_again },
	{ "keeper config", keeper_sample, keeper_config_again },
	{ "issuer config", issuer_sample, issuer_config_again },
	{ "gate config", gate_sample, gate_config_again },
	{ "fetcher config", fetcher_sample, fetcher_config_again },
	{ "fetch ask", ask_sample, ask_again },
	{ "fetch told", told_sample, told_again },
	{ "witness config", witness_sample, witness_config_again },
	{ "plan", plan_sample, plan_again },
	{ "control", control_sample, control_again },
	{ "hash check", check_sample, check_again },
	{ "hash checked", checked_sample, checked_again },
	{ "sign requests", requests_sample, requests_again },
};

static void round_trips(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		struct wr a = wr_of(first, ROOM), b = wr_of(second, ROOM);
		kinds[i].sample(&a);
		ch_err e = kinds[i].again(wr_bytes(&a), &b);
		if (failed(e))
			fail_msg("%s: %s", kinds[i].name, e.site->what);
		assert_true(bytes_eq(wr_bytes(&a), wr_bytes(&b)));
	}
}

static void no_prefix_and_nothing_longer(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		struct wr a = wr_of(first, ROOM);
		kinds[i].sample(&a);
		for (size_t n = 0; n < a.n; n++) {
			/* an exact copy, so that a sanitizer sees a read past the end */
			uint8_t *copy = malloc(n ? n : 1);
			memcpy(copy, first, n);
			struct wr b = wr_of(second, ROOM);
			if (!failed(kinds[i].again((bytes){ copy, n }, &b)))
				fail_msg("%s: a prefix of %zu was taken", kinds[i].name, n);
			free(copy);
		}
		struct wr b = wr_of(second, ROOM);
		first[a.n] = 0;
		assert_true(failed(kinds[i].again((bytes){ first, a.n + 1 }, &b)));
	}
}

static void flipped_bytes_never_crash(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		struct wr a = wr_of(first, ROOM);
		kinds[i].sample(&a);
		for (size_t n = 0; n < a.n; n++)
			for (unsigned bit = 0; bit < 8; bit++) {
				struct wr b = wr_of(second, ROOM);
				first[n] ^= (uint8_t)(1U << bit);
				(void)kinds[i].again(wr_bytes(&a), &b);
				first[n] ^= (uint8_t)(1U << bit);
			}
	}
}

static void claims_keep_to_their_typ(void **state)
{
	(void)state;
	for (size_t id = 0; id < SIGN_CLAIM_COUNT; id++)
		for (unsigned typ = TYP_ACCESS; typ <= TYP_ID; typ++) {
			struct sign_request q = { .req = 1, .typ = (enum token_typ)typ };
			struct sign_request got;
			struct wr w = wr_of(first, ROOM);
			struct rd r;
			size_t n = 0;
			q.claims[q.n_claims++] = (struct sign_claim){ .id = (enum sign_claim_id)id,
								      .text = LIT("x"),
								      .number = 1 };
			sign_batch_begin(&w, SIGN_REQUESTS);
			assert_true(sign_batch_add_request(&w, &q));
			assert_false(failed(sign_batch_open(wr_bytes(&w), SIGN_REQUESTS, &r, &n)));
			bool may = sign_claim_rule((enum sign_claim_id)id)->typs & typ;
			assert_int_equal(failed(sign_read_request(&r, &got)), !may);
		}
}

static void batches_are_bounded(void **state)
{
	(void)state;
	struct wr w = wr_of(first, MESSAGE_MAX);
	struct sign_answer a = { .req = 1, .code = CH_OK };
	static char big[SIGN_TOKEN_MAX];
	memset(big, 'x', sizeof(big));
	a.token = (str){ big, sizeof(big) };
	sign_batch_begin(&w, SIGN_ANSWERS);
	size_t n = 0;
	while (sign_batch_add_answer(&w, &a))
		n++;
	assert_int_equal(n, 7); /* 64 KiB of 8 KiB tokens */
	assert_int_equal(sign_batch_count(&w), n);
	a.token = LIT("t");
	while (sign_batch_add_answer(&w, &a))
		n++;
	assert_int_equal(n, SIGN_BATCH_MAX);
}

static void a_whole_set_fits_and_no_more(void **state)
{
	(void)state;
	static uint8_t body[FETCH_BODY_MAX + 1];
	static char etag[FETCH_ETAG_MAX];
	memset(etag, 'x', sizeof(etag));
	for (size_t more = 0; more < 2; more++) {
		struct fetch_told t = { .max_age_s = INT64_MAX,
					.etag = { etag, sizeof(etag) },
					.body = { body, FETCH_BODY_MAX + more } },
				  got;
		struct wr w = wr_of(first, FETCH_MESSAGE_MAX);
		fetch_write_told(&w, &t);
		assert_false(w.full);
		assert_int_equal(failed(fetch_read_told(wr_bytes(&w), &got)), more > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),
		cmocka_unit_test(no_prefix_and_nothing_longer),
		cmocka_unit_test(flipped_bytes_never_crash),
		cmocka_unit_test(claims_keep_to_their_typ),
		cmocka_unit_test(batches_are_bounded),
		cmocka_unit_test(a_whole_set_fits_and_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
