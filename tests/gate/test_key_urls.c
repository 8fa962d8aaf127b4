/* Key sets that come from a fetcher, which the test plays: good, bad, late and forged
 * answers, and none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/log.h"
#include "gate_internal.h"

static struct gate_config config;
static uint64_t ahead_ns; /* so far the clock is ahead */
static bool no_memory;

uint64_t __real_clock_mono_ns(void);
uint64_t __wrap_clock_mono_ns(void);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

uint64_t __wrap_clock_mono_ns(void)
{
	return __real_clock_mono_ns() + ahead_ns;
}

void *__wrap_calloc(size_t n, size_t size)
{
	return no_memory ? NULL : __real_calloc(n, size);
}

static struct keys *keys;
static int fetcher = -1, gate_end = -1;
static char sets[2][2048];
static size_t sizes[2];

static void new_set(size_t i)
{
	struct private_key *k = NULL;
	struct key_parts parts;
	struct wr w = wr_of(sets[i], sizeof(sets[i]));
	assert_false(failed(private_key_generate(ALG_EDDSA, &k)));
	assert_false(failed(private_key_public(k, &parts)));
	private_key_free(k);
	wr_lit(&w, "{\"keys\":[");
	assert_false(failed(jwk_write(&w, &parts, LIT("k1"))));
	wr_lit(&w, "]}");
	sizes[i] = w.n;
}

static int prepare(void **state)
{
	(void)state;
	log_min_level(LOG_ALARM);
	assert_false(failed(crypto_init(NULL)));
	for (size_t i = 0; i < 2; i++)
		new_set(i);
	config.n_issuers = 2;
	config.fetch.cooldown_s = 3600;
	for (size_t i = 0; i < 2; i++)
		config.issuers[i] = (struct gate_issuer){
			.issuer = i ? LIT("https://a.test/b") : LIT("https://a.test/a"),
			.realm = i ? LIT("b") : LIT("a"),
			.jwks_uri = i ? LIT("https://a.test/b/jwks") : LIT("https://a.test/a/jwks"),
			.n_audiences = 1,
			.audiences = { LIT("mail") },
			.max_ttl_s = 600,
		};
	return 0;
}

static int open_all(void **state)
{
	int ends[2];
	(void)state;
	assert_false(failed(channel_pair(ends)));
	gate_end = ends[0];
	fetcher = ends[1];
	keys = calloc(1, sizeof(*keys));
	assert_non_null(keys);
	assert_false(failed(keys_open(keys, &config, gate_end)));
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	keys_done(keys);
	free(keys);
	fd_close(&fetcher);
	fd_close(&gate_end);
	return 0;
}

/* What the gate has asked; false: nothing. */
static bool asked(struct fetch_ask *ret_a)
{
	static uint8_t room[MESSAGE_MAX];
	bytes message = { 0 };
	ch_err e = channel_recv(fetcher, room, sizeof(room), &message, NULL);
	if (failed(e))
		return false;
	assert_false(failed(fetch_read_ask(message, ret_a)));
	return true;
}

static void tell(struct fetch_told t)
{
	static uint8_t room[FETCH_MESSAGE_MAX];
	struct wr w = wr_of(room, sizeof(room));
	fetch_write_told(&w, &t);
	assert_false(failed(wr_done(&w)));
	assert_false(failed(channel_send(fetcher, wr_bytes(&w), NULL)));
	keys_answers(keys);
}

static struct fetch_told good(const struct fetch_ask *a, size_t set)
{
	return (struct fetch_told){ .req = a->req,
				    .url = a->url,
				    .status = 200,
				    .max_age_s = -1,
				    .etag = LIT("\"t\""),
				    .body = { (uint8_t *)sets[set], sizes[set] } };
}

static size_t count(size_t issuer)
{
	return policy_keys(keys->policy, config.issuers[issuer].issuer);
}

static void both_are_asked_for_at_once(void **state)
{
	(void)state;
	struct fetch_ask a[3];
	assert_true(keys->policy && !keys->any);
	assert_true(asked(&a[0]) && asked(&a[1]) && !asked(&a[2]));
	assert_true(a[0].url == 0 && a[1].url == 1 && a[0].etag.n == 0);
	assert_int_equal(keys_age_s(keys, 0), -1);
	tell(good(&a[1], 1));
	assert_true(keys->any && count(0) == 0 && count(1) == 1);
	tell(good(&a[0], 0));
	assert_true(count(0) == 1 && count(1) == 1);
	assert_true(keys_age_s(keys, 0) >= 0 && keys_age_s(keys, 0) < 60);
	uint64_t id = policy_id(keys->policy);
	/* an answer that comes twice changes nothing */
	tell(good(&a[0], 0));
	assert_int_equal(policy_id(keys->policy), id);
	/* nor is anything asked until it is time */
	keys->checked_ns = 0;
	keys_refresh(keys);
	assert_false(asked(&a[2]));
}

