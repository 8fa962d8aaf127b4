/* Wycheproof: signatures in JOSE form and key sets. Its payloads are no claims, so
 * what is driven is the outer form, the header, the key and the signature. What is valid
 * by its file and refused here stands in deviations.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>

#include "base/file.h"
#include "codec/json.h"
#include "crypto/key.h"
#include "deviations.h"
#include "jws.h"
#include "token/jwk.h"
#include "token/policy.h"

enum { FILE_MAX = 4 << 20, NODES = 1 << 16 };

struct suite {
	uint8_t *text;
	struct json_node *nodes;
};

static void suite_done(struct suite *s)
{
	free(s->text);
	free(s->nodes);
}

static struct suite suite_of(const char *path)
{
	struct suite s = { NULL, calloc(NODES + 1, sizeof(*s.nodes)) };
	struct json_limits limits = { .depth = 10, .members = NODES };
	size_t n = 0, count = 0;
	assert_non_null(s.nodes);
	assert_false(failed(file_read_new(AT_FDCWD, path, FILE_MAX, &s.text, &n)));
	assert_false(failed(json_parse((bytes){ s.text, n }, limits, s.nodes, NODES + 1, &count)));
	return s;
}

static str text_of(const struct json_node *obj, str name, struct arena *a)
{
	str s = { NULL, 0 };
	const struct json_node *m = json_member(obj, name);
	assert_non_null(m);
	/* JSON serialisation may stand there as an object */
	if (m->type == JSON_OBJECT)
		return m->text;
	assert_false(failed(json_to_str(m, a, &s)));
	return s;
}

/* As the judge does it, down to the signature. */
static enum step jws_step(str token, const struct json_node *jwk)
{
	static struct token_scratch scratch;
	AUTO(public_key_done) struct public_key *key = NULL;
	struct key_parts parts;
	struct jws jws;
	struct arena a;
	str kid = { NULL, 0 };
	arena_init(&a, scratch.arena, sizeof(scratch.arena));
	if (jws_split(token, scratch.text, &jws) || jws_json(jws.header, scratch.header) ||
	    jws_header(scratch.header, &a, &jws))
		return STEP_TEXT;
	if (failed(jwk_read(jwk, &parts, &kid)) || failed(public_key_new(&parts, &key)) ||
	    !str_eq(jws.kid, kid))
		return STEP_KEY;
	if (!str_eq(jws.alg, alg_name(parts.alg)))
		return STEP_ALG;
	ch_err e = public_key_verify(key, NULL, signed_text_of(bytes_of_str(jws.input)), jws.sig);
	return failed(e) ? STEP_SIGNATURE : STEP_NONE;
}

/* A set is loaded as an issuer's, then the key of the token's kid checks it. */
static enum step set_step(str token, const struct json_node *set)
{
	AUTO(policy_done) struct policy *p = NULL;
	str audience = LIT("a");
	struct policy_issuer issuer = {
		.issuer = LIT("https://id.test"),
		.realm = LIT("r"),
		.typ = LIT("JWT"),
		.audiences = &audience,
		.n_audiences = 1,
		.max_ttl_s = 1,
		.jwks = bytes_of_str(set->text),
	};
	if (failed(policy_new(&issuer, 1, NULL, &p)))
		return STEP_KEY;
	const struct json_node *keys = json_member(set, LIT("keys"));
	enum step step = STEP_KEY;
	for (const struct json_node *k = json_first(keys); k && step == STEP_KEY;
	     k = json_next(keys, k))
		step = jws_step(token, k);
	return step;
}

static void one(const struct json_node *key, const struct json_node *t)
{
	static uint8_t room[1 << 16];
	struct arena a;
	int64_t id = 0;
	arena_init(&a, room, sizeof(room));
	assert_false(failed(json_to_int(json_member(t, LIT("tcId")), &id)));
	str token = text_of(t, json_member(t, LIT("jwe")) ? LIT("jwe") : LIT("jws"), &a);
	enum step step = json_member(key, LIT("keys")) ? set_step(token, key)
						       : jws_step(token, key);
	const char *wrong = deviations_judge(id, json_member(t, LIT("result"))->text, step);
	if (wrong)
		fail_msg("test %d %s", (int)id, wrong);
}

static void run_file(const char *path, str name, size_t accepted, size_t refused)
{
	AUTO(suite_done) struct suite s = suite_of(path);
	const struct json_node *groups = json_member(s.nodes, LIT("testGroups"));
	deviations_begin(name);
	for (const struct json_node *g = json_first(groups); g; g = json_next(groups, g)) {
		const struct json_node *key = json_member(g, LIT("public"));
		const struct json_node *tests = json_member(g, LIT("tests"));
		if (!key)
			key = json_member(g, LIT("private"));
		for (const struct json_node *t = json_first(tests); t; t = json_next(tests, t))
			one(key, t);
	}
	assert_int_equal(deviations_missing(), 0);
	assert_int_equal(deviations_tally().accepted, accepted);
	assert_int_equal(deviations_tally().refused, refused);
}

#define RUN_FILE(name, accepted, refused) run_file(VECTORS "/" name, LIT(name), accepted, refused)

static void signatures(void **state)
{
	(void)state;
	RUN_FILE("json_web_signature_test.json", 14, 387);
}

static void key_sets(void **state)
{
	(void)state;
	RUN_FILE("json_web_key_test.json", 1, 25);
}

/* Signatures, key sets and encryption in one older file. */
static void mixed(void **state)
{
	(void)state;
	RUN_FILE("json_web_crypto_test.json", 2, 81);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures),
		cmocka_unit_test(key_sets),
		cmocka_unit_test(mixed),
	};
	assert_false(failed(crypto_init(NULL)));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
