/* A key set over time, by a made-up clock: when it is asked for, what is believed, and
 * when no more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "jwks/source.h"
#include "token/policy.h"

static const struct source_limits limits = {
	.fresh_min_s = 10,
	.fresh_max_s = 100,
	.fresh_default_s = 50,
	.stale_s = 1000,
	.cooldown_s = 30,
	.retry_min_s = 4,
	.retry_max_s = 20,
	.timeout_s = 5,
};

static ch_err any_is_good(void *ctx, bytes jwks)
{
	(void)ctx;
	(void)jwks;
	return CH_DONE;
}

static struct source *fresh(void)
{
	struct source *s = NULL;
	assert_false(failed(source_new(LIT("https://a.test/jwks"), &limits, &s)));
	return s;
}

static struct source_answer answer(const char *body, const char *etag, int64_t max_age_s)
{
	return (struct source_answer){ .status = 200,
				       .body = bytes_of_str(str_from_c(body)),
				       .etag = str_from_c(etag),
				       .max_age_s = max_age_s };
}

/* A fetch that is due and answered at once. */
static bool fetch(struct source *s, int64_t now, struct source_answer a)
{
	bool changed = false;
	assert_true(source_due(s, now));
	ch_err e = source_take(s, &a, now, any_is_good, NULL, &changed);
	assert_false(failed(e));
	return changed;
}

static bool has(const struct source *s, int64_t now, const char *text)
{
	return str_eq(str_of_bytes(source_jwks(s, now)), str_from_c(text));
}

static void due_once_then_by_max_age(void **state)
{
	(void)state;
	struct source *s = fresh();
	assert_int_equal(source_generation(s, 0), 0);
	assert_true(has(s, 0, ""));
	assert_true(source_due(s, 0));
	assert_false(source_due(s, 0)); /* one in flight */
	assert_false(source_due(s, 1));
	bool changed = false;
	struct source_answer a = answer("one", "\"1\"", 70);
	assert_false(failed(source_take(s, &a, 2, any_is_good, NULL, &changed)));
	assert_true(changed && has(s, 2, "one"));
	assert_true(str_eq(source_etag(s), LIT("\"1\"")));
	assert_int_equal(source_generation(s, 2), 1);
	assert_int_equal(source_next_s(s), 72);
	assert_false(source_due(s, 71));
	/* the same text, another tag: no other generation */
	assert_false(fetch(s, 72, answer("one", "\"2\"", -1)));
	assert_int_equal(source_generation(s, 72), 1);
	assert_true(str_eq(source_etag(s), LIT("\"2\"")));
	assert_int_equal(source_next_s(s), 122); /* none stated: 50 */
	assert_true(fetch(s, 122, answer("two", "", 70)));
	assert_int_equal(source_generation(s, 122), 2);
	assert_int_equal(source_etag(s).n, 0);
	source_free(s);
}

static void max_age_is_clamped(void **state)
{
	(void)state;
	const struct {
		int64_t stated, kept;
	} cases[] = { { 0, 10 },    { 9, 10 },          { 10, 10 }, { 11, 11 },       { 100, 100 },
		      { 101, 100 }, { INT64_MAX, 100 }, { -1, 50 }, { INT64_MIN, 50 } };
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct source *s = fresh();
		(void)fetch(s, 7, answer("x", "", cases[i].stated));
		assert_int_equal(source_next_s(s), 7 + cases[i].kept);
		source_free(s);
	}
}

