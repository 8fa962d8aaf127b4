/* Wycheproof: signatures in JOSE form and key sets. Its payloads are no claims, so
 * what is driven is the outer form, the header, the key and the signature. A test for
 * an algorithm that is not here must be refused, whatever its file says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>

#include "base/file.h"
#include "codec/json.h"
#include "crypto/key.h"
#include "jws.h"
#include "token/jwk.h"
#include "token/policy.h"

enum { FILE_MAX = 4 << 20, NODES = 1 << 16 };

/* Valid by the file and refused here, with the reason. */
static const struct {
	int64_t id;
	const char *why;
} signature_deviations[] = {
	{ 259, "an empty payload is no JSON object, so no token" },
	{ 272, "an empty payload is no JSON object, so no token" },
	{ 346, "the key is for PS256 and the header says PS384" },
	{ 350, "the key is for PS256 and the header says PS384" },
};

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
	struct json_limits limits = { .depth = 8, .members = NODES };
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
	assert_false(failed(json_to_str(m, a, &s)));
	return s;
}

/* As the judge does it, down to the signature. */
static bool jws_ok(str token, const struct json_node *jwk)
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
		return false;
	if (failed(jwk_read(jwk, &parts, &kid)) || failed(public_key_new(&parts, &key)))
		return false;
	if (!str_eq(jws.kid, kid) || !str_eq(jws.alg, alg_name(parts.alg)))
		return false;
	return !failed(
		public_key_verify(key, NULL, signed_text_of(bytes_of_str(jws.input)), jws.sig));
}

static bool is_ours(const struct json_node *jwk)
{
	const struct json_node *alg = json_member(jwk, LIT("alg"));
	enum alg a = ALG_COUNT;
	return alg && alg_by_name(alg->text, &a);
}

static bool deviates(int64_t id)
{
	for (size_t i = 0; i < COUNT_OF(signature_deviations); i++)
		if (signature_deviations[i].id == id)
			return true;
	return false;
}

struct tally {
	size_t accepted, refused;
};

static void signature_test(const struct json_node *t, const struct json_node *jwk,
			   struct tally *tally)
{
	static uint8_t room[1 << 16];
	struct arena a;
	int64_t id = 0;
	arena_init(&a, room, sizeof(room));
	assert_false(failed(json_to_int(json_member(t, LIT("tcId")), &id)));
	bool valid = json_is_str(json_member(t, LIT("result")), LIT("valid"));
	bool ok = jws_ok(text_of(t, LIT("jws"), &a), jwk);
	if (ok != (valid && is_ours(jwk) && !deviates(id)))
		fail_msg("test %d: %s", (int)id, ok ? "accepted" : "refused");
	*(ok ? &tally->accepted : &tally->refused) += 1;
}

static void signatures(void **state)
{
	(void)state;
	AUTO(suite_done) struct suite s = suite_of(VECTORS "/json_web_signature_test.json");
	struct tally tally = { 0, 0 };
	const struct json_node *groups = json_member(s.nodes, LIT("testGroups"));
	for (const struct json_node *g = json_first(groups); g; g = json_next(groups, g)) {
		const struct json_node *jwk = json_member(g, LIT("public"));
		const struct json_node *tests = json_member(g, LIT("tests"));
		if (!jwk)
			jwk = json_member(g, LIT("private"));
		for (const struct json_node *t = json_first(tests); t; t = json_next(tests, t))
			signature_test(t, jwk, &tally);
	}
	assert_int_equal(tally.accepted + tally.refused, 401);
	print_message("signatures: %zu accepted, %zu refused\n", tally.accepted, tally.refused);
}

/* 372 and 373 are valid by the file: the MAC covers the text as sent. Here one value has
 * one text, so they are refused before any key is looked at. */
static void characters_outside_the_alphabet(void **state)
{
	(void)state;
	AUTO(suite_done) struct suite s = suite_of(VECTORS "/json_web_signature_test.json");
	static uint8_t room[1 << 16], text[TOKEN_MAX];
	const struct json_node *groups = json_member(s.nodes, LIT("testGroups"));
	size_t seen = 0;
	for (const struct json_node *g = json_first(groups); g; g = json_next(groups, g)) {
		const struct json_node *tests = json_member(g, LIT("tests"));
		for (const struct json_node *t = json_first(tests); t; t = json_next(tests, t)) {
			struct arena a;
			struct jws jws;
			int64_t id = 0;
			arena_init(&a, room, sizeof(room));
			assert_false(failed(json_to_int(json_member(t, LIT("tcId")), &id)));
			if (id != 372 && id != 373)
				continue;
			assert_int_equal(jws_split(text_of(t, LIT("jws"), &a), text, &jws),
					 TOKEN_malformed);
			seen++;
		}
	}
	assert_int_equal(seen, 2);
}

/* A set is loaded as an issuer's, then the key of the token's kid checks it. */
static bool set_ok(str token, const struct json_node *set)
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
		return false;
	const struct json_node *keys = json_member(set, LIT("keys"));
	for (const struct json_node *k = json_first(keys); k; k = json_next(keys, k))
		if (jws_ok(token, k))
			return true;
	return false;
}

static void key_sets(void **state)
{
	(void)state;
	AUTO(suite_done) struct suite s = suite_of(VECTORS "/json_web_key_test.json");
	static uint8_t room[1 << 16];
	struct tally tally = { 0, 0 };
	const struct json_node *groups = json_member(s.nodes, LIT("testGroups"));
	for (const struct json_node *g = json_first(groups); g; g = json_next(groups, g)) {
		const struct json_node *set = json_member(g, LIT("public"));
		const struct json_node *tests = json_member(g, LIT("tests"));
		if (!set)
			set = json_member(g, LIT("private"));
		const struct json_node *first = json_first(json_member(set, LIT("keys")));
		for (const struct json_node *t = json_first(tests); t; t = json_next(tests, t)) {
			struct arena a;
			arena_init(&a, room, sizeof(room));
			bool valid = json_is_str(json_member(t, LIT("result")), LIT("valid"));
			bool ok = set_ok(text_of(t, LIT("jws"), &a), set);
			if (ok != (valid && is_ours(first)))
				fail_msg("set %.*s: %s", (int)set->text.n, set->text.p,
					 ok ? "accepted" : "refused");
			*(ok ? &tally.accepted : &tally.refused) += 1;
		}
	}
	assert_int_equal(tally.accepted + tally.refused, 26);
	print_message("key sets: %zu accepted, %zu refused\n", tally.accepted, tally.refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures),
		cmocka_unit_test(characters_outside_the_alphabet),
		cmocka_unit_test(key_sets),
	};
	assert_false(failed(crypto_init(NULL)));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
