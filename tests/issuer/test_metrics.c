/* The issuer's counters as text, judged by tests/gate/check_metrics.py; and what ready says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "metrics.h"

static struct metrics m;
static struct metrics_now now;
static char room[METRICS_ANSWER_MAX + 1];
static const str grants[] = { { "authorization_code", 18 }, { "client_credentials", 18 } };

static int start(void **state)
{
	(void)state;
	m = (struct metrics){ 0 };
	metrics_init(&m, 1700000000);
	now = (struct metrics_now){ .group = LIT("main"),
				    .build = LIT("1.0 \"x\""),
				    .n_realms = 2,
				    .grants = grants,
				    .n_grants = COUNT_OF(grants),
				    .has_hasher = true,
				    .hasher_there = true,
				    .store_ok = true };
	for (size_t i = 0; i < 2; i++) {
		now.realms[i].name = i ? LIT("corp") : LIT("home");
		now.realms[i].keys = 2;
		now.realms[i].signs = true;
		now.realms[i].generation = 3;
	}
	return 0;
}

static str text(void)
{
	struct wr w = wr_of(room, sizeof(room) - 1);
	metrics_write(&w, &m, &now);
	assert_false(failed(wr_done(&w)));
	room[w.n] = 0;
	return wr_text(&w);
}

static bool has(const char *line)
{
	return strstr(room, line) != NULL;
}

/* Is it what Prometheus takes? */
static void check(str all)
{
	FILE *p = popen(getenv("CHECK_METRICS"), "w");
	assert_non_null(p);
	assert_int_equal(fwrite(all.p, 1, all.n, p), all.n);
	assert_int_equal(pclose(p), 0);
}

static void test_empty(void **state)
{
	(void)state;
	check(text());
	assert_true(has("chancery_issuer_logins_total{realm=\"corp\",result=\"throttled\"} 0\n"));
	assert_true(has("chancery_issuer_start_time_seconds 1700000000\n"));
	assert_true(has("version=\"1.0 \\\"x\\\"\""));
}

static void test_counted(void **state)
{
	(void)state;
	size_t token = metrics_endpoint(&m, LIT("token"), LIT("POST"));
	assert_int_equal(token, metrics_endpoint(&m, LIT("token"), LIT("POST")));
	assert_int_not_equal(token, metrics_endpoint(&m, LIT("token"), LIT("GET")));
	metrics_answered(&m, token, 200, 1000000);
	metrics_answered(&m, token, 200, 7000000000);
	metrics_answered(&m, token, 418, 0);
	metrics_answered(&m, 0, 404, 0);
	m.realms[1].counts[COUNT_REFRESH_REUSED] = 4;
	m.realms[0].tokens[1] = 9;
	metrics_time(&m.signing, 3000000);
	check(text());
	assert_true(has("requests_total{endpoint=\"token\",method=\"POST\",status=\"200\"} 2\n"));
	assert_true(has("requests_total{endpoint=\"token\",method=\"POST\",status=\"other\"} 1\n"));
	assert_true(has("requests_total{endpoint=\"none\",method=\"any\",status=\"404\"} 1\n"));
	assert_true(has("refreshes_total{realm=\"corp\",result=\"reused\"} 4\n"));
	assert_true(has("tokens_total{realm=\"home\",grant=\"client_credentials\"} 9\n"));
	assert_true(has("signing_seconds_sum 0.003000000\n"));
	assert_true(has("request_seconds_bucket{endpoint=\"token\",method=\"POST\",le=\"5\"} 2\n"));
	assert_true(has("request_seconds_count{endpoint=\"token\",method=\"POST\"} 3\n"));
}

/* As many as there is room for; what comes then is counted with what has no route. */
static void test_many_endpoints(void **state)
{
	static char names[METRICS_ENDPOINTS_MAX + 8][8];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct wr w = wr_of(names[i], sizeof(names[i]));
		wr_char(&w, 'e');
		wr_dec(&w, i);
		size_t at = metrics_endpoint(&m, wr_text(&w), LIT("GET"));
		assert_int_equal(at, i + 1 < METRICS_ENDPOINTS_MAX ? i + 1 : 0);
		metrics_answered(&m, at, 503, UINT64_C(1) << 62);
	}
	now.n_realms = REALMS_MAX;
	for (size_t i = 0; i < REALMS_MAX; i++)
		now.realms[i].name = str_from_c(names[i]);
	check(text());
}

static bool ready(const char *wanted)
{
	struct wr w = wr_of(room, sizeof(room) - 1);
	bool yes = ready_write(&w, &now);
	room[w.n] = 0;
	assert_string_equal(room, wanted);
	return yes;
}

static void test_ready(void **state)
{
	(void)state;
	assert_true(ready("{\"ready\":true}"));
	now.realms[1].signs = false;
	assert_false(ready(
		"{\"ready\":false,\"reasons\":[{\"reason\":\"no_signer\",\"realm\":\"corp\"}]}"));
	now.realms[1].signs = true;
	now.hasher_there = false;
	assert_false(ready("{\"ready\":false,\"reasons\":[{\"reason\":\"no_hasher\"}]}"));
	now.has_hasher = false;
	assert_true(ready("{\"ready\":true}"));
	now.has_log = true;
	now.log_age_s = LOG_SILENT_S;
	assert_true(ready("{\"ready\":true}"));
	now.log_age_s++;
	assert_false(ready("{\"ready\":false,\"reasons\":[{\"reason\":\"log_silent\"}]}"));
	now.log_age_s = 0;
	now.log_full = true;
	assert_false(ready("{\"ready\":false,\"reasons\":[{\"reason\":\"log_silent\"}]}"));
	now.has_log = false;
	now.store_ok = false;
	now.stopping = true;
	assert_false(ready("{\"ready\":false,\"reasons\":[{\"reason\":\"stopping\"},"
			   "{\"reason\":\"store_unwritable\"}]}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_empty, start),
		cmocka_unit_test_setup(test_counted, start),
		cmocka_unit_test_setup(test_many_endpoints, start),
		cmocka_unit_test_setup(test_ready, start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