static void not_modified(void **state)
{
	(void)state;
	struct source *s = fresh();
	struct source_answer same = { .status = 304, .max_age_s = 20 };
	bool changed = true;
	/* nothing was had, so it cannot be unmodified */
	assert_true(source_due(s, 0));
	assert_int_equal(ch_code_of(source_take(s, &same, 0, any_is_good, NULL, &changed)),
			 CH_E_MISMATCH);
	assert_true(fetch(s, 4, answer("one", "\"1\"", 10)));
	assert_false(fetch(s, 14, same));
	assert_true(has(s, 14, "one") && str_eq(source_etag(s), LIT("\"1\"")));
	assert_int_equal(source_next_s(s), 34);
	assert_int_equal(source_closes_s(s), 1014); /* a 304 is a good answer */
	assert_int_equal(source_generation(s, 14), 1);
	/* a set without a tag was asked for whole */
	(void)fetch(s, 34, answer("two", "", 10));
	assert_true(source_due(s, 44));
	assert_true(failed(source_take(s, &same, 44, any_is_good, NULL, &changed)));
	assert_true(has(s, 44, "two"));
	source_free(s);
}

static void tags_that_are_none(void **state)
{
	(void)state;
	static char long_tag[SOURCE_ETAG_MAX + 2];
	memset(long_tag, 'x', sizeof(long_tag) - 1);
	long_tag[0] = long_tag[sizeof(long_tag) - 2] = '"';
	const char *const bad[] = { "x",        "\"",       "\"a",
				    "a\"",      "\"a b\"",  "\"a\r\nX: y\"",
				    "\"a\"b\"", "W/\"",     "w/\"a\"",
				    "*",        "\"\x80\"", long_tag };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct source *s = fresh();
		(void)fetch(s, 0, answer("x", bad[i], -1));
		assert_int_equal(source_etag(s).n, 0);
		source_free(s);
	}
	const char *const good[] = { "\"\"", "\"a\"", "W/\"a\"" };
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		struct source *s = fresh();
		(void)fetch(s, 0, answer("x", good[i], -1));
		assert_true(str_eq(source_etag(s), str_from_c(good[i])));
		source_free(s);
	}
}

static void a_flood_of_unknown_kids_is_one_fetch_a_cooldown(void **state)
{
	(void)state;
	struct source *s = fresh();
	unsigned fetches = 0;
	(void)fetch(s, 0, answer("one", "", 100));
	for (int64_t now = 1; now < 91; now++)
		for (int i = 0; i < 1000; i++) {
			source_kid_unknown(s, now);
			if (!source_due(s, now))
				continue;
			bool changed = false;
			struct source_answer a = answer("one", "", 100);
			assert_false(failed(source_take(s, &a, now, any_is_good, NULL, &changed)));
			fetches++;
		}
	assert_int_equal(fetches, 3); /* at 1, 31 and 61 */
	source_free(s);
}

static void an_unknown_kid_while_one_is_under_way(void **state)
{
	(void)state;
	struct source *s = fresh();
	bool changed = false;
	struct source_answer a = answer("one", "", 100);
	assert_true(source_due(s, 0));
	source_kid_unknown(s, 0);
	assert_false(source_due(s, 0));
	assert_false(failed(source_take(s, &a, 1, any_is_good, NULL, &changed)));
	/* it neither asked nor used up the cooldown */
	assert_false(source_due(s, 1));
	source_kid_unknown(s, 1);
	assert_true(source_due(s, 1));
	/* while fetches fail, too */
	source_missed(s, 1);
	source_kid_unknown(s, 2);
	assert_false(source_due(s, 2));
	source_missed(s, 5);
	assert_true(source_due(s, 5));
	source_missed(s, 5);
	source_missed(s, 5); /* none under way: nothing */
	assert_int_equal(source_misses(s), 2);
	source_kid_unknown(s, 31);
	assert_true(source_due(s, 31));
	source_free(s);
}

