/* Our own published set, tests/vectors/verifier, through the judge: every case has the
 * verdict and the code that it names, with keys as they were loaded and with warmed ones. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/file.h"
#include "codec/base64url.h"
#include "codec/json.h"
#include "crypto/key.h"
#include "token/codes.h"
#include "token/confirm.h"
#include "token/verify.h"

enum {
	FILE_MAX = 8 << 20,
	NODES = 1 << 17,
	TEXTS = 1 << 20,
	POLICIES = 256,
	ISSUERS_MAX = 4,
	PERIODS_MAX = 4,
	NONCES_MAX = 4,
	CERTIFICATE_MAX = 4096,
	PROOFS = 64,
	REPLAY_ROOM = 1 << 16,
};

/* A policy of the file: loaded once, or why not. */
struct named {
	str name;
	struct policy *policy;
	enum ch_code error;
};

static struct set {
	uint8_t *text;
	struct json_node *nodes;
	struct named policies[POLICIES];
	size_t n_policies;
	struct arena texts;
} set;

static struct tally {
	size_t cases, steps, accepted, refused, wrong;
} tally;

/* Used proofs, of one case. */
static _Alignas(64) uint8_t replay_room[REPLAY_ROOM];
static struct replay *replay;

/* The member's text in the set's own words; empty when there is none. */
static str text_in(const struct json_node *obj, str name)
{
	str s = { NULL, 0 };
	const struct json_node *m = json_member(obj, name);
	if (m)
		assert_false(failed(json_to_str(m, &set.texts, &s)));
	return s;
}

static int64_t number_in(const struct json_node *obj, str name)
{
	int64_t v = 0;
	const struct json_node *m = json_member(obj, name);
	if (m)
		assert_false(failed(json_to_int(m, &v)));
	return v;
}

static size_t periods_in(const struct json_node *issuer, struct policy_period *p)
{
	const struct json_node *list = json_member(issuer, LIT("periods"));
	size_t n = 0;
	for (const struct json_node *i = list ? json_first(list) : NULL; i;
	     i = json_next(list, i)) {
		assert_true(n < PERIODS_MAX);
		p[n++] = (struct policy_period){
			.kid = text_in(i, LIT("kid")),
			.from_s = number_in(i, LIT("from_s")),
			.until_s = number_in(i, LIT("until_s")),
		};
	}
	return n;
}

static size_t audiences_in(const struct json_node *issuer, str *audiences)
{
	const struct json_node *list = json_member(issuer, LIT("audiences"));
	size_t n = 0;
	for (const struct json_node *i = json_first(list); i; i = json_next(list, i)) {
		assert_true(n < ISSUER_AUDIENCES_MAX);
		assert_false(failed(json_to_str(i, &set.texts, &audiences[n++])));
	}
	return n;
}

static struct named policy_load(const struct json_node *issuers)
{
	struct policy_issuer in[ISSUERS_MAX];
	struct policy_period periods[ISSUERS_MAX][PERIODS_MAX];
	str audiences[ISSUERS_MAX][ISSUER_AUDIENCES_MAX];
	struct named named = { .name = issuers->name };
	size_t n = 0;
	for (const struct json_node *i = json_first(issuers); i; i = json_next(issuers, i), n++) {
		assert_true(n < ISSUERS_MAX);
		in[n] = (struct policy_issuer){
			.issuer = text_in(i, LIT("issuer")),
			.realm = text_in(i, LIT("realm")),
			.typ = text_in(i, LIT("typ")),
			.audiences = audiences[n],
			.n_audiences = audiences_in(i, audiences[n]),
			.jwks = bytes_of_str(text_in(i, LIT("jwks"))),
			.periods = periods[n],
			.n_periods = periods_in(i, periods[n]),
			.skew_s = number_in(i, LIT("skew_s")),
			.max_ttl_s = number_in(i, LIT("max_ttl_s")),
		};
	}
	named.error = ch_code_of(policy_new(in, n, NULL, &named.policy));
	return named;
}

static const struct named *policy_named(str name)
{
	for (size_t i = 0; i < set.n_policies; i++)
		if (str_eq(set.policies[i].name, name))
			return &set.policies[i];
	fail_msg("no policy %.*s", (int)name.n, name.p);
	return NULL;
}

static size_t nonces_in(const struct json_node *request, str *nonces)
{
	const struct json_node *list = json_member(request, LIT("nonces"));
	size_t n = 0;
	for (const struct json_node *i = list ? json_first(list) : NULL; i;
	     i = json_next(list, i)) {
		assert_true(n < NONCES_MAX);
		assert_false(failed(json_to_str(i, &set.texts, &nonces[n++])));
	}
	return n;
}