static void an_unknown_kid_asks_again(void **state)
{
	(void)state;
	struct fetch_ask a, b;
	assert_true(asked(&a) && asked(&b));
	keys_unknown_kid(keys, config.issuers[0].issuer); /* one is under way */
	tell(good(&a, 0));
	uint64_t id = policy_id(keys->policy);
	keys_unknown_kid(keys, LIT("https://nobody.test"));
	assert_false(asked(&b));
	for (int i = 0; i < 1000; i++)
		keys_unknown_kid(keys, config.issuers[0].issuer);
	assert_true(asked(&a));
	assert_true(a.url == 0 && str_eq(a.etag, LIT("\"t\"")));
	assert_false(asked(&b));
	/* unchanged: the same policy, so that what was found under it stays known */
	tell((struct fetch_told){ .req = a.req, .url = 0, .status = 304, .max_age_s = -1 });
	assert_int_equal(policy_id(keys->policy), id);
}

static void bad_answers_change_nothing(void **state)
{
	(void)state;
	struct fetch_ask a, b, more;
	assert_true(asked(&a) && asked(&b));
	tell(good(&a, 0));
	uint64_t id = policy_id(keys->policy);
	/* the other issuer publishes this one's key: not with us */
	tell(good(&b, 0));
	assert_true(count(0) == 1 && count(1) == 0);
	/* another number than was asked for, another request, an answer too many */
	b.url = 0;
	tell(good(&b, 1));
	b.url = 7;
	tell(good(&b, 1));
	b.url = 1;
	b.req += 100;
	tell(good(&b, 1));
	a.req = 0;
	tell(good(&a, 1));
	assert_true(count(0) == 1 && count(1) == 0 && policy_id(keys->policy) == id);
	keys_unknown_kid(keys, config.issuers[0].issuer);
	assert_true(asked(&more));
	tell((struct fetch_told){ .req = more.req, .code = CH_E_GONE, .max_age_s = -1 });
	assert_true(count(0) == 1 && policy_id(keys->policy) == id);
	assert_int_equal(keys_fd(keys), gate_end);
}

static void an_empty_set_closes_its_issuer(void **state)
{
	(void)state;
	struct fetch_ask a, b;
	assert_true(asked(&a) && asked(&b));
	tell(good(&a, 0));
	tell(good(&b, 1));
	keys_unknown_kid(keys, config.issuers[0].issuer);
	assert_true(asked(&a));
	struct fetch_told empty = good(&a, 0);
	empty.body = bytes_of_str(LIT("{\"keys\":[]}"));
	tell(empty);
	assert_true(count(0) == 0 && count(1) == 1 && keys->any);
}

static void a_fetcher_that_talks_rubbish_is_heard_no_more(void **state)
{
	(void)state;
	struct fetch_ask a, b;
	assert_true(asked(&a) && asked(&b));
	tell(good(&a, 0));
	assert_false(failed(channel_send(fetcher, bytes_of_str(LIT("rubbish")), NULL)));
	keys_answers(keys);
	assert_int_equal(keys_fd(keys), -1);
	tell(good(&b, 1));
	assert_true(count(0) == 1 && count(1) == 0);
	keys_unknown_kid(keys, config.issuers[0].issuer); /* and nothing breaks */
	assert_false(asked(&a));
}

static void a_fetcher_that_is_gone(void **state)
{
	(void)state;
	struct fetch_ask a;
	assert_true(asked(&a));
	tell(good(&a, 0));
	fd_close(&fetcher);
	keys_answers(keys);
	assert_int_equal(keys_fd(keys), -1);
	assert_int_equal(count(0), 1);
	keys_unknown_kid(keys, config.issuers[0].issuer);
	keys_answers(keys);
}

/* Memory that is short at the very moment does not keep old keys alive. */
static void too_old_is_closed_sooner_or_later(void **state)
{
	struct fetch_ask a;
	(void)state;
	assert_true(asked(&a));
	tell(good(&a, a.url));
	assert_int_equal(count(a.url), 1);
	ahead_ns += UINT64_C(86401) * 1000000000;
	no_memory = true;
	keys_refresh(keys);
	no_memory = false;
	ahead_ns += UINT64_C(1000000000);
	keys_refresh(keys);
	assert_int_equal(count(a.url), 0);
}

static void terms_that_make_no_sense(void **state)
{
	(void)state;
	struct gate_config bad = config;
	struct keys *k = calloc(1, sizeof(*k));
	assert_non_null(k);
	bad.fetch.stale_s = 1;
	assert_int_equal(ch_code_of(keys_open(k, &bad, -1)), CH_E_RANGE);
	keys_done(k);
	bad = config;
	bad.issuers[1].jwks_uri = LIT("http://a.test/jwks");
	memset(k, 0, sizeof(*k));
	assert_int_equal(ch_code_of(keys_open(k, &bad, -1)), CH_E_DENIED);
	keys_done(k);
	free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(both_are_asked_for_at_once, open_all, close_all),
		cmocka_unit_test_setup_teardown(an_unknown_kid_asks_again, open_all, close_all),
		cmocka_unit_test_setup_teardown(bad_answers_change_nothing, open_all, close_all),
		cmocka_unit_test_setup_teardown(an_empty_set_closes_its_issuer, open_all,
						close_all),
		cmocka_unit_test_setup_teardown(a_fetcher_that_talks_rubbish_is_heard_no_more,
						open_all, close_all),
		cmocka_unit_test_setup_teardown(a_fetcher_that_is_gone, open_all, close_all),
		cmocka_unit_test_setup_teardown(too_old_is_closed_sooner_or_later, open_all,
						close_all),
		cmocka_unit_test(terms_that_make_no_sense),
	};
	return cmocka_run_group_tests(tests, prepare, NULL);
}