static void failures_are_paused_longer_each_time(void **state)
{
	(void)state;
	struct source *s = fresh();
	const int64_t pauses[] = { 4, 8, 16, 20, 20, 20 };
	int64_t now = 0;
	for (size_t i = 0; i < COUNT_OF(pauses); i++) {
		assert_true(source_due(s, now));
		source_missed(s, now + 1);
		assert_int_equal(source_misses(s), i + 1);
		assert_int_equal(source_next_s(s), now + 1 + pauses[i]);
		assert_false(source_due(s, now + pauses[i]));
		now += 1 + pauses[i];
	}
	for (int i = 0; i < 1000; i++) { /* and never overflows */
		assert_true(source_due(s, now));
		source_missed(s, now);
		assert_int_equal(source_next_s(s), now + 20);
		now += 20;
	}
	(void)fetch(s, now, answer("x", "", -1));
	assert_int_equal(source_misses(s), 0);
	assert_true(source_due(s, now + 50));
	source_missed(s, now + 50);
	assert_int_equal(source_next_s(s), now + 54);
	source_free(s);
}

static void a_fetch_that_nobody_reports_is_a_miss(void **state)
{
	(void)state;
	struct source *s = fresh();
	assert_true(source_due(s, 0));
	assert_int_equal(source_next_s(s), 10);
	assert_false(source_due(s, 9));
	assert_false(source_due(s, 10));
	assert_int_equal(source_misses(s), 1);
	/* its answer comes too late */
	bool changed = false;
	struct source_answer a = answer("late", "", -1);
	assert_int_equal(ch_code_of(source_take(s, &a, 11, any_is_good, NULL, &changed)),
			 CH_E_USAGE);
	assert_true(has(s, 11, ""));
	assert_true(source_due(s, 14));
	source_free(s);
}

static void the_stale_limit_closes(void **state)
{
	(void)state;
	struct source *s = fresh();
	assert_int_equal(source_closes_s(s), INT64_MAX);
	assert_true(source_due(s, 0));
	bool changed = false;
	struct source_answer a = answer("one", "\"1\"", 100);
	assert_false(failed(source_take(s, &a, 4, any_is_good, NULL, &changed)));
	/* counted from when it was asked for: the server may have written it then */
	assert_int_equal(source_closes_s(s), 1000);
	assert_true(has(s, 999, "one"));
	assert_int_equal(source_generation(s, 999), 1);
	assert_true(has(s, 1000, ""));
	assert_int_equal(source_generation(s, 1000), 2);
	assert_int_equal(source_generation(s, 5000), 2);
	assert_int_equal(source_closes_s(s), INT64_MAX);
	/* an earlier clock does not open it again */
	assert_int_equal(source_generation(s, 5), 2);
	assert_true(has(s, 5, ""));
	/* the same again is another text than none */
	assert_true(fetch(s, 5000, answer("one", "\"1\"", 100)));
	assert_int_equal(source_generation(s, 5000), 3);
	assert_true(has(s, 5999, "one"));
	/* and a 304 opens it likewise, though nobody looked in between */
	assert_true(fetch(s, 9000, (struct source_answer){ .status = 304, .max_age_s = -1 }));
	assert_int_equal(source_generation(s, 9000), 5);
	source_free(s);
}

/* What the gate and libchancery-jwks ask: does it make a policy? */
static ch_err makes_a_policy(void *ctx, bytes jwks)
{
	static const str audiences[] = { { "mail", 4 } };
	const struct policy_issuer issuer = { .issuer = LIT("https://a.test"),
					      .realm = LIT("a"),
					      .typ = LIT("at+jwt"),
					      .audiences = audiences,
					      .n_audiences = 1,
					      .jwks = jwks,
					      .max_ttl_s = 600 };
	struct policy *p = NULL;
	(void)ctx;
	TRY(policy_new(&issuer, 1, NULL, &p));
	policy_free(p);
	return CH_DONE;
}

#define ED(x, more)                                                             \
	"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"EdDSA\",\"kid\":\"a\"," \
	"\"x\":\"" x "\"" more "}"
#define KEY "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"  /* RFC 8037 appendix A */
#define KEY2 "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw" /* RFC 8032 section 7.1 */

