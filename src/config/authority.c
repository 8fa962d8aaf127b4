/* DIR/chancery.yaml → struct config: the tables of keys, then what must agree between
 * them. */
#include "config/config.h"

#include "base/cleanup.h"
#include "codec/url.h"
#include "fields_internal.h"
#include "text_internal.h"

enum { LOG_ORIGIN_CONFIG_MAX = 200 };

static const char *const memory_kinds[] = { "memfd", "mlock", NULL }; /* enum secretmem_kind */
static const char *const realm_kinds[] = { "consumer", "enterprise", "staff", NULL };
static const char *const demands[] = { "optional", "required", NULL };
static const char *const algs[] = { "ES256", "EdDSA", "RS256", "PS256", NULL };

static const struct field resource_fields[] = {
	{ "", FIELD_TEXT, .at = offsetof(struct role_audience, resource), .check = check_absolute },
	{ 0 },
};

static const char *check_scope_text(str text)
{
	return text.n == 0 || text.n > SCOPE_TEXT_MAX_BYTES
		       ? "is no text of 1 to 128 bytes; write one line"
		       : NULL;
}

#define AT(s, m) .at = offsetof(struct s, m)
#define COUNT_AT(s, m) .count_at = offsetof(struct s, m)

static const struct field scope_text_fields[] = {
	{ "scope", FIELD_TEXT, AT(role_scope_text, scope), .check = check_scope },
	{ "en", FIELD_TEXT, AT(role_scope_text, en), .check = check_scope_text },
	{ "fr", FIELD_TEXT, true, AT(role_scope_text, fr), .check = check_scope_text },
	{ 0 },
};

static const struct field realm_fields[] = {
	{ "kind", FIELD_WORD, AT(config_realm, kind), .words = realm_kinds },
	{ "issuer", FIELD_TEXT, AT(config_realm, issuer), .check = check_issuer },
	{ "issues", FIELD_BOOL, AT(config_realm, issues) },
	{ "alg", FIELD_WORD, AT(config_realm, alg), .words = algs },
	{ "access_ttl_s", FIELD_NUMBER, AT(config_realm, access_ttl_s), .min = 10,
	  .max = CONFIG_TTL_MAX_S },
	{ "id_ttl_s", FIELD_NUMBER, AT(config_realm, id_ttl_s), .min = 10,
	  .max = CONFIG_TTL_MAX_S },
	{ "code_ttl_s", FIELD_NUMBER, AT(config_realm, code_ttl_s), .min = 5, .max = 600 },
	{ "refresh_ttl_s", FIELD_NUMBER, true, AT(config_realm, refresh_ttl_s), .min = 60,
	  .max = CONFIG_REFRESH_TTL_MAX_S },
	{ "refresh_idle_s", FIELD_NUMBER, true, AT(config_realm, refresh_idle_s), .min = 60,
	  .max = CONFIG_REFRESH_TTL_MAX_S },
	{ "refresh_window_s", FIELD_NUMBER, true, AT(config_realm, refresh_window_s),
	  .max = REFRESH_WINDOW_MAX_S },
	{ "session_ttl_s", FIELD_NUMBER, true, AT(config_realm, session_ttl_s), .min = 60,
	  .max = CONFIG_SESSION_TTL_MAX_S },
	{ "session_idle_s", FIELD_NUMBER, true, AT(config_realm, session_idle_s), .min = 60,
	  .max = CONFIG_SESSION_TTL_MAX_S },
	{ "dpop", FIELD_CHOICE, true, AT(config_realm, dpop), .words = demands },
	{ "dpop_nonce", FIELD_BOOL, true, AT(config_realm, dpop_nonce) },
	{ "par", FIELD_CHOICE, true, AT(config_realm, par), .words = demands },
	{ "rate_per_s", FIELD_NUMBER, AT(config_realm, rate_per_s), .min = 1,
	  .max = CONFIG_RATE_MAX },
	{ "audiences", FIELD_MAP, AT(config_realm, audiences), COUNT_AT(config_realm, n_audiences),
	  .min = 1, .max = AUDIENCES_MAX, .item = resource_fields,
	  .item_size = sizeof(struct role_audience) },
	{ "scopes", FIELD_TEXTS, AT(config_realm, scopes), COUNT_AT(config_realm, n_scopes),
	  .min = 1, .max = SCOPES_MAX, .check = check_scope },
	{ "scope_texts", FIELD_LIST, true, AT(config_realm, scope_texts),
	  COUNT_AT(config_realm, n_scope_texts), .max = SCOPES_MAX, .item = scope_text_fields,
	  .item_size = sizeof(struct role_scope_text) },
	{ 0 },
};

