/* Metrics and readiness. Prometheus' format is checked by a parser of its own, check_metrics.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "codec/json.h"
#include "metrics.h"

static struct metrics metrics;
static char text[METRICS_ANSWER_MAX + 1];

static const struct metrics_issuer issuers[] = {
	{ LIT("https://login.example/home"), LIT("home"), 2, 17, 3, true, true, 5, 0, true, true },
	{ LIT("https://odd.example/\"\\\n"), LIT("odd"), 0, -1, 1, true, false, 0, -1, true,
	  false },
};
static const struct token_cache_counts cache = { 10, 20, 3 };
static const struct sightings_counts sightings = { 100, 90, 1, 0, 12345 };
static const struct junk_counts junk = { 1, 2, 3, 4 };
static struct refusals refusals;

static struct metrics_now now_of(size_t n_issuers)
{
	return (struct metrics_now){ .issuers = issuers,
				     .n_issuers = n_issuers,
				     .cache = &cache,
				     .sightings = &sightings,
				     .sightings_ok = true,
				     .junk = &junk,
				     .refusals = &refusals,
				     .started_s = 1700000000,
				     .version = LIT("0.1.0") };
}

static void write_all(const struct metrics_now *now)
{
	struct wr w = wr_of(text, sizeof(text) - 1);
	metrics_write(&w, &metrics, now);
	assert_false(failed(wr_done(&w)));
	text[w.n] = 0;
}

static void check_format(void)
{
	const char *command = getenv("CHECK_METRICS");
	assert_non_null(command);
	FILE *to = popen(command, "w");
	assert_non_null(to);
	(void)fputs(text, to);
	assert_int_equal(pclose(to), 0);
}

static void test_format(void **state)
{
	(void)state;
	metrics = (struct metrics){ 0 };
	for (unsigned i = 0; i < TOKEN_CODE_COUNT; i++)
		metrics_verdict(&metrics, i % METRICS_ENDPOINT_COUNT, (enum token_code)i,
				(uint64_t)1 << i);
	struct metrics_now now = now_of(2);
	write_all(&now);
	check_format();
	/* and with nothing that can be left out */
	now = (struct metrics_now){ .version = LIT("x"), .issuers = issuers, .n_issuers = 1 };
	write_all(&now);
	assert_null(strstr(text, "chancery_gate_sightings"));
}

/* The checker finds what is wrong, or its silence means nothing. */
static void test_checker(void **state)
{
	static const char *const bad[] = {
		"a 1",
		"# HELP a x\n# TYPE a counter\na 1\n",
		"# HELP a_total x\n# TYPE a_total counter\na_total -1\n",
		"# HELP a x\n# TYPE a gauge\na 1\na 1\n",
		"# HELP a x\n# TYPE a gauge\na{b=\"c} 1\n",
		"a 1\n",
	};
	char command[4200];
	(void)state;
	(void)snprintf(command, sizeof(command), "%s >/dev/null", getenv("CHECK_METRICS_BARE"));
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		FILE *to = popen(command, "w");
		(void)fputs(bad[i], to);
		assert_int_not_equal(pclose(to), 0);
	}
}

static bool has(const char *line)
{
	return strstr(text, line) != NULL;
}

