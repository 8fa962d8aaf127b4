/* chancery.yaml: what we write parses back, every mistake is named with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"

static uint8_t text[CONFIG_WRITE_MAX];
static uint8_t why_room[CONFIG_WHY_MAX];

static ch_err parse(bytes yaml, struct wr *why, struct config *ret_c, struct config_text **ret_text)
{
	*why = wr_of(why_room, sizeof(why_room));
	return config_parse(LIT("chancery.yaml"), yaml, why, ret_c, ret_text);
}

static bytes default_file(void)
{
	struct config c;
	struct wr w = wr_of(text, sizeof(text));
	config_defaults(&c);
	config_write(&w, &c);
	assert_false(w.full);
	return wr_bytes(&w);
}

static void same_group(const struct config_group *a, const struct config_group *b)
{
	assert_true(str_eq(a->name, b->name) && str_eq(a->host, b->host) && a->port == b->port);
	assert_int_equal(a->n_fronts, b->n_fronts);
	for (size_t i = 0; i < a->n_fronts; i++)
		assert_true(str_eq(a->fronts[i], b->fronts[i]));
	assert_int_equal(a->n_realms, b->n_realms);
	for (size_t i = 0; i < a->n_realms; i++)
		assert_true(str_eq(a->realms[i], b->realms[i]));
}

static void same_realm(const struct config_realm *a, const struct config_realm *b)
{
	assert_true(str_eq(a->name, b->name) && str_eq(a->kind, b->kind));
	assert_true(str_eq(a->issuer, b->issuer) && str_eq(a->alg, b->alg));
	assert_int_equal(a->issues, b->issues);
	assert_int_equal(a->access_ttl_s, b->access_ttl_s);
	assert_int_equal(a->id_ttl_s, b->id_ttl_s);
	assert_int_equal(a->code_ttl_s, b->code_ttl_s);
	assert_int_equal(a->refresh_ttl_s, b->refresh_ttl_s);
	assert_int_equal(a->refresh_idle_s, b->refresh_idle_s);
	assert_int_equal(a->session_ttl_s, b->session_ttl_s);
	assert_int_equal(a->session_idle_s, b->session_idle_s);
	assert_int_equal(a->refresh_window_s, b->refresh_window_s);
	assert_int_equal(a->rate_per_s, b->rate_per_s);
	assert_int_equal(a->n_audiences, b->n_audiences);
	for (size_t i = 0; i < a->n_audiences; i++) {
		assert_true(str_eq(a->audiences[i].name, b->audiences[i].name));
		assert_true(str_eq(a->audiences[i].resource, b->audiences[i].resource));
	}
	assert_int_equal(a->n_scopes, b->n_scopes);
	for (size_t i = 0; i < a->n_scopes; i++)
		assert_true(str_eq(a->scopes[i], b->scopes[i]));
	assert_int_equal(a->n_scope_texts, b->n_scope_texts);
	for (size_t i = 0; i < a->n_scope_texts; i++) {
		assert_true(str_eq(a->scope_texts[i].scope, b->scope_texts[i].scope));
		assert_true(str_eq(a->scope_texts[i].en, b->scope_texts[i].en));
		assert_true(str_eq(a->scope_texts[i].fr, b->scope_texts[i].fr));
	}
}

static void round_trip_of(const struct config *c)
{
	struct wr w = wr_of(text, sizeof(text)), why;
	struct config back;
	struct config_text *t = NULL;
	config_write(&w, c);
	ch_err e = parse(wr_bytes(&w), &why, &back, &t);
	if (failed(e))
		fail_msg("%.*s", (int)why.n, (const char *)why.p);
	assert_int_equal(back.secret_memory, c->secret_memory);
	assert_true(str_eq(back.passphrase_file, c->passphrase_file));
	assert_true(str_eq(back.crash_handler, c->crash_handler));
	assert_int_equal(back.uid_base, c->uid_base);
	assert_int_equal(back.jwks_max_age_s, c->jwks_max_age_s);
	assert_int_equal(back.n_groups, c->n_groups);
	for (size_t i = 0; i < c->n_groups; i++)
		same_group(&back.groups[i], &c->groups[i]);
	assert_int_equal(back.n_realms, c->n_realms);
	for (size_t i = 0; i < c->n_realms; i++)
		same_realm(&back.realms[i], &c->realms[i]);
	config_text_free(t);
}

static void what_we_write_parses_back(void **state)
{
	(void)state;
	struct config c;
	config_defaults(&c);
	round_trip_of(&c);
	c.secret_memory = SECRETMEM_MLOCK;
	c.passphrase_file = LIT("/etc/it's here: #1");
	c.crash_handler = LIT("none");
	c.uid_base = 65000;
	c.groups[0].host = LIT("::1");
	c.groups[0].name = LIT("true");
	c.realms[0].scopes[0] = LIT("- [x]: 'y' !&*");
	c.realms[0].scopes[1] = LIT("null");
	/* a scope has no blank */
	c.realms[0].scopes[0] = LIT("[x]:'y'!&*#");
	c.groups[0].n_fronts = 2;
	c.groups[0].fronts[0] = LIT("127.0.0.1");
	c.groups[0].fronts[1] = LIT("::1");
	c.realms[0].n_scope_texts = 2;
	c.realms[0].scope_texts[0] = (struct role_scope_text){ c.realms[0].scopes[0],
							       LIT("It's yours: \"all\" of it"),
							       LIT("Tout, d\303\251j\303\240") };
	c.realms[0].scope_texts[1] =
		(struct role_scope_text){ c.realms[0].scopes[2], LIT("- a text"), { 0 } };
	c.realms[1].issuer = LIT("https://login.example:8443/corp");
	c.realms[1].audiences[0].resource = LIT("urn:example:mail");
	round_trip_of(&c);
}