static const struct field group_fields[] = {
	{ "listen", FIELD_LISTEN, AT(config_group, host), COUNT_AT(config_group, port) },
	{ "monitor", FIELD_LISTEN, true, AT(config_group, monitor_host),
	  COUNT_AT(config_group, monitor_port) },
	{ "realms", FIELD_TEXTS, AT(config_group, realms), COUNT_AT(config_group, n_realms),
	  .min = 1, .max = REALMS_MAX, .check = check_name },
	{ "fronts", FIELD_TEXTS, true, AT(config_group, fronts), COUNT_AT(config_group, n_fronts),
	  .max = FRONTS_MAX, .check = check_address },
	{ 0 },
};

static const struct field key_fields[] = {
	{ "sign_s", FIELD_NUMBER, true, AT(config, key_sign_s), .min = 20,
	  .max = CONFIG_KEY_SIGN_MAX_S },
	{ "staged_s", FIELD_NUMBER, true, AT(config, key_staged_s), .min = 1,
	  .max = CONFIG_KEY_SIGN_MAX_S / 4 },
	{ 0 },
};

static const char *const compromises[] = { "off", "guarded", NULL };

static const char *check_webhook(str text)
{
	struct url u;
	if (failed(url_parse(text, &u)))
		return "is no URL; write like https://alerts.example/chancery";
	if (!str_eq(u.scheme, LIT("https")) && !url_is_loopback(&u))
		return "is neither https nor on this host; use https";
	return NULL;
}

static const struct field reporter_fields[] = {
	{ "secret_file", FIELD_TEXT, AT(config_reporter, secret_file) },
	{ 0 },
};

static const struct field webhook_fields[] = {
	{ "uri", FIELD_TEXT, AT(config, collector.webhook_uri), .check = check_webhook },
	{ "secret_file", FIELD_TEXT, true, AT(config, collector.webhook_secret_file) },
	{ "ca_file", FIELD_TEXT, true, AT(config, collector.webhook_ca_file) },
	{ 0 },
};

static const struct field collector_fields[] = {
	{ "listen", FIELD_LISTEN, AT(config, collector.host), COUNT_AT(config, collector.port) },
	{ "gates", FIELD_MAP, AT(config, collector.gates), COUNT_AT(config, collector.n_gates),
	  .min = 1, .max = COLLECTOR_GATES_MAX, .item = reporter_fields,
	  .item_size = sizeof(struct config_reporter) },
	{ "webhook", FIELD_SECTION, true, .at = 0, .item = webhook_fields },
	{ "compromise", FIELD_CHOICE, true, AT(config, collector.compromise),
	  .words = compromises },
	{ "total_mb", FIELD_NUMBER, true, AT(config, collector.total_mb), .min = 1,
	  .max = 1048576 },
	{ "keep_days", FIELD_NUMBER, true, AT(config, collector.keep_days), .min = 1, .max = 3650 },
	{ 0 },
};

/* A part of a URL, and the name of a key in notes: no blank, no '+'. */
static const char *check_log_origin(str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] <= ' ' || text.p[i] >= 0x7f || text.p[i] == '+')
			return "is no origin of a log; write like login.example/log, without "
			       "blank and '+'";
	return text.n > LOG_ORIGIN_CONFIG_MAX
		       ? "is too long for the origin of a log; 200 bytes is the most"
		       : NULL;
}

static const struct field log_fields[] = {
	{ "origin", FIELD_TEXT, true, AT(config, log_origin), .check = check_log_origin },
	{ "journal_days", FIELD_NUMBER, true, AT(config, log_journal_days), .min = 1,
	  .max = CONFIG_LOG_JOURNAL_MAX_DAYS },
	{ "public", FIELD_BOOL, true, AT(config, log_public) },
	{ 0 },
};

