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

#define VKEY "login.example/log+01020304+AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* Both ways in, with every key of them. */
static const char full[] = "listen: 127.0.0.1:8090\n"
			   "client:\n"
			   "  id: dovecot\n"
			   "  secret_file: gate.secret\n"
			   "socket: /run/chancery/gate.sock\n"
			   "socket_mode: 0600\n"
			   "socket_owner: www-data\n"
			   "socket_group: www-data\n"
			   "user: chancery-gate\n"
			   "issuers:\n"
			   "  - issuer: https://login.example/corp\n"
			   "    realm: corp\n"
			   "    jwks_file: /etc/corp.json\n"
			   "    audiences: [mail, api]\n"
			   "    skew_s: 0\n"
			   "    max_ttl_s: 900\n"
			   "    keys:\n"
			   "      - kid: k1\n"
			   "        until: 2026-11-22T15:00:00Z\n"
			   "      - kid: k2\n"
			   "        from: 1795359600\n"
			   "    log: main\n"
			   "  - issuer: https://login.example/home\n"
			   "    realm: home\n"
			   "    jwks_file: /etc/home.json\n"
			   "    audiences: [api]\n"
			   "    log: far\n"
			   "logs:\n"
			   "  main:\n"
			   "    vkey_file: /var/lib/chancery/log.vkey\n"
			   "    folder: /var/lib/chancery/log\n"
			   "    socket: /var/lib/chancery/run/log\n"
			   "  far:\n"
			   "    vkey: " VKEY "\n"
			   "    uri: https://login.example/log\n"
			   "    client: gate\n"
			   "    secret_file: log.secret\n"
			   "    stale_s: 20\n"
			   "    skew_s: 3\n"
			   "    witnesses: [" VKEY ", " VKEY "A]\n"
			   "    quorum: 1\n"
			   "    witness_stale_s: 60\n"
			   "locations:\n"
			   "  api:\n"
			   "    audiences: [api]\n"
			   "    scopes: [api.read, api.list]\n"
			   "    realms: [corp]\n"
			   "    methods: [GET, HEAD]\n"
			   "    binding: required\n"
			   "    origin: https://api.example.test\n"
			   "    nonce: true\n"
			   "  plain:\n"
			   "    audiences: [api]\n"
			   "    realms: [corp]\n"
			   "    binding: refused\n"
			   "dpop:\n"
			   "  window_s: 30\n"
			   "  skew_s: 2\n"
			   "  nonce_slice_s: 20\n"
			   "  proofs: 2048\n"
			   "cache:\n"
			   "  tokens: 0\n"
			   "  token_max: 1024\n"
			   "sightings:\n"
			   "  folder: /var/lib/chancery-gate\n"
			   "  total_mb: 8\n"
			   "  keep_days: 7\n"
			   "  sync_ms: 100\n"
			   "  fail_open: true\n"
			   "junk:\n"
			   "  burst_us: 5000\n"
			   "  us_per_s: 1000\n"
			   "log:\n"
			   "  refusals_per_minute: 60\n";

static void same_texts(const str *a, size_t n, const str *b, size_t m)
{
	assert_int_equal(n, m);
	for (size_t i = 0; i < n; i++)
		assert_true(str_eq(a[i], b[i]));
}

static void same_location(const struct gate_location *a, const struct gate_location *b)
{
	assert_true(str_eq(a->name, b->name) && str_eq(a->origin, b->origin));
	assert_true(a->binding == b->binding && a->nonce == b->nonce);
	same_texts(a->audiences, a->n_audiences, b->audiences, b->n_audiences);
	same_texts(a->scopes, a->n_scopes, b->scopes, b->n_scopes);
	same_texts(a->realms, a->n_realms, b->realms, b->n_realms);
	same_texts(a->methods, a->n_methods, b->methods, b->n_methods);
}

static void same_terms(const struct gate_issuer *a, const struct gate_issuer *b)
{
	assert_true(a->skew_s == b->skew_s && a->max_ttl_s == b->max_ttl_s);
	assert_int_equal(a->n_periods, b->n_periods);
	for (size_t i = 0; i < a->n_periods; i++) {
		assert_true(str_eq(a->periods[i].kid, b->periods[i].kid));
		assert_int_equal(a->periods[i].from_s, b->periods[i].from_s);
		assert_int_equal(a->periods[i].until_s, b->periods[i].until_s);
	}
}