/* A file of before there were refresh tokens. */
static void refresh_has_defaults(void **state)
{
	static const char *const keys[] = { "refresh_ttl_s:", "refresh_idle_s:",
					    "refresh_window_s:" };
	struct config c;
	struct config_text *t = NULL;
	struct wr why;
	(void)state;
	size_t n = default_file().n;
	char *p = (char *)text;
	text[n] = 0;
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		for (char *at = strstr(p, keys[i]); at; at = strstr(at, keys[i]))
			*at = '#';
	assert_false(failed(parse((bytes){ text, n }, &why, &c, &t)));
	for (size_t i = 0; i < c.n_realms; i++) {
		assert_int_equal(c.realms[i].refresh_ttl_s, 90 * 86400);
		assert_int_equal(c.realms[i].refresh_idle_s, 30 * 86400);
		assert_int_equal(c.realms[i].refresh_window_s, 60);
	}
	config_text_free(t);
}

/* The default file with `from` replaced by `to`; line of the change. */
static bytes mended(const char *from, const char *to, uint32_t *ret_line)
{
	static char changed[CONFIG_WRITE_MAX + 4096];
	bytes b = default_file();
	char *at = memmem(b.p, b.n, from, strlen(from));
	if (!at)
		fail_msg("the default file has no '%s'", from);
	size_t before = (size_t)(at - (const char *)b.p);
	uint32_t line = 1;
	for (size_t i = 0; i < before; i++)
		line += b.p[i] == '\n';
	int n = snprintf(changed, sizeof(changed), "%.*s%s%.*s", (int)before, (const char *)b.p, to,
			 (int)(b.n - before - strlen(from)), at + strlen(from));
	*ret_line = line;
	return (bytes){ (const uint8_t *)changed, (size_t)n };
}

struct mistake {
	const char *from, *to;
	enum ch_code code;
	int lines_below; /* of the complaint, from where the change begins; -1: anywhere */
	const char *says;
};