static const struct field file_fields[] = {
	{ "secret_memory", FIELD_CHOICE, true, AT(config, secret_memory), .words = memory_kinds },
	{ "passphrase_file", FIELD_TEXT, AT(config, passphrase_file) },
	{ "crash_handler", FIELD_TEXT, true, AT(config, crash_handler) },
	{ "uid_base", FIELD_NUMBER, AT(config, uid_base), .min = 1, .max = CONFIG_UID_BASE_MAX },
	{ "jwks_max_age_s", FIELD_NUMBER, AT(config, jwks_max_age_s), .min = 1, .max = 86400 },
	{ "log_json", FIELD_BOOL, true, AT(config, log_json) },
	{ "log_requests", FIELD_BOOL, true, AT(config, log_requests) },
	{ "keys", FIELD_SECTION, true, .at = 0, .item = key_fields },
	{ "collector", FIELD_SECTION, true, .at = 0, .item = collector_fields },
	{ "log", FIELD_SECTION, true, .at = 0, .item = log_fields },
	{ "groups", FIELD_MAP, AT(config, groups), COUNT_AT(config, n_groups), .min = 1,
	  .max = PLAN_GROUPS_MAX, .item = group_fields, .item_size = sizeof(struct config_group) },
	{ "realms", FIELD_MAP, AT(config, realms), COUNT_AT(config, n_realms), .min = 1,
	  .max = REALMS_MAX, .item = realm_fields, .item_size = sizeof(struct config_realm) },
	{ 0 },
};

struct checked {
	const struct complaint *c;
	const struct node *root;
	const struct config *config;
};

/* The line of root.section.name.key, or of what is found of it. */
static uint32_t line_at(const struct checked *k, str section, str name, str key)
{
	const struct node *s = node_get(k->root, section);
	const struct node *n = node_get(s, name);
	const struct node *m = node_get(n, key);
	return m ? m->line : n ? n->line : s->line;
}

/* "realm NAME " at the line of its key, for a sentence to go on. */
static struct wr *complain_realm(const struct checked *k, str name, str key)
{
	struct wr *w = complain(k->c, line_at(k, LIT("realms"), name, key));
	wr_lit(w, "realm ");
	wr_str(w, name);
	wr_char(w, ' ');
	return w;
}

static bool is_path_of(str path, str name)
{
	return path.n == name.n + 1 && path.p[0] == '/' && str_eq(str_sub(path, 1, name.n), name);
}

static ch_err issuer_check(const struct checked *k, const struct config_realm *r)
{
	struct url url;
	TRY(url_parse(r->issuer, &url));
	if (is_path_of(url.path, r->name))
		return CH_DONE;
	struct wr *w = complain_realm(k, r->name, LIT("issuer"));
	wr_lit(w, "has an issuer with another path; let it end in /");
	wr_str(w, r->name);
	return ch_fail(CH_E_MISMATCH, "the issuer's path is not the realm's name", r->name.n);
}

static ch_err audiences_check(const struct checked *k, const struct config_realm *r)
{
	for (size_t i = 0; i < r->n_audiences; i++)
		for (size_t j = 0; j < i; j++) {
			if (!str_eq(r->audiences[i].resource, r->audiences[j].resource))
				continue;
			struct wr *w = complain_realm(k, r->name, LIT("audiences"));
			wr_lit(w, "has one resource for audiences ");
			wr_str(w, r->audiences[j].name);
			wr_lit(w, " and ");
			wr_str(w, r->audiences[i].name);
			wr_lit(w, "; give each its own URI");
			return ch_fail(CH_E_DUPLICATE, "a resource occurs twice", i);
		}
	return CH_DONE;
}

static bool has_scope(const struct config_realm *r, str scope)
{
	for (size_t i = 0; i < r->n_scopes; i++)
		if (str_eq(r->scopes[i], scope))
			return true;
	return false;
}