static void a_bad_set_keeps_the_last_good_one(void **state)
{
	(void)state;
	static const char good[] = "{\"keys\":[" ED(KEY, "") "]}";
	static const struct {
		const char *text;
		enum ch_code code;
	} bad[] = {
		{ "", CH_E_LIMIT },
		{ "<html>", CH_E_SYNTAX },
		{ "{\"keys\":", CH_E_TRUNCATED },
		{ "{}", CH_E_SYNTAX },
		{ "{\"keys\":{}}", CH_E_SYNTAX },
		{ "{\"keys\":[" ED(KEY, ",\"d\":\"AA\"") "]}", CH_E_MISMATCH },
		{ "{\"keys\":[" ED(KEY, "") "," ED(KEY2, "") "]}", CH_E_DUPLICATE },
		{ "{\"keys\":[" ED("AA", "") "]}", CH_E_RANGE },
		{ "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"a\",\"k\":\"AA\"}]}",
		  CH_E_MISMATCH },
	};
	static uint8_t huge[JWKS_TEXT_MAX + 1];
	struct source *s = fresh();
	struct source_answer a = answer(good, "\"g\"", 10);
	bool changed = false;
	int64_t now = 0;
	assert_false(failed(crypto_init(NULL)));
	assert_true(source_due(s, now));
	assert_false(failed(source_take(s, &a, now, makes_a_policy, NULL, &changed)));
	memset(huge, ' ', sizeof(huge));
	for (size_t i = 0; i <= COUNT_OF(bad); i++) {
		now += 25;
		bool is_huge = i == COUNT_OF(bad);
		a = is_huge ? (struct source_answer){ .status = 200, .body = BYTES_OF(huge) }
			    : answer(bad[i].text, "\"b\"", 10);
		changed = false;
		assert_true(source_due(s, now));
		ch_err e = source_take(s, &a, now, makes_a_policy, NULL, &changed);
		assert_int_equal(ch_code_of(e), is_huge ? CH_E_LIMIT : bad[i].code);
		assert_false(changed);
		assert_true(has(s, now, good) && str_eq(source_etag(s), LIT("\"g\"")));
		assert_int_equal(source_generation(s, now), 1);
		assert_int_equal(source_misses(s), i + 1);
	}
	/* the good one's age counts on */
	assert_int_equal(source_closes_s(s), 1000);
	source_free(s);
}

static void other_statuses_are_misses(void **state)
{
	(void)state;
	const unsigned statuses[] = { 0, 201, 204, 206, 301, 302, 401, 403, 404, 410, 500, 503 };
	for (size_t i = 0; i < COUNT_OF(statuses); i++) {
		struct source *s = fresh();
		bool changed = false;
		(void)fetch(s, 0, answer("one", "\"1\"", 10));
		struct source_answer a = answer("two", "\"2\"", 10);
		a.status = statuses[i];
		assert_true(source_due(s, 10));
		assert_int_equal(ch_code_of(source_take(s, &a, 10, any_is_good, NULL, &changed)),
				 CH_E_MISMATCH);
		assert_true(has(s, 10, "one") && !changed);
		source_free(s);
	}
}

static void an_empty_set_takes_all_keys_away(void **state)
{
	(void)state;
	struct source *s = fresh();
	bool changed = false;
	struct source_answer a = answer("{\"keys\":[" ED(KEY, "") "]}", "", 10);
	assert_true(source_due(s, 0));
	assert_false(failed(source_take(s, &a, 0, makes_a_policy, NULL, &changed)));
	a = answer("{\"keys\":[]}", "", 10);
	assert_true(source_due(s, 10));
	assert_false(failed(source_take(s, &a, 10, makes_a_policy, NULL, &changed)));
	assert_true(changed && has(s, 10, "{\"keys\":[]}"));
	assert_int_equal(source_generation(s, 10), 2);
	source_free(s);
}

