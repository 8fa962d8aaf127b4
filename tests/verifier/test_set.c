/* Our own published set, tests/vectors/verifier: every case has the verdict, the code and
 * the realm that it names, with keys as they were loaded, with warmed ones and through the
 * cache of good tokens. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/file.h"
#include "read.h"

enum { FILE_MAX = 8 << 20, NODES = 1 << 17, TEXTS = 1 << 20, POLICIES = 256 };

/* A policy of the file: loaded once, or why not. */
struct named {
	str name;
	struct asked *asked;
	const char *error;
};

static struct set {
	uint8_t *text;
	struct json_node *nodes;
	struct named policies[POLICIES];
	size_t n_policies;
	struct arena texts;
} set;

static struct tally {
	size_t cases, steps, accepted, refused, left_out, wrong;
} tally;

static struct words text_in(const struct json_node *object, str name)
{
	struct words w;
	assert_true(words_read(object, name, &set.texts, &w));
	return w;
}

static const struct named *policy_named(struct words name)
{
	for (size_t i = 0; i < set.n_policies; i++)
		if (str_eq(set.policies[i].name, (str){ name.p, name.n }))
			return &set.policies[i];
	fail_msg("no policy %s", name.p);
	return NULL;
}

/* Does the expectation say this, if it says anything? */
static bool says(const struct json_node *expect, str name, const char *text)
{
	struct words w = text_in(expect, name);
	return !w.p || str_eq((str){ w.p, w.n }, str_from_c(text));
}

static struct answer answer_of(const struct named *p, const struct json_node *step)
{
	struct question q;
	assert_true(question_read(step, &set.texts, &q));
	if (!p->asked)
		return (struct answer){ .code = "bad_policy" };
	/* without a proof, which is good once, the same question has the same answer */
	const char *first = q.has_request ? NULL : asked_answer(p->asked, &q).code;
	struct answer a = asked_answer(p->asked, &q);
	assert_true(!first || str_eq(str_from_c(first), str_from_c(a.code)));
	return a;
}

/* Is the answer the one that the step names? */
static bool step_ok(const struct json_node *step)
{
	const struct json_node *expect = json_member(step, LIT("expect"));
	const struct named *p = policy_named(text_in(step, LIT("policy")));
	struct answer a = answer_of(p, step);
	bool accepted = str_eq(str_from_c(a.code), LIT("accepted"));
	bool ok = says(expect, LIT("code"), a.code) &&
		  says(expect, LIT("verdict"), accepted ? "accept" : "refuse") &&
		  says(expect, LIT("realm"), a.realm) && says(expect, LIT("error"), p->error);
	if (!ok)
		print_error("got %s %s%s, not %.*s\n", a.code, a.realm, p->error,
			    (int)expect->text.n, expect->text.p);
	*(accepted ? &tally.accepted : &tally.refused) += 1;
	tally.steps++;
	return ok;
}

static void case_run(const struct json_node *c)
{
	const struct json_node *steps = json_member(c, LIT("steps"));
	arena_reset(&set.texts);
	tally.cases++;
	if (!asked_knows(json_member(c, LIT("needs")))) {
		tally.left_out++;
		return;
	}
	assert_true(asked_begin());
	for (const struct json_node *s = json_first(steps); s; s = json_next(steps, s)) {
		if (step_ok(s))
			continue;
		str id = json_member(c, LIT("id"))->text;
		print_error("case %.*s\n", (int)id.n, id.p);
		tally.wrong++;
	}
}

static struct named policy_load(const struct json_node *issuers)
{
	struct named named = { .name = issuers->name, .error = "" };
	struct trust t;
	arena_reset(&set.texts);
	assert_true(trust_read(issuers, &set.texts, &t));
	named.asked = asked_new(&t, &named.error);
	if (named.asked)
		named.error = "";
	return named;
}

static void set_load(const char *path)
{
	struct json_limits limits = { .depth = 12, .members = NODES };
	size_t n = 0, count = 0;
	set.nodes = calloc(NODES + 1, sizeof(*set.nodes));
	assert_non_null(set.nodes);
	assert_false(failed(file_read_new(AT_FDCWD, path, FILE_MAX, &set.text, &n)));
	assert_false(
		failed(json_parse((bytes){ set.text, n }, limits, set.nodes, NODES + 1, &count)));
	arena_init(&set.texts, malloc(TEXTS), TEXTS);
	const struct json_node *policies = json_member(set.nodes, LIT("policies"));
	for (const struct json_node *p = json_first(policies); p; p = json_next(policies, p)) {
		assert_true(set.n_policies < POLICIES);
		set.policies[set.n_policies++] = policy_load(p);
	}
}

static void set_done(void)
{
	for (size_t i = 0; i < set.n_policies; i++)
		asked_free(set.policies[i].asked);
	free(set.texts.p);
	free(set.nodes);
	free(set.text);
}

static void run_all(void)
{
	const struct json_node *cases = json_member(set.nodes, LIT("cases"));
	tally = (struct tally){ 0 };
	for (const struct json_node *c = json_first(cases); c; c = json_next(cases, c))
		case_run(c);
	print_message("%s: %zu cases, %zu steps: %zu accepted, %zu refused; %zu left out\n",
		      asked_name, tally.cases, tally.steps, tally.accepted, tally.refused,
		      tally.left_out);
	assert_int_equal(tally.wrong, 0);
	assert_int_equal(tally.left_out, LEFT_OUT);
	assert_true(tally.cases >= 260 && tally.accepted >= 100 && tally.refused >= 600);
}

static void every_case_has_its_verdict(void **state)
{
	(void)state;
	run_all();
}

/* The tables of warmed keys must not change an answer. */
static void and_with_warmed_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < set.n_policies; i++)
		if (set.policies[i].asked)
			assert_true(asked_warm(set.policies[i].asked));
	run_all();
}

/* Runs last: there is no way back. */
static void and_through_the_cache(void **state)
{
	(void)state;
	assert_true(asked_cache());
	run_all();
	assert_true(asked_cache_hits() >= 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case_has_its_verdict),
		cmocka_unit_test(and_with_warmed_keys),
		cmocka_unit_test(and_through_the_cache),
	};
	assert_true(asked_init());
	set_load(VERIFIER_CASES);
	int status = cmocka_run_group_tests(tests, NULL, NULL);
	set_done();
	return status;
}
