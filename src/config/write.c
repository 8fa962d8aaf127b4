/* The commented files that we write for people. What is written here parses back to the
 * same values (a test compares). Texts are quoted wherever YAML could read them as
 * something else. */
#include "config/config.h"
#include "write_internal.h"

static bool is_plain(str s)
{
	bool ok = s.n > 0 && (((s.p[0] | 0x20) >= 'a' && (s.p[0] | 0x20) <= 'z') || s.p[0] == '/');
	for (size_t i = 0; i < s.n; i++) {
		char low = (char)(s.p[i] | 0x20);
		bool word = (low >= 'a' && low <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9');
		bool colon = s.p[i] == ':' && i + 1 < s.n; /* followed by no blank, as none is ok */
		ok = ok && (word || colon || str_has(LIT("._-/@"), s.p[i]));
	}
	return ok && !str_eq(s, LIT("true")) && !str_eq(s, LIT("false")) && !str_eq(s, LIT("null"));
}

void put_text(struct wr *w, str s)
{
	if (is_plain(s)) {
		wr_str(w, s);
		return;
	}
	wr_char(w, '\'');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\'')
			wr_char(w, '\'');
		wr_char(w, s.p[i]);
	}
	wr_char(w, '\'');
}

void put_list(struct wr *w, const str *texts, size_t n)
{
	wr_char(w, '[');
	for (size_t i = 0; i < n; i++) {
		wr_str(w, i ? LIT(", ") : LIT(""));
		put_text(w, texts[i]);
	}
	wr_lit(w, "]\n");
}

static void put_key(struct wr *w, const char *key)
{
	wr_str(w, str_from_c(key));
	wr_lit(w, ": ");
}

void put_text_line(struct wr *w, const char *key, str value)
{
	put_key(w, key);
	put_text(w, value);
	wr_char(w, '\n');
}

/* A word that YAML reads as what it is. */
static void put_text_line_plain(struct wr *w, const char *key, str word)
{
	put_key(w, key);
	wr_str(w, word);
	wr_char(w, '\n');
}

void put_number_line(struct wr *w, const char *key, uint64_t value)
{
	put_key(w, key);
	wr_dec(w, value);
	wr_char(w, '\n');
}

void put_list_line(struct wr *w, const char *key, const str *texts, size_t n)
{
	put_key(w, key);
	put_list(w, texts, n);
}

void put_listen_line(struct wr *w, const char *key, str host, uint32_t port)
{
	bool ip6 = str_has(host, ':');
	put_key(w, key);
	wr_str(w, ip6 ? LIT("'[") : LIT(""));
	wr_str(w, host);
	wr_str(w, ip6 ? LIT("]:") : LIT(":"));
	wr_dec(w, port);
	wr_str(w, ip6 ? LIT("'\n") : LIT("\n"));
}

static void put_bool_line(struct wr *w, const char *key, bool value)
{
	put_text_line_plain(w, key, value ? LIT("true") : LIT("false"));
}

static void put_demand_line(struct wr *w, const char *key, unsigned value)
{
	put_text_line_plain(w, key, value ? LIT("required") : LIT("optional"));
}

static void put_group(struct wr *w, const struct config_group *g)
{
	wr_lit(w, "  ");
	put_text(w, g->name);
	wr_lit(w, ":\n");
	put_listen_line(w, "    listen", g->host, g->port);
	if (g->monitor_host.n > 0)
		put_listen_line(w, "    monitor", g->monitor_host, g->monitor_port);
	put_list_line(w, "    realms", g->realms, g->n_realms);
	if (g->n_fronts > 0)
		put_list_line(w, "    fronts", g->fronts, g->n_fronts);
}

static void put_realm(struct wr *w, const struct config_realm *r)
{
	wr_lit(w, "\n  ");
	put_text(w, r->name);
	wr_lit(w, ":\n");
	put_text_line(w, "    kind", r->kind);
	put_text_line(w, "    issuer", r->issuer);
	put_bool_line(w, "    issues", r->issues);
	put_text_line(w, "    alg", r->alg);
	put_number_line(w, "    access_ttl_s", r->access_ttl_s);
	put_number_line(w, "    id_ttl_s", r->id_ttl_s);
	put_number_line(w, "    code_ttl_s", r->code_ttl_s);
	put_number_line(w, "    refresh_ttl_s", r->refresh_ttl_s);
	put_number_line(w, "    refresh_idle_s", r->refresh_idle_s);
	put_number_line(w, "    refresh_window_s", r->refresh_window_s);
	put_number_line(w, "    session_ttl_s", r->session_ttl_s);
	put_number_line(w, "    session_idle_s", r->session_idle_s);
	put_demand_line(w, "    dpop", r->dpop);
	put_bool_line(w, "    dpop_nonce", r->dpop_nonce);
	put_demand_line(w, "    par", r->par);
	put_number_line(w, "    rate_per_s", r->rate_per_s);
	wr_lit(w, "    audiences:\n");
	for (size_t i = 0; i < r->n_audiences; i++) {
		wr_lit(w, "      ");
		put_text(w, r->audiences[i].name);
		wr_lit(w, ": ");
		put_text(w, r->audiences[i].resource);
		wr_char(w, '\n');
	}
	put_list_line(w, "    scopes", r->scopes, r->n_scopes);
	if (r->n_scope_texts > 0)
		wr_lit(w, "    scope_texts:\n");
	for (size_t i = 0; i < r->n_scope_texts; i++) {
		put_text_line(w, "      - scope", r->scope_texts[i].scope);
		put_text_line(w, "        en", r->scope_texts[i].en);
		if (r->scope_texts[i].fr.n > 0)
			put_text_line(w, "        fr", r->scope_texts[i].fr);
	}
}