static void check_mistake(const struct mistake *m)
{
	uint32_t line = 0;
	struct wr why;
	struct config c = { .uid_base = 7 };
	struct config_text *t = NULL;
	char place[64];
	bytes b = mended(m->from, m->to, &line);
	ch_err e = parse(b, &why, &c, &t);
	why_room[why.n < sizeof(why_room) ? why.n : sizeof(why_room) - 1] = 0;
	const char *said = (const char *)why_room;
	if (ch_code_of(e) != m->code)
		fail_msg("%s -> %s: code %d, %s", m->from, m->to, ch_code_of(e), said);
	snprintf(place, sizeof(place), "chancery.yaml:%d: ", (int)line + m->lines_below);
	if (m->lines_below >= 0 && strncmp(said, place, strlen(place)) != 0)
		fail_msg("%s -> %s: not at %s: %s", m->from, m->to, place, said);
	if (!strstr(said, m->says) || !strchr(said, ';'))
		fail_msg("%s -> %s: does not say '%s': %s", m->from, m->to, m->says, said);
	assert_false(why.full);
	/* nothing of it was taken */
	assert_int_equal(c.uid_base, 7);
	assert_null(t);
}

static const struct mistake mistakes[] = {
	/* YAML that we do not take */
	{ "uid_base: ", "uid_base: &a ", CH_E_SYNTAX, 0, "an anchor" },
	{ "uid_base: 59900", "uid_base: *a", CH_E_SYNTAX, 0, "an alias" },
	{ "uid_base: ", "uid_base: !!int ", CH_E_SYNTAX, 0, "a tag" },
	{ "scopes: [", "scopes: !x [", CH_E_SYNTAX, 0, "a tag" },
	{ "realms:\n", "realms: &r\n", CH_E_SYNTAX, -1, "an anchor" },
	{ "# A Chancery", "%YAML 1.1\n---\n# A", CH_E_SYNTAX, -1, "a directive" },
	{ "uid_base:", "---\nuid_base:", CH_E_SYNTAX, 0, "a second document" },
	{ "uid_base: ", "uid_base: [", CH_E_SYNTAX, -1, "not YAML" },
	{ "uid_base:", "\tuid_base:", CH_E_SYNTAX, -1, "not YAML" },
	{ "uid_base:", "? [a]\n: b\nuid_base:", CH_E_SYNTAX, 0, "where a key belongs" },
	{ "uid_base:", "'': b\nuid_base:", CH_E_SYNTAX, 0, "a key is empty" },
	{ "passphrase\n", "\"pass\\0phrase\"\n", CH_E_SYNTAX, 0, "control character" },
	{ "uid_base: 59900", "uid_base: [[[[[[[]]]]]]]", CH_E_LIMIT, 0, "too deep" },
	/* keys */
	{ "uid_base:", "uid_bse:", CH_E_SYNTAX, 0, "unknown key \"uid_bse\"" },
	{ "    issues: true", "    isues: true", CH_E_SYNTAX, 0, "realms.home; the keys here are" },
	{ "uid_base: 59900", "uid_base: 59900\nuid_base: 59901", CH_E_DUPLICATE, 1, "twice" },
	{ "uid_base: 59900", "", CH_E_MISSING, -1, "\"uid_base\" is missing" },
	{ "    alg: ES256\n", "", CH_E_MISSING, -1, "\"alg\" is missing in realms.home" },
	{ "  corp:", "  home:", CH_E_DUPLICATE, 0, "\"home\" is here twice" },
	{ "  home:", "  ho me:", CH_E_RANGE, 0, "is no name" },
	{ "      mail:", "      ../mail:", CH_E_RANGE, 0, "is no name" },
	/* types */
	{ "59900", "'59900'", CH_E_SYNTAX, 0, "a whole number without quotes" },
	{ "59900", "0x10", CH_E_SYNTAX, 0, "a whole number" },
	{ "59900", "-1", CH_E_SYNTAX, 0, "a whole number" },
	{ "59900", "99999999999", CH_E_SYNTAX, 0, "a whole number" },
	{ "59900", "", CH_E_SYNTAX, 0, "a whole number" },
	{ "59900", "[1]", CH_E_SYNTAX, 0, "a list does not belong here" },
	{ "issues: true", "issues: yes", CH_E_SYNTAX, 0, "true or false" },
	{ "issues: true", "issues: 'true'", CH_E_SYNTAX, 0, "true or false" },
	{ "passphrase\n", "\n", CH_E_SYNTAX, 0, "has no value" },
	{ "passphrase\n", "null\n", CH_E_SYNTAX, 0, "has no value" },
	{ "passphrase\n", "{ a: b }\n", CH_E_SYNTAX, 0, "a map does not belong here" },
	{ "realms: [home, corp]", "realms: home", CH_E_SYNTAX, 0, "write a list" },
	{ "realms: [home, corp]", "realms: [home, [corp]]", CH_E_SYNTAX, 0, "write one text" },
	{ "    audiences:\n", "    audiences: mail\n    scopes_:\n", CH_E_SYNTAX, 0,
	  "write a map" },
	/* values */
	{ "memfd\n", "paper\n", CH_E_RANGE, 0, "choose one of memfd mlock" },
	{ "alg: ES256", "alg: HS256", CH_E_RANGE, 0, "ES256 EdDSA RS256 PS256" },
	{ "consumer\n", "friends\n", CH_E_RANGE, 0, "consumer enterprise staff" },
	{ "59900", "0", CH_E_RANGE, 0, "1 to 65000" },
	{ "59900", "65001", CH_E_RANGE, 0, "1 to 65000" },
	{ "code_ttl_s: 60", "code_ttl_s: 601", CH_E_RANGE, 0, "5 to 600" },
	{ "access_ttl_s: 600", "access_ttl_s: 86401", CH_E_RANGE, 0, "10 to 86400" },
	{ "refresh_ttl_s: 7776000", "refresh_ttl_s: 59", CH_E_RANGE, 0, "60 to 316224000" },
	{ "refresh_idle_s: 2592000", "refresh_idle_s: 59", CH_E_RANGE, 0, "60 to 316224000" },
	{ "session_ttl_s: 604800", "session_ttl_s: 59", CH_E_RANGE, 0, "60 to 31622400" },
	{ "session_idle_s: 43200", "session_idle_s: 0", CH_E_RANGE, 0, "60 to 31622400" },
	{ "refresh_window_s: 60", "refresh_window_s: 301", CH_E_RANGE, 0, "0 to 300" },
	{ "rate_per_s: 50000", "rate_per_s: 0", CH_E_RANGE, 0, "1 to 1000000" },
	{ "127.0.0.1:8080", "localhost:8080", CH_E_RANGE, 0, "no address and port" },
	{ "127.0.0.1:8080", "127.0.0.1:0", CH_E_RANGE, 0, "no address and port" },
	{ "127.0.0.1:8080", "127.0.0.1:65536", CH_E_RANGE, 0, "no address and port" },
	{ "127.0.0.1:8080", "127.0.0.1", CH_E_RANGE, 0, "no address and port" },
	{ "127.0.0.1:8080", "'::1:8080'", CH_E_RANGE, 0, "no address and port" },
	{ "realms: [home, corp]", "realms: []", CH_E_RANGE, 0, "has 0 elements" },
	{ "realms: [home, corp]", "realms: [home, home]", CH_E_DUPLICATE, 0, "twice" },
	{ "[openid, profile", "[openid, 'a b'", CH_E_RANGE, 0, "is no scope" },
	{ "https://mail.example", "mail.example", CH_E_RANGE, 0, "no absolute URI" },
	{ "https://mail.example", "https://mail.example#x", CH_E_RANGE, 0, "no absolute URI" },
	{ "https://mail.example", "https:///x", CH_E_RANGE, 0, "no absolute URI" },
	{ "http://localhost:8080/home", "http://login.example/home", CH_E_RANGE, 0, "use https" },
	{ "http://localhost:8080/home", "https://a.example/home/", CH_E_RANGE, 0, "no issuer" },
	{ "http://localhost:8080/home", "https://a.example/home?x=y", CH_E_RANGE, 0, "no issuer" },
	{ "http://localhost:8080/home", "ftp://a.example/home", CH_E_RANGE, 0, "no issuer" },
	/* contradictions */
	{ "http://localhost:8080/home", "https://a.example/corp", CH_E_MISMATCH, 0,
	  "end in /home" },
	{ "http://localhost:8080/home", "https://a.example/x/home", CH_E_MISMATCH, 0,
	  "end in /home" },
	{ "realms: [home, corp]", "realms: [home]", CH_E_MISMATCH, -1, "corp is in no group" },
	{ "realms: [home, corp]", "realms: [home, corp, staff]", CH_E_MISMATCH, -1,
	  "staff is in more than one group" },
	{ "realms: [home, corp]", "realms: [home, corp, other]", CH_E_MISMATCH, 0,
	  "there is no realm other" },
	{ "https://api.example", "https://mail.example", CH_E_DUPLICATE, -1,
	  "one resource for audiences mail and api" },
	{ "    scopes: [", "    scope_texts:\n      - scope: none\n        en: x\n    scopes: [",
	  CH_E_MISMATCH, 0, "does not have: none" },
	{ "    scopes: [",
	  "    scope_texts:\n      - scope: openid\n        en: x\n      - scope: openid\n"
	  "        en: y\n    scopes: [",
	  CH_E_MISMATCH, 0, "two texts for the scope openid" },
	{ "    scopes: [", "    scope_texts:\n      - scope: openid\n    scopes: [", CH_E_MISSING,
	  -1, "\"en\" is missing" },
	{ "    scopes: [", "    scope_texts:\n      - scope: openid\n        en: ''\n    scopes: [",
	  CH_E_SYNTAX, 2, "no value" },
	{ ":8081\n    realms", ":8080\n    realms", CH_E_DUPLICATE, 0, "listens there already" },
};