static ch_err scope_texts_check(const struct checked *k, const struct config_realm *r)
{
	for (size_t i = 0; i < r->n_scope_texts; i++) {
		bool twice = false;
		for (size_t j = 0; j < i; j++)
			twice = twice || str_eq(r->scope_texts[j].scope, r->scope_texts[i].scope);
		if (!twice && has_scope(r, r->scope_texts[i].scope))
			continue;
		struct wr *w = complain_realm(k, r->name, LIT("scope_texts"));
		wr_str(w, twice ? LIT("has two texts for the scope ")
				: LIT("has a text for a scope that it does not have: "));
		wr_str(w, r->scope_texts[i].scope);
		wr_str(w, twice ? LIT("; leave one") : LIT("; add it to scopes, or take it out"));
		return ch_fail(CH_E_MISMATCH, "a text for no scope, or two for one", i);
	}
	return CH_DONE;
}

static size_t groups_with(const struct config *c, str realm)
{
	size_t n = 0;
	for (size_t g = 0; g < c->n_groups; g++)
		for (size_t i = 0; i < c->groups[g].n_realms; i++)
			n += str_eq(c->groups[g].realms[i], realm);
	return n;
}

static ch_err membership_check(const struct checked *k, const struct config_realm *r)
{
	size_t n = groups_with(k->config, r->name);
	if (n == 1)
		return CH_DONE;
	wr_str(complain_realm(k, r->name, LIT("")),
	       n == 0 ? LIT("is in no group; add it to the realms of one")
		      : LIT("is in more than one group; leave it in one"));
	return ch_fail(CH_E_MISMATCH, "a realm is not in exactly one group", n);
}

/* The log has that name: in URLs, among keys, and as its signer's group. */
static ch_err name_check(const struct checked *k, str section, str name)
{
	if (!str_eq(name, LOG_REALM))
		return CH_DONE;
	wr_lit(complain(k->c, line_at(k, section, name, LIT(""))),
	       "the name log belongs to the log of tokens; choose another one");
	return ch_fail(CH_E_RANGE, "a name that is taken", 0);
}

static ch_err realm_check(const struct checked *k, const struct config_realm *r)
{
	TRY(name_check(k, LIT("realms"), r->name));
	TRY(issuer_check(k, r));
	TRY(audiences_check(k, r));
	TRY(scope_texts_check(k, r));
	return membership_check(k, r);
}

static bool has_realm(const struct config *c, str name)
{
	for (size_t i = 0; i < c->n_realms; i++)
		if (str_eq(c->realms[i].name, name))
			return true;
	return false;
}

/* Not for strangers: how much goes on, and when. */
static ch_err monitor_check(const struct checked *k, const struct config_group *g)
{
	const struct url u = { .host = g->monitor_host };
	if (g->monitor_host.n == 0 || url_is_loopback(&u))
		return CH_DONE;
	struct wr *w = complain(k->c, line_at(k, LIT("groups"), g->name, LIT("monitor")));
	wr_lit(w, "metrics are served on loopback alone (127.0.0.1 or ::1); let the collector on "
		  "this machine, or a front with a password of its own, fetch them");
	return ch_fail(CH_E_DENIED, "a monitor off loopback", g->monitor_port);
}

static ch_err group_check(const struct checked *k, size_t at)
{
	const struct config_group *g = &k->config->groups[at];
	TRY(name_check(k, LIT("groups"), g->name));
	for (size_t i = 0; i < g->n_realms; i++) {
		if (has_realm(k->config, g->realms[i]))
			continue;
		struct wr *w = complain(k->c, line_at(k, LIT("groups"), g->name, LIT("realms")));
		wr_lit(w, "there is no realm ");
		wr_str(w, g->realms[i]);
		wr_lit(w, "; describe it under realms or take it out of the group");
		return ch_fail(CH_E_MISMATCH, "a group names an unknown realm", i);
	}
	TRY(monitor_check(k, g));
	for (size_t i = 0; i < at; i++) {
		const struct config_group *other = &k->config->groups[i];
		if (other->port != g->port || !str_eq(other->host, g->host))
			continue;
		struct wr *w = complain(k->c, line_at(k, LIT("groups"), g->name, LIT("listen")));
		wr_lit(w, "group ");
		wr_str(w, other->name);
		wr_lit(w, " listens there already; choose another port");
		return ch_fail(CH_E_DUPLICATE, "two groups listen on one port", g->port);
	}
	return CH_DONE;
}