static void same_log(const struct gate_log *a, const struct gate_log *b)
{
	assert_true(str_eq(a->name, b->name) && str_eq(a->vkey, b->vkey));
	assert_true(str_eq(a->vkey_file, b->vkey_file) && str_eq(a->folder, b->folder));
	assert_true(str_eq(a->socket, b->socket) && str_eq(a->uri, b->uri));
	assert_true(str_eq(a->client, b->client) && str_eq(a->secret_file, b->secret_file));
	assert_true(a->stale_s == b->stale_s && a->skew_s == b->skew_s);
	assert_true(a->quorum == b->quorum && a->witness_stale_s == b->witness_stale_s);
	same_texts(a->witnesses, a->n_witnesses, b->witnesses, b->n_witnesses);
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
		same_terms(x, y);
		assert_true(str_eq(x->log, y->log));
	}
	assert_int_equal(a->gate.n_logs, b->gate.n_logs);
	for (size_t i = 0; i < a->gate.n_logs; i++)
		same_log(&a->gate.logs[i], &b->gate.logs[i]);
	assert_true(str_eq(a->socket, b->socket) && str_eq(a->user, b->user));
	assert_true(str_eq(a->socket_mode, b->socket_mode));
	assert_true(str_eq(a->socket_owner, b->socket_owner));
	assert_true(str_eq(a->socket_group, b->socket_group));
	assert_true(a->gate.introspects == b->gate.introspects && a->gate.checks == b->gate.checks);
	assert_int_equal(a->gate.n_locations, b->gate.n_locations);
	for (size_t i = 0; i < a->gate.n_locations; i++)
		same_location(&a->gate.locations[i], &b->gate.locations[i]);
	assert_memory_equal(&a->gate.dpop, &b->gate.dpop, sizeof(a->gate.dpop));
	assert_true(str_eq(a->gate.evidence.folder, b->gate.evidence.folder));
	assert_true(a->gate.evidence.fail_open == b->gate.evidence.fail_open);
	assert_int_equal(a->gate.evidence.keep_days, b->gate.evidence.keep_days);
	assert_int_equal(a->gate.evidence.junk_us_per_s, b->gate.evidence.junk_us_per_s);
	assert_memory_equal(&a->gate.cache, &b->gate.cache, sizeof(a->gate.cache));
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

static const str full_text = { full, sizeof(full) - 1 };