static void put_keys(struct wr *w, const struct config *c)
{
	wr_lit(w,
	       "\n# Keys are replaced by themselves, see docs/KEYS.md. A key signs for sign_s (14 "
	       "days)\n"
	       "# and its successor is published all that time before it follows. staged_s is how\n"
	       "# long one must have been published before `chancery key rotate` lets it sign: at\n"
	       "# least jwks_max_age_s, better as long as any verifier of yours keeps a key set.\n"
	       "keys:\n");
	put_number_line(w, "  sign_s", c->key_sign_s);
	put_number_line(w, "  staged_s", c->key_staged_s);
}

static void put_webhook(struct wr *w, const struct config_collector *k)
{
	if (k->webhook_uri.n == 0) {
		wr_lit(w, "  #webhook: {uri: 'https://alerts.example/x', secret_file: "
			  "webhook.secret}\n");
		return;
	}
	wr_lit(w, "  webhook:\n");
	put_text_line(w, "    uri", k->webhook_uri);
	if (k->webhook_secret_file.n > 0)
		put_text_line(w, "    secret_file", k->webhook_secret_file);
	if (k->webhook_ca_file.n > 0)
		put_text_line(w, "    ca_file", k->webhook_ca_file);
}

static void put_collector(struct wr *w, const struct config *c)
{
	const struct config_collector *k = &c->collector;
	wr_lit(w,
	       "\n# Where gates report what they saw, and alarms for tokens that were never "
	       "issued,\n"
	       "# each by a secret of its own (docs/ALARMS.md). Loopback; other machines come "
	       "through\n"
	       "# a front with TLS. An alarm that is found true is logged, kept in alarms/, sent "
	       "to\n"
	       "# the webhook, and with compromise: guarded the key leaves by itself: at most once "
	       "an\n"
	       "# hour, and only when its successor may sign.\n");
	if (k->host.n == 0) {
		wr_lit(w, "#collector:\n#  listen: 127.0.0.1:8090\n#  gates:\n"
			  "#    mail1: {secret_file: collector/mail1.secret}\n");
		return;
	}
	wr_lit(w, "collector:\n");
	put_listen_line(w, "  listen", k->host, k->port);
	wr_lit(w, "  gates:\n");
	for (size_t i = 0; i < k->n_gates; i++) {
		wr_lit(w, "    ");
		put_text(w, k->gates[i].name);
		wr_lit(w, ":\n");
		put_text_line(w, "      secret_file", k->gates[i].secret_file);
	}
	put_webhook(w, k);
	put_text_line(w, "  compromise", k->compromise ? LIT("guarded") : LIT("off"));
	put_number_line(w, "  total_mb", k->total_mb);
	put_number_line(w, "  keep_days", k->keep_days);
}

static void put_log(struct wr *w, const struct config *c)
{
	wr_lit(w,
	       "\n# The log of tokens, in which each stands before it is signed, see "
	       "docs/LEDGER.md.\n"
	       "# origin is its name for good, in the checkpoints that it signs; left out: the\n"
	       "# first issuer's host and /log. journal_days is how long its journal says who got\n"
	       "# what; the log itself says nothing about people. public: anybody may read the\n"
	       "# log over HTTP, else clients with the scope log.\n"
	       "log:\n");
	if (c->log_origin.n > 0)
		put_text_line(w, "  origin", c->log_origin);
	else
		wr_lit(w, "  #origin: login.example/log\n");
	put_number_line(w, "  journal_days", c->log_journal_days);
	put_bool_line(w, "  public", c->log_public);
}