/* Where `keys` says nothing, what would not fit jwks_max_age_s is made to fit. */
static void key_times_fit(const struct node *root, struct config *c)
{
	const struct node *keys = node_get(root, LIT("keys"));
	if (!node_get(keys, LIT("staged_s")) && c->key_staged_s < c->jwks_max_age_s)
		c->key_staged_s = c->jwks_max_age_s;
}

static ch_err keys_check(const struct checked *k)
{
	const struct config *c = k->config;
	if (c->key_staged_s < c->jwks_max_age_s) {
		wr_lit(complain(k->c, line_at(k, LIT("keys"), LIT("staged_s"), LIT(""))),
		       "keys.staged_s is less than jwks_max_age_s: who keeps the public keys that "
		       "long would not know a new one; make it at least as long");
		return ch_fail(CH_E_MISMATCH, "keys are staged too briefly", c->key_staged_s);
	}
	if (c->key_sign_s / 4 < c->key_staged_s) {
		wr_lit(complain(k->c, line_at(k, LIT("keys"), LIT("sign_s"), LIT(""))),
		       "keys.sign_s is less than four times keys.staged_s: the next key would not "
		       "be staged in time; sign longer or stage less long");
		return ch_fail(CH_E_MISMATCH, "keys sign too briefly", c->key_sign_s);
	}
	return CH_DONE;
}

/* Secrets travel in clear: a front with TLS stands before it, or gates are on this machine. */
static ch_err collector_check(const struct checked *k)
{
	const struct url u = { .host = k->config->collector.host };
	if (u.host.n == 0 || url_is_loopback(&u))
		return CH_DONE;
	wr_lit(complain(k->c, line_at(k, LIT("collector"), LIT("listen"), LIT(""))),
	       "the collector is served on loopback alone (127.0.0.1 or ::1); let gates on other "
	       "machines reach it through a front with TLS");
	return ch_fail(CH_E_DENIED, "a collector off loopback", k->config->collector.port);
}

static ch_err agreement_check(const struct checked *k)
{
	TRY(keys_check(k));
	TRY(collector_check(k));
	for (size_t i = 0; i < k->config->n_groups; i++)
		TRY(group_check(k, i));
	for (size_t i = 0; i < k->config->n_realms; i++)
		TRY(realm_check(k, &k->config->realms[i]));
	return CH_DONE;
}

ch_err config_parse(str path, bytes yaml, struct wr *why, struct config *ret_c,
		    struct config_text **ret_text)
{
	const struct complaint c = { path, why };
	AUTO(config_text_done) struct config_text *text = NULL;
	struct config draft = { .secret_memory = SECRETMEM_MEMFD,
				.key_sign_s = CONFIG_KEY_SIGN_S,
				.collector = { .total_mb = CONFIG_COLLECTOR_MB,
					       .keep_days = CONFIG_COLLECTOR_DAYS },
				.key_staged_s = CONFIG_KEY_STAGED_S,
				.log_journal_days = CONFIG_LOG_JOURNAL_DAYS };
	struct node *root = NULL;
	for (size_t i = 0; i < REALMS_MAX; i++) {
		draft.realms[i].refresh_ttl_s = CONFIG_REFRESH_TTL_S;
		draft.realms[i].refresh_idle_s = CONFIG_REFRESH_IDLE_S;
		draft.realms[i].refresh_window_s = CONFIG_REFRESH_WINDOW_S;
		draft.realms[i].session_ttl_s = CONFIG_SESSION_TTL_S;
		draft.realms[i].session_idle_s = CONFIG_SESSION_IDLE_S;
	}
	TRY(text_read(&c, yaml, &text, &root));
	TRY(fields_read(&c, root, file_fields, "the file", &draft));
	key_times_fit(root, &draft);
	TRY(agreement_check(&(struct checked){ &c, root, &draft }));
	*ret_c = draft;
	*ret_text = TAKE(text);
	return CH_DONE;
}