static void every_key(void **state)
{
	(void)state;
	struct wr why, w = wr_of(text, sizeof(text));
	struct gate_file g, back;
	struct config_text *t = NULL, *u = NULL;
	ch_err e = parse(bytes_of_str(full_text), &why, &g, &t);
	if (failed(e))
		fail_msg("%.*s", (int)why.n, (const char *)why.p);
	const struct gate_issuer *i = &g.gate.issuers[0];
	assert_true(g.gate.introspects && g.gate.checks);
	assert_true(i->skew_s == 0 && i->max_ttl_s == 900 && i->n_periods == 2);
	assert_true(i->periods[0].from_s == 0 && i->periods[0].until_s == 1795359600);
	assert_int_equal(i->periods[1].from_s, 1795359600);
	assert_int_equal(g.gate.n_logs, 2);
	assert_int_equal(g.gate.logs[0].stale_s, CONFIG_LOG_STALE_S);
	assert_int_equal(g.gate.logs[0].skew_s, 5);
	assert_int_equal(g.gate.logs[0].quorum, 0);
	assert_true(g.gate.logs[1].n_witnesses == 2 && g.gate.logs[1].quorum == 1);
	assert_int_equal(g.gate.n_locations, 2);
	assert_int_equal(g.gate.locations[0].binding, BINDING_REQUIRED);
	assert_int_equal(g.gate.locations[1].binding, BINDING_REFUSED);
	assert_int_equal(g.gate.locations[0].n_methods, 2);
	assert_true(g.gate.locations[0].nonce && !g.gate.locations[1].nonce);
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

static void check_mistake(str from, const struct mistake *m)
{
	struct wr w = wr_of(text, sizeof(text)), why;
	struct gate_file g = { .port = 7 };
	struct config_text *t = NULL;
	const char *at = strstr(from.p, m->from);
	assert_non_null(at);
	wr_str(&w, str_sub(from, 0, (size_t)(at - from.p)));
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
		check_mistake((str){ sample, sizeof(sample) - 1 }, &mistakes[i]);
}

static void mistakes_in_logs(void **state)
{
	(void)state;
	static const struct mistake mistakes[] = {
		{ "    log: main\n", "    log: mian\n", CH_E_MISMATCH,
		  "gate.yaml:22: there is no log mian; add it" },
		{ "    log: far\n", "", CH_E_MISMATCH, "log far is of no use" },
		{ "    log: far\n", "    log: main\n", CH_E_MISMATCH,
		  "gate.yaml:33: log far is of no use" },
		{ "    vkey_file: /var/lib/chancery/log.vkey\n", "", CH_E_MISMATCH,
		  "log main has no key; name it by `vkey`" },
		{ "    vkey_file: /var", "    vkey: " VKEY "\n    vkey_file: /var", CH_E_MISMATCH,
		  "gate.yaml:30: log main has vkey and vkey_file" },
		{ "vkey: " VKEY, "vkey: login.example/log", CH_E_RANGE, "is no verifier key" },
		{ "    folder: /var/lib/chancery/log\n", "", CH_E_MISMATCH,
		  "log main says no place" },
		{ "    folder: /var/lib", "    uri: https://x/log\n    folder: /var/lib",
		  CH_E_MISMATCH, "gate.yaml:31: log main has folder and uri; keep one" },
		{ "https://login.example/log", "http://login.example/log", CH_E_RANGE,
		  "use https" },
		{ "    client: gate\n", "    socket: s\n    client: gate\n", CH_E_MISMATCH,
		  "log far has a socket, which belongs to a folder" },
		{ "    secret_file: log.secret\n", "", CH_E_MISMATCH,
		  "log far needs both `client` and `secret_file`" },
		{ "    folder: /var/lib/chancery/log\n",
		  "    folder: /log\n    client: x\n    secret_file: y\n", CH_E_MISMATCH,
		  "nobody is asked who he is" },
		{ "stale_s: 20", "stale_s: 2", CH_E_RANGE, "choose one from 3 to 3600" },
		{ "skew_s: 3", "skew_s: 61", CH_E_RANGE, "choose one from 0 to 60" },
		{ "quorum: 1", "quorum: 3", CH_E_MISMATCH,
		  "asks for more witnesses than it names" },
		{ "    quorum: 1\n", "", CH_E_MISMATCH, "names witnesses and no quorum" },
		{ ", " VKEY "A]", ", " VKEY "]", CH_E_DUPLICATE, "twice" },
	};
	for (size_t i = 0; i < COUNT_OF(mistakes); i++)
		check_mistake(full_text, &mistakes[i]);
}

static void mistakes_between_the_ways_in(void **state)
{
	(void)state;
	static const struct mistake mistakes[] = {
		{ "listen: 127.0.0.1:8090\n", "", CH_E_MISSING,
		  "gate.yaml:1: client: there is no" },
		{ "client:\n  id: dovecot\n  secret_file: gate.secret\n", "", CH_E_MISSING,
		  "gate.yaml:1: key \"client\" is missing" },
		{ "socket: /run/chancery/gate.sock\n", "", CH_E_MISSING,
		  "gate.yaml:42: locations: there is no `socket`" },
		{ "gate.sock", "", CH_E_RANGE, "no path of a socket" },
		{ "0600", "0777", CH_E_RANGE, "choose one of 0600 0660 0666" },
		{ "max_ttl_s: 900", "max_ttl_s: 0", CH_E_RANGE, "choose one from 1 to 86400" },
		{ "skew_s: 0", "skew_s: 61", CH_E_RANGE, "choose one from 0 to 60" },
		{ "15:00:00Z", "25:00:00Z", CH_E_SYNTAX, "write a date like" },
		{ "kid: k2", "kid: k1", CH_E_MISMATCH, "gate.yaml:20: \"k1\" is here twice" },
		{ "        from: 1795359600\n", "        from: 9\n        until: 9\n",
		  CH_E_MISMATCH, "ends before it begins" },
		{ "realms: [corp]\n    methods", "realms: [staff]\n    methods", CH_E_MISMATCH,
		  "gate.yaml:47: location api allows realm staff, which no issuer has" },
		{ "audiences: [api]\n    scopes", "audiences: [apis]\n    scopes", CH_E_MISMATCH,
		  "gate.yaml:45: location api asks for audience \"apis\"" },
		{ "    realms: [corp]\n    methods", "    methods", CH_E_MISSING,
		  "\"realms\" is missing in locations.api" },
		{ "methods: [GET", "methods: [get", CH_E_RANGE, "is no method" },
		{ "binding: required", "binding: wanted", CH_E_RANGE,
		  "choose one of accepted required refused" },
		{ "    origin: https://api.example.test\n", "", CH_E_MISSING,
		  "gate.yaml:49: location api has no origin" },
		{ "https://api.example.test", "https://api.example.test/", CH_E_RANGE,
		  "without a path" },
		{ "https://api.example.test", "http://api.example.test", CH_E_RANGE, "no origin" },
		{ "binding: required", "binding: refused", CH_E_MISSING,
		  "asks for nonces and refuses proofs" },
		{ "scopes: [api.read", "scopes: ['a b'", CH_E_RANGE, "is no scope" },
		{ "window_s: 30", "window_s: 601", CH_E_RANGE, "choose one from 1 to 600" },
		{ "proofs: 2048", "proofs: 3", CH_E_RANGE, "choose one from 1024" },
	};
	for (size_t i = 0; i < COUNT_OF(mistakes); i++)
		check_mistake(full_text, &mistakes[i]);
}

static void prefix_and_flip(const char *of, size_t size)
{
	static uint8_t copy[sizeof(sample) + sizeof(full)];
	struct wr why;
	struct gate_file g;
	mem_copy(copy, of, size);
	for (size_t n = 0; n < size; n++) {
		struct config_text *t = NULL;
		ch_err e = parse((bytes){ copy, n }, &why, &g, &t);
		assert_true(failed(e) == (t == NULL) && (!failed(e) || why.n > 0));
		config_text_free(t);
	}
	for (size_t i = 0; i < size - 1; i++) {
		struct config_text *t = NULL;
		copy[i] = (uint8_t)(copy[i] ^ (1U << (i % 8)));
		(void)parse((bytes){ copy, size - 1 }, &why, &g, &t);
		copy[i] = (uint8_t)of[i];
		config_text_free(t);
	}
}

static void every_prefix_and_flip(void **state)
{
	(void)state;
	prefix_and_flip(sample, sizeof(sample));
	prefix_and_flip(full, sizeof(full));
}

static void a_value_knows_its_line(void **state)
{
	struct wr why;
	struct gate_file g;
	struct config_text *t = NULL;
	(void)state;
	assert_false(failed(
		parse((bytes){ (const uint8_t *)sample, sizeof(sample) - 1 }, &why, &g, &t)));
	assert_int_equal(config_text_line(t, g.client_secret_file), 4);
	assert_int_equal(config_text_line(t, g.gate.issuers[0].issuer), 7);
	assert_int_equal(config_text_line(t, g.gate.issuers[1].realm), 12);
	assert_int_equal(config_text_line(t, g.ca_file), 19);
	assert_int_equal(config_text_line(t, g.socket_mode), 0);
	assert_int_equal(config_text_line(t, LIT("dovecot")), 0);
	config_text_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_and_writes_the_same),
		cmocka_unit_test(without_mailboxes_any_goes),
		cmocka_unit_test(every_key),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(mistakes_in_logs),
		cmocka_unit_test(mistakes_between_the_ways_in),
		cmocka_unit_test(every_prefix_and_flip),
		cmocka_unit_test(a_value_knows_its_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