static void what_may_be_followed(void **state)
{
	(void)state;
	static char long_url[SOURCE_URL_MAX + 2];
	memset(long_url, 'a', sizeof(long_url) - 1);
	mem_copy(long_url, "https://", 8);
	const struct {
		const char *url;
		enum ch_code code;
	} cases[] = {
		{ "https://a.test/x", CH_OK },
		{ "http://127.0.0.1:8080/x", CH_OK },
		{ "http://localhost/x", CH_OK },
		{ "http://[::1]:1/x", CH_OK },
		{ "http://a.test/x", CH_E_DENIED },
		{ "http://localhost.a.test/x", CH_E_DENIED },
		{ "http://127.0.0.1.a.test/x", CH_E_DENIED },
		{ "file:///etc/passwd", CH_E_SYNTAX },
		{ "https://u:p@a.test/x", CH_E_SYNTAX },
		{ "", CH_E_SYNTAX },
		{ long_url, CH_E_LIMIT },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct source *s = NULL;
		ch_err e = source_new(str_from_c(cases[i].url), &limits, &s);
		assert_int_equal(ch_code_of(e), cases[i].code);
		if (s)
			assert_true(str_eq(source_url(s), str_from_c(cases[i].url)));
		source_free(s);
	}
}

static void limits_have_defaults_and_sense(void **state)
{
	(void)state;
	struct source_limits l = { 0 };
	assert_false(failed(source_limits_check(&l, &l)));
	assert_true(l.fresh_min_s == 60 && l.fresh_max_s == 3600 && l.fresh_default_s == 300);
	assert_true(l.stale_s == 86400 && l.cooldown_s == 30 && l.timeout_s == 10);
	assert_true(l.retry_min_s == 5 && l.retry_max_s == 300);
	/* one alone draws its neighbours along */
	l = (struct source_limits){ .fresh_max_s = 7, .retry_max_s = 2 };
	assert_false(failed(source_limits_check(&l, &l)));
	assert_true(l.fresh_min_s == 7 && l.fresh_default_s == 7 && l.retry_min_s == 2);
	l = (struct source_limits){ .fresh_min_s = 7200 };
	assert_false(failed(source_limits_check(&l, &l)));
	assert_true(l.fresh_max_s == 7200 && l.fresh_default_s == 7200);
	const struct source_limits bad[] = {
		{ .fresh_min_s = 8, .fresh_max_s = 7 },
		{ .fresh_default_s = 5 },
		{ .fresh_default_s = 3601 },
		{ .retry_min_s = 8, .retry_max_s = 7 },
		{ .stale_s = 3610 }, /* fresh_max_s + timeout_s */
		{ .cooldown_s = -1 },
		{ .timeout_s = INT64_MAX },
		{ .stale_s = INT64_MAX },
		{ .retry_max_s = INT64_MIN },
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (ch_code_of(source_limits_check(&bad[i], &l)) != CH_E_RANGE)
			fail_msg("case %zu was taken", i);
	l = (struct source_limits){ .stale_s = 3611 };
	assert_false(failed(source_limits_check(&l, &l)));
	source_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(due_once_then_by_max_age),
		cmocka_unit_test(max_age_is_clamped),
		cmocka_unit_test(not_modified),
		cmocka_unit_test(tags_that_are_none),
		cmocka_unit_test(a_flood_of_unknown_kids_is_one_fetch_a_cooldown),
		cmocka_unit_test(an_unknown_kid_while_one_is_under_way),
		cmocka_unit_test(failures_are_paused_longer_each_time),
		cmocka_unit_test(a_fetch_that_nobody_reports_is_a_miss),
		cmocka_unit_test(the_stale_limit_closes),
		cmocka_unit_test(a_bad_set_keeps_the_last_good_one),
		cmocka_unit_test(other_statuses_are_misses),
		cmocka_unit_test(an_empty_set_takes_all_keys_away),
		cmocka_unit_test(what_may_be_followed),
		cmocka_unit_test(limits_have_defaults_and_sense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
