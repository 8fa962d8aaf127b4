/* A gate's policy file: what we write parses back, mailboxes reach the issuers of their
 * realm, every mistake is named with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"

static uint8_t text[CONFIG_WRITE_MAX];
static uint8_t why_room[CONFIG_WHY_MAX];

static ch_err parse(bytes yaml, struct wr *why, struct gate_file *ret_g,
		    struct config_text **ret_text)
{
	*why = wr_of(why_room, sizeof(why_room));
	return gate_file_parse(LIT("gate.yaml"), yaml, why, ret_g, ret_text);
}

static const char sample[] = "listen: 127.0.0.1:8090\n"
			     "client:\n"
			     "  id: dovecot\n"
			     "  secret_file: gate.secret\n"
			     "scope: mail.read\n"
			     "issuers:\n"
			     "  - issuer: http://localhost:8080/home\n"
			     "    realm: home\n"
			     "    jwks_file: home.json\n"
			     "    audiences: [mail]\n"
			     "  - issuer: https://login.example/corp\n"
			     "    realm: corp\n"
			     "    jwks_uri: https://login.example/corp/jwks\n"
			     "    audiences: [mail, post]\n"
			     "mailboxes:\n"
			     "  home: ['*@home.test', ann@corp.test]\n"
			     "  corp: ['*@corp.test']\n"
			     "fetch:\n"
			     "  ca_file: ca.pem\n"
			     "  stale_s: 7200\n"
			     "  cooldown_s: 5\n";

static void same_texts(const str *a, size_t n, const str *b, size_t m)
{
	assert_int_equal(n, m);
	for (size_t i = 0; i < n; i++)
		assert_true(str_eq(a[i], b[i]));
}

static void same(const struct gate_file *a, const struct gate_file *b)
{
	assert_true(str_eq(a->host, b->host) && a->port == b->port);
	assert_true(str_eq(a->client_secret_file, b->client_secret_file));
	assert_true(str_eq(a->gate.client_id, b->gate.client_id));
	assert_true(str_eq(a->gate.scope, b->gate.scope));
	assert_true(str_eq(a->ca_file, b->ca_file));
	assert_memory_equal(&a->gate.fetch, &b->gate.fetch, sizeof(a->gate.fetch));
	assert_int_equal(a->gate.n_issuers, b->gate.n_issuers);
	for (size_t i = 0; i < a->gate.n_issuers; i++) {
		const struct gate_issuer *x = &a->gate.issuers[i], *y = &b->gate.issuers[i];
		assert_true(str_eq(x->issuer, y->issuer) && str_eq(x->realm, y->realm));
		assert_true(str_eq(x->jwks, y->jwks) && str_eq(x->jwks_uri, y->jwks_uri));
		same_texts(x->audiences, x->n_audiences, y->audiences, y->n_audiences);
		same_texts(x->mailboxes, x->n_mailboxes, y->mailboxes, y->n_mailboxes);
	}
}

static void parses_and_writes_the_same(void **state)
{
	(void)state;
	struct wr why, w = wr_of(text, sizeof(text));
	struct gate_file g, back;
	struct config_text *t = NULL, *u = NULL;
	ch_err e = parse(bytes_of_str(((str){ sample, sizeof(sample) - 1 })), &why, &g, &t);
	if (failed(e))
		fail_msg("%.*s", (int)why.n, (const char *)why.p);
	assert_int_equal(g.port, 8090);
	assert_int_equal(g.gate.n_issuers, 2);
	assert_int_equal(g.gate.issuers[0].n_mailboxes, 2);
	assert_true(str_eq(g.gate.issuers[0].mailboxes[1], LIT("ann@corp.test")));
	assert_int_equal(g.gate.issuers[1].n_mailboxes, 1);
	assert_int_equal(g.gate.issuers[1].n_audiences, 2);
	assert_int_equal(g.gate.client_secret.n, 0);
	assert_int_equal(g.gate.issuers[1].jwks.n, 0);
	assert_true(str_eq(g.gate.issuers[1].jwks_uri, LIT("https://login.example/corp/jwks")));
	assert_true(str_eq(g.ca_file, LIT("ca.pem")));
	assert_true(g.gate.fetch.stale_s == 7200 && g.gate.fetch.cooldown_s == 5);
	assert_int_equal(g.gate.fetch.timeout_s, 0);
	gate_file_write(&w, &g);
	assert_false(w.full);
	e = parse(wr_bytes(&w), &why, &back, &u);
	if (failed(e))
		fail_msg("%.*s", (int)why.n, (const char *)why.p);
	same(&g, &back);
	config_text_free(t);
	config_text_free(u);
}

static void without_mailboxes_any_goes(void **state)
{
	(void)state;
	struct wr why;
	struct gate_file g;
	struct config_text *t = NULL;
	str all = ((str){ sample, sizeof(sample) - 1 });
	bytes b = bytes_of_str(str_sub(all, 0, (size_t)(strstr(sample, "mailboxes:") - sample)));
	assert_false(failed(parse(b, &why, &g, &t)));
	assert_int_equal(g.gate.issuers[0].n_mailboxes, 0);
	config_text_free(t);
}

struct mistake {
	const char *from, *to;
	enum ch_code code;
	const char *says;
};

static void check_mistake(const struct mistake *m)
{
	struct wr w = wr_of(text, sizeof(text)), why;
	struct gate_file g = { .port = 7 };
	struct config_text *t = NULL;
	const char *at = strstr(sample, m->from);
	assert_non_null(at);
	wr_str(&w, str_sub(((str){ sample, sizeof(sample) - 1 }), 0, (size_t)(at - sample)));
	wr_str(&w, str_from_c(m->to));
	wr_str(&w, str_from_c(at + strlen(m->from)));
	ch_err e = parse(wr_bytes(&w), &why, &g, &t);
	why_room[why.n] = 0;
	if (ch_code_of(e) != m->code || !strstr((const char *)why_room, m->says))
		fail_msg("%s -> %s: code %d: %s", m->from, m->to, ch_code_of(e), why_room);
	assert_true(str_starts(wr_text(&why), LIT("gate.yaml:")));
	assert_int_equal(g.port, 7);
	assert_null(t);
}

static void mistakes_are_named(void **state)
{
	(void)state;
	static const struct mistake mistakes[] = {
		{ "  id: dovecot\n", "", CH_E_MISSING, "\"id\" is missing in client" },
		{ "  id: dovecot", "  name: dovecot", CH_E_SYNTAX, "in client; the keys here are" },
		{ "client:", "clients:", CH_E_SYNTAX, "unknown key" },
		{ "client:\n  id: dovecot\n  secret_file: gate.secret", "client: [a]", CH_E_SYNTAX,
		  "write a map" },
		{ "    realm: home\n", "", CH_E_MISSING, "gate.yaml:7: key \"realm\" is missing" },
		{ "audiences: [mail]", "audiences: []", CH_E_RANGE, "has 0 elements" },
		{ "    jwks_file: home.json\n", "", CH_E_MISSING,
		  "gate.yaml:7: issuer \"http://localhost:8080/home\" has no keys; name its" },
		{ "home.json\n", "home.json\n    jwks_uri: https://x/\n", CH_E_DUPLICATE,
		  "gate.yaml:10: issuer \"http://localhost:8080/home\" has jwks_file and "
		  "jwks_uri" },
		{ "https://login.example/corp/jwks", "http://login.example/corp/jwks", CH_E_RANGE,
		  "gate.yaml:13: jwks_uri: \"http://login.example/corp/jwks\" is neither https" },
		{ "https://login.example/corp/jwks", "corp/jwks", CH_E_RANGE, "is no URL; write" },
		{ "stale_s: 7200", "stale_s: 0", CH_E_RANGE, "choose one from 1 to" },
		{ "stale_s: 7200", "stale: 7200", CH_E_SYNTAX, "the keys here are" },
		{ "https://login.example/corp\n", "http://login.example/corp\n", CH_E_RANGE,
		  "use https" },
		{ "https://login.example/corp\n", "http://localhost:8080/home\n", CH_E_DUPLICATE,
		  "gate.yaml:11: \"http://localhost:8080/home\" is here twice" },
		{ "'*@home.test'", "'*@*.test'", CH_E_RANGE, "no mailbox pattern" },
		{ "'*@home.test'", "'@home.*'", CH_E_RANGE, "no mailbox pattern" },
		{ "'*@home.test'", "'*'", CH_E_RANGE, "no mailbox pattern" },
		{ "'*@home.test'", "'a b@c'", CH_E_RANGE, "no mailbox pattern" },
		{ "  home: ['*@home.test', ann@corp.test]", "  home: []", CH_E_RANGE,
		  "has 0 elements" },
		{ "  home: [", "  staff: [", CH_E_MISMATCH,
		  "gate.yaml:16: no issuer has realm staff" },
		{ "  home: [", "  home: &x [", CH_E_SYNTAX, "an anchor" },
		{ "'*@home.test'", "'@home.test'", CH_E_RANGE, "no mailbox pattern" },
		{ "'*@home.test'", "'a@b@home.test'", CH_E_RANGE, "no mailbox pattern" },
		{ "127.0.0.1:8090", "0.0.0.0:8090", CH_E_DENIED, "127.0.0.1:PORT" },
		{ "127.0.0.1:8090", "'[::]:8090'", CH_E_DENIED, "127.0.0.1:PORT" },
		{ "127.0.0.1:8090", "8090", CH_E_RANGE, "no address and port" },
	};
	for (size_t i = 0; i < COUNT_OF(mistakes); i++)
		check_mistake(&mistakes[i]);
}

static void every_prefix_and_flip(void **state)
{
	(void)state;
	static uint8_t copy[sizeof(sample)];
	struct wr why;
	struct gate_file g;
	mem_copy(copy, sample, sizeof(sample));
	for (size_t n = 0; n < sizeof(sample); n++) {
		struct config_text *t = NULL;
		ch_err e = parse((bytes){ copy, n }, &why, &g, &t);
		assert_true(failed(e) == (t == NULL) && (!failed(e) || why.n > 0));
		config_text_free(t);
	}
	for (size_t i = 0; i < sizeof(sample) - 1; i++) {
		struct config_text *t = NULL;
		copy[i] = (uint8_t)(copy[i] ^ (1U << (i % 8)));
		(void)parse((bytes){ copy, sizeof(sample) - 1 }, &why, &g, &t);
		copy[i] = (uint8_t)sample[i];
		config_text_free(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_and_writes_the_same),
		cmocka_unit_test(without_mailboxes_any_goes),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(every_prefix_and_flip),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