static struct token_proofs proofs_in(const struct json_node *request, struct wr *der)
{
	struct token_proofs p = {
		.dpop = text_in(request, LIT("dpop")),
		.dpop_scheme = str_eq(text_in(request, LIT("scheme")), LIT("DPoP")),
	};
	if (json_member(request, LIT("certificate"))) {
		assert_false(failed(base64url_read(text_in(request, LIT("certificate")), der)));
		p.certificate = wr_bytes(der);
	}
	return p;
}

static void confirm(const struct json_node *step, const struct json_node *request,
		    struct token_verdict *v)
{
	static struct token_scratch scratch;
	uint8_t der[CERTIFICATE_MAX];
	struct wr w = wr_of(der, sizeof(der));
	str nonces[NONCES_MAX];
	struct token_proofs shown = proofs_in(request, &w);
	struct token_request r = {
		.token = text_in(step, LIT("token")),
		.method = text_in(request, LIT("method")),
		.url = text_in(request, LIT("url")),
		.now_s = number_in(step, LIT("now")),
		.window_s = number_in(request, LIT("window_s")),
		.skew_s = number_in(request, LIT("skew_s")),
		.nonces = nonces,
		.n_nonces = nonces_in(request, nonces),
		.replay = replay,
	};
	enum token_code code = token_confirm(v, &shown, &r, &scratch);
	assert_int_equal(code, v->code);
}

static str code_of(const struct named *p, const struct json_node *step, struct token_verdict *v)
{
	static struct token_scratch scratch;
	const struct json_node *request = json_member(step, LIT("request"));
	*v = (struct token_verdict){ .code = TOKEN_CODE_COUNT };
	if (!p->policy)
		return LIT("bad_policy");
	token_verify(p->policy, text_in(step, LIT("token")), number_in(step, LIT("now")), &scratch,
		     v);
	if (request)
		confirm(step, request, v);
	return token_code_name(v->code);
}

/* Is the answer the one that the step names? */
static bool step_ok(const struct json_node *step)
{
	const struct json_node *expect = json_member(step, LIT("expect"));
	const struct named *p = policy_named(text_in(step, LIT("policy")));
	struct token_verdict v;
	str code = code_of(p, step, &v);
	bool accepted = v.code == TOKEN_accepted;
	bool ok = str_eq(code, text_in(expect, LIT("code"))) &&
		  accepted == str_eq(text_in(expect, LIT("verdict")), LIT("accept"));
	if (ok && json_member(expect, LIT("error")))
		ok = str_eq(str_from_c(ch_code_name(p->error)), text_in(expect, LIT("error")));
	if (ok && json_member(expect, LIT("realm")))
		ok = str_eq(v.realm, text_in(expect, LIT("realm")));
	if (!ok)
		print_error("got %.*s %s, not %.*s\n", (int)code.n, code.p,
			    p->policy ? "" : ch_code_name(p->error), (int)expect->text.n,
			    expect->text.p);
	*(accepted ? &tally.accepted : &tally.refused) += 1;
	tally.steps++;
	return ok;
}

static void case_run(const struct json_node *c)
{
	const struct json_node *steps = json_member(c, LIT("steps"));
	arena_reset(&set.texts);
	assert_true(replay_size(PROOFS) <= sizeof(replay_room));
	assert_false(failed(replay_init(replay_room, sizeof(replay_room), PROOFS, &replay)));
	tally.cases++;
	for (const struct json_node *s = json_first(steps); s; s = json_next(steps, s)) {
		if (step_ok(s))
			continue;
		str id = json_member(c, LIT("id"))->text;
		print_error("case %.*s\n", (int)id.n, id.p);
		tally.wrong++;
	}
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
		arena_reset(&set.texts);
		set.policies[set.n_policies++] = policy_load(p);
	}
}

static void set_done(void)
{
	for (size_t i = 0; i < set.n_policies; i++)
		policy_free(set.policies[i].policy);
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
	print_message("%zu cases, %zu steps: %zu accepted, %zu refused\n", tally.cases, tally.steps,
		      tally.accepted, tally.refused);
	assert_int_equal(tally.wrong, 0);
	assert_true(tally.cases >= 260 && tally.accepted >= 60);
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
		if (set.policies[i].policy)
			assert_false(failed(policy_warm(set.policies[i].policy)));
	run_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case_has_its_verdict),
		cmocka_unit_test(and_with_warmed_keys),
	};
	assert_false(failed(crypto_init(NULL)));
	set_load(VERIFIER_CASES);
	int status = cmocka_run_group_tests(tests, NULL, NULL);
	set_done();
	return status;
}