static void mistakes_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(mistakes); i++)
		check_mistake(&mistakes[i]);
}

static void memory_may_be_left_out(void **state)
{
	(void)state;
	uint32_t line = 0;
	struct wr why;
	struct config c;
	struct config_text *t = NULL;
	bytes b = mended("secret_memory: memfd\n", "", &line);
	assert_false(failed(parse(b, &why, &c, &t)));
	assert_int_equal(c.secret_memory, SECRETMEM_MEMFD);
	config_text_free(t);
}

static void too_long_a_file(void **state)
{
	(void)state;
	static uint8_t blanks[CONFIG_FILE_MAX + 1];
	struct wr why;
	struct config c;
	struct config_text *t = NULL;
	memset(blanks, '\n', sizeof(blanks));
	assert_int_equal(ch_code_of(parse(BYTES_OF(blanks), &why, &c, &t)), CH_E_LIMIT);
	for (size_t i = 0; i < sizeof(blanks) - 1; i++)
		blanks[i] = i % 2 ? 'a' : i ? ',' : '[';
	assert_int_equal(ch_code_of(parse((bytes){ blanks, sizeof(blanks) - 1 }, &why, &c, &t)),
			 CH_E_LIMIT);
}

/* No prefix and no flipped byte crashes; every failure has its sentence. */
static void must_not_crash(bytes b)
{
	struct wr why;
	struct config c;
	struct config_text *t = NULL;
	ch_err e = parse(b, &why, &c, &t);
	if (failed(e))
		assert_true(str_starts(wr_text(&why), LIT("chancery.yaml:")));
	config_text_free(t);
}

static void every_prefix(void **state)
{
	(void)state;
	bytes b = default_file();
	for (size_t n = 0; n < b.n; n++)
		must_not_crash((bytes){ b.p, n });
}

static void every_byte_flipped(void **state)
{
	(void)state;
	bytes b = default_file();
	for (size_t i = 0; i < b.n; i++) {
		uint8_t kept = text[i];
		text[i] = (uint8_t)(kept ^ (1U << (i % 8)));
		must_not_crash(b);
		text[i] = kept;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_we_write_parses_back),
		cmocka_unit_test(refresh_has_defaults),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(memory_may_be_left_out),
		cmocka_unit_test(too_long_a_file),
		cmocka_unit_test(every_prefix),
		cmocka_unit_test(every_byte_flipped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