static void put_head(struct wr *w, const struct config *c)
{
	wr_lit(w,
	       "# A Chancery token authority. Unknown keys, wrong types and contradictions are\n"
	       "# errors that name the line; nothing is taken from a file that has one.\n"
	       "# Times are in seconds. Paths are relative to this folder, or absolute.\n"
	       "\n"
	       "# Where private keys live while the authority runs. memfd: memory that no dump\n"
	       "# and no reader sees, root included (memfd_secret; stock Debian 12 needs the\n"
	       "# kernel parameter secretmem.enable=1). mlock is weaker: locked and kept out of\n"
	       "# dumps, but root can read it; it shouts at each start.\n");
	put_text_line(w, "secret_memory",
		      c->secret_memory == SECRETMEM_MLOCK ? LIT("mlock") : LIT("memfd"));
	wr_lit(w, "\n# The passphrase that unseals the keys at a start; readable by root alone.\n");
	put_text_line(w, "passphrase_file", c->passphrase_file);
	wr_lit(w,
	       "\n# The folder of the host's crash handler (`chancery coredump`), to which new "
	       "keys "
	       "are\n# told, so that no dump shows them; or none. Left out: its usual folder.\n");
	if (c->crash_handler.n > 0)
		put_text_line(w, "crash_handler", c->crash_handler);
	else
		wr_lit(w, "#crash_handler: none\n");
	wr_lit(w,
	       "\n# Each role runs under an own user id, counted from this one. Nobody else may\n"
	       "# use these eleven ids.\n");
	put_number_line(w, "uid_base", c->uid_base);
	wr_lit(w, "\n# How long relying parties may keep the public keys. A new key is published\n"
		  "# for at least this long before it signs.\n");
	put_number_line(w, "jwks_max_age_s", c->jwks_max_age_s);
	put_keys(w, c);
	put_log(w, c);
	put_collector(w, c);
	wr_lit(w, "\n# The log: a JSON object a line, and a line for each request; optional.\n");
	wr_str(w, c->log_json ? LIT("log_json: true\n") : LIT("log_json: false\n"));
	wr_str(w, c->log_requests ? LIT("log_requests: true\n") : LIT("log_requests: false\n"));
}

void config_write(struct wr *w, const struct config *c)
{
	put_head(w, c);
	wr_lit(w,
	       "\n# One issuer process each, with its own port and store. What one of them does\n"
	       "# when it is taken over stays within its realms: keep staff alone. Put a TLS\n"
	       "# front (nginx, HAProxy) before a port that others can reach. monitor, on "
	       "loopback\n"
	       "# and optional (127.0.0.1:9480 say), serves /metrics (Prometheus), /health, "
	       "/ready.\n"
	       "# fronts, optional, names the front's addresses (fronts: ['127.0.0.1']): what its\n"
	       "# X-Forwarded-For says is who connects, and guessing from there is slowed down.\n"
	       "groups:\n");
	for (size_t i = 0; i < c->n_groups; i++)
		put_group(w, &c->groups[i]);
	wr_lit(w,
	       "\n# Each realm has its own issuer URL, keys, users and clients, and is in one "
	       "group.\n"
	       "#   kind          consumer, enterprise or staff: a word for people\n"
	       "#   issuer        what tokens say in iss; its path is / and the realm's name;\n"
	       "#                 https, but for localhost\n"
	       "#   issues        false: discovery and keys only, no tokens\n"
	       "#   alg           of keys that `chancery init` makes: ES256, EdDSA, RS256, PS256\n"
	       "#   access_ttl_s  how long an access token lives; id_ttl_s, code_ttl_s likewise\n"
	       "#   refresh_ttl_s how long a person need not log in again where an app may stay\n"
	       "#                 (scope offline_access); refresh_idle_s: if it does not come by\n"
	       "#   refresh_window_s  how long an app that lost the answer may ask again with the\n"
	       "#                 token it used last; 0 to 300. After that its use is a theft\n"
	       "#   session_ttl_s  how long a person stays signed in in a browser, at most;\n"
	       "#                 session_idle_s: without a visit\n"
	       "#   dpop          required: every access token is bound to a key of its client, "
	       "so\n"
	       "#                 that a stolen one is no use (RFC 9449); optional: those of "
	       "clients\n"
	       "#                 that show a key. Mail programs show none\n"
	       "#   dpop_nonce    true: a proof must carry a nonce of ours, at most two minutes "
	       "old\n"
	       "#   par           required: clients push each authorization request to us before "
	       "a\n"
	       "#                 browser sees it (RFC 9126); optional: those that want to\n"
	       "#   rate_per_s    tokens a second that the signer makes at most\n"
	       "#   audiences     who tokens can be meant for: the name in aud, and the absolute\n"
	       "#                 URI that a client asks for it by (resource, RFC 8707)\n"
	       "#   scopes        what clients can be allowed to ask for\n"
	       "#   scope_texts   optional: what people read of yours when an app asks for them,\n"
	       "#                 a list of {scope, en, fr}; fr may be left out. See "
	       "docs/PEOPLE.md\n"
	       "realms:");
	for (size_t i = 0; i < c->n_realms; i++)
		put_realm(w, &c->realms[i]);
}