static void test_values(void **state)
{
	(void)state;
	metrics = (struct metrics){ .signature_checks = 7, .unserved = 2 };
	metrics_verdict(&metrics, METRICS_AUTH, TOKEN_accepted, 900);
	metrics_verdict(&metrics, METRICS_AUTH, TOKEN_foreign_key, 1500);
	metrics_verdict(&metrics, METRICS_INTROSPECT, TOKEN_foreign_key, 45000);
	metrics_verdict(&metrics, METRICS_AUTH, TOKEN_proof_replayed, UINT64_C(3000000000));
	struct metrics_now now = now_of(2);
	write_all(&now);
	assert_true(has("chancery_gate_verdicts_total{endpoint=\"auth\",code=\"accepted\"} 1\n"));
	assert_true(has("chancery_gate_verdicts_total{endpoint=\"auth\",code=\"expired\"} 0\n"));
	assert_true(has("chancery_gate_foreign_key_total 2\n"));
	assert_true(has("chancery_gate_replay_refused_total 1\n"));
	assert_true(has("chancery_gate_signature_checks_total 7\n"));
	assert_true(has("chancery_gate_judgement_seconds_bucket{le=\"1e-06\"} 1\n"));
	assert_true(has("chancery_gate_judgement_seconds_bucket{le=\"2e-06\"} 2\n"));
	assert_true(has("chancery_gate_judgement_seconds_bucket{le=\"0.02\"} 3\n"));
	assert_true(has("chancery_gate_judgement_seconds_bucket{le=\"+Inf\"} 4\n"));
	assert_true(has("chancery_gate_judgement_seconds_sum 3.000047400\n"));
	assert_true(has("chancery_gate_issuer_keys{issuer=\"https://login.example/home\","
			"realm=\"home\"} 2\n"));
	assert_true(has("chancery_gate_issuer_keys_age_seconds{issuer=\"https://odd.example/"
			"\\\"\\\\\\n\",realm=\"odd\"} -1\n"));
	assert_true(has("chancery_gate_cache_lookups_total{result=\"miss\"} 20\n"));
	assert_true(has("chancery_gate_sightings_ok 1\n"));
	assert_true(has("chancery_gate_junk_refused_total 2\n"));
	assert_true(has("chancery_gate_build_info{version=\"0.1.0\"} 1\n"));
}

static void test_ready(void **state)
{
	struct json_node nodes[64];
	size_t n = 0;
	struct metrics_now now = now_of(1);
	struct wr w = wr_of(text, READY_ANSWER_MAX);
	(void)state;
	assert_true(ready_write(&w, &now));
	assert_true(str_eq(wr_text(&w), LIT("{\"ready\":true}")));
	now = now_of(2);
	now.sightings_ok = false;
	w = wr_of(text, READY_ANSWER_MAX);
	assert_false(ready_write(&w, &now));
	assert_true(
		str_eq(wr_text(&w),
		       LIT("{\"ready\":false,\"reasons\":[{\"reason\":\"sightings_unwritable\"},"
			   "{\"reason\":\"no_keys\",\"issuer\":"
			   "\"https://odd.example/\\\"\\\\\\n\"},"
			   "{\"reason\":\"revocations_unknown\",\"issuer\":"
			   "\"https://odd.example/\\\"\\\\\\n\"},"
			   "{\"reason\":\"log_unknown\",\"issuer\":"
			   "\"https://odd.example/\\\"\\\\\\n\"}]}")));
	assert_false(
		failed(json_parse(wr_bytes(&w), (struct json_limits){ 8, 63 }, nodes, 64, &n)));
	/* no sightings are asked for: nothing to be blind of */
	now = now_of(1);
	now.sightings = NULL;
	now.sightings_ok = false;
	w = wr_of(text, READY_ANSWER_MAX);
	assert_true(ready_write(&w, &now));
	/* no issuer at all is not ready */
	now = now_of(0);
	w = wr_of(text, READY_ANSWER_MAX);
	assert_false(ready_write(&w, &now));
}

/* As many issuers as a policy may have fit with names as long as they may be. */
static void test_room(void **state)
{
	static char name[512];
	static struct metrics_issuer many[32];
	(void)state;
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = 'n';
	for (size_t i = 0; i < COUNT_OF(many); i++)
		many[i] = (struct metrics_issuer){ { name, 256 }, { name, 64 }, INT64_MAX,
						   INT64_MAX,     INT64_MAX,    true,
						   true,          INT64_MAX,    INT64_MAX,
						   true,          true };
	struct metrics_now now = now_of(0);
	now.issuers = many;
	now.n_issuers = COUNT_OF(many);
	write_all(&now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format), cmocka_unit_test(test_checker),
		cmocka_unit_test(test_values), cmocka_unit_test(test_ready),
		cmocka_unit_test(test_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
