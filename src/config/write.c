/* The commented files that we write for people. What is written here parses back to the
 * same values (a test compares). Texts are quoted wherever YAML could read them as
 * something else. */
#include "config/config.h"

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

static void put_text(struct wr *w, str s)
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

static void put_list(struct wr *w, const str *texts, size_t n)
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

static void text_line(struct wr *w, const char *key, str value)
{
	put_key(w, key);
	put_text(w, value);
	wr_char(w, '\n');
}

static void number_line(struct wr *w, const char *key, uint64_t value)
{
	put_key(w, key);
	wr_dec(w, value);
	wr_char(w, '\n');
}

static void list_line(struct wr *w, const char *key, const str *texts, size_t n)
{
	put_key(w, key);
	put_list(w, texts, n);
}

static void listen_line(struct wr *w, const char *key, str host, uint32_t port)
{
	bool ip6 = str_has(host, ':');
	put_key(w, key);
	wr_str(w, ip6 ? LIT("'[") : LIT(""));
	wr_str(w, host);
	wr_str(w, ip6 ? LIT("]:") : LIT(":"));
	wr_dec(w, port);
	wr_str(w, ip6 ? LIT("'\n") : LIT("\n"));
}

static void put_group(struct wr *w, const struct config_group *g)
{
	wr_lit(w, "  ");
	put_text(w, g->name);
	wr_lit(w, ":\n");
	listen_line(w, "    listen", g->host, g->port);
	list_line(w, "    realms", g->realms, g->n_realms);
}

static void put_realm(struct wr *w, const struct config_realm *r)
{
	wr_lit(w, "\n  ");
	put_text(w, r->name);
	wr_lit(w, ":\n");
	text_line(w, "    kind", r->kind);
	text_line(w, "    issuer", r->issuer);
	wr_str(w, r->issues ? LIT("    issues: true\n") : LIT("    issues: false\n"));
	text_line(w, "    alg", r->alg);
	number_line(w, "    access_ttl_s", r->access_ttl_s);
	number_line(w, "    id_ttl_s", r->id_ttl_s);
	number_line(w, "    code_ttl_s", r->code_ttl_s);
	number_line(w, "    rate_per_s", r->rate_per_s);
	wr_lit(w, "    audiences:\n");
	for (size_t i = 0; i < r->n_audiences; i++) {
		wr_lit(w, "      ");
		put_text(w, r->audiences[i].name);
		wr_lit(w, ": ");
		put_text(w, r->audiences[i].resource);
		wr_char(w, '\n');
	}
	list_line(w, "    scopes", r->scopes, r->n_scopes);
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
	text_line(w, "secret_memory",
		  c->secret_memory == SECRETMEM_MLOCK ? LIT("mlock") : LIT("memfd"));
	wr_lit(w, "\n# The passphrase that unseals the keys at a start; readable by root alone.\n");
	text_line(w, "passphrase_file", c->passphrase_file);
	wr_lit(w,
	       "\n# Each role runs under an own user id, counted from this one. Nobody else may\n"
	       "# use these ten ids.\n");
	number_line(w, "uid_base", c->uid_base);
	wr_lit(w, "\n# How long relying parties may keep the public keys. A new key is published\n"
		  "# for at least this long before it signs.\n");
	number_line(w, "jwks_max_age_s", c->jwks_max_age_s);
}

void config_write(struct wr *w, const struct config *c)
{
	put_head(w, c);
	wr_lit(w,
	       "\n# One issuer process each, with its own port and store. What one of them does\n"
	       "# when it is taken over stays within its realms: keep staff alone. Put a TLS\n"
	       "# front (nginx, HAProxy) before a port that others can reach.\n"
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
	       "#   rate_per_s    tokens a second that the signer makes at most\n"
	       "#   audiences     who tokens can be meant for: the name in aud, and the absolute\n"
	       "#                 URI that a client asks for it by (resource, RFC 8707)\n"
	       "#   scopes        what clients can be allowed to ask for\n"
	       "realms:");
	for (size_t i = 0; i < c->n_realms; i++)
		put_realm(w, &c->realms[i]);
}

static void put_issuer(struct wr *w, const struct gate_issuer *i)
{
	text_line(w, "  - issuer", i->issuer);
	text_line(w, "    realm", i->realm);
	if (i->jwks_uri.n > 0)
		text_line(w, "    jwks_uri", i->jwks_uri);
	else
		text_line(w, "    jwks_file", i->jwks);
	list_line(w, "    audiences", i->audiences, i->n_audiences);
}

static void put_mailboxes(struct wr *w, const struct gate_config *g)
{
	bool begun = false;
	for (size_t i = 0; i < g->n_issuers; i++) {
		bool seen = g->issuers[i].n_mailboxes == 0;
		for (size_t j = 0; j < i; j++)
			seen = seen || str_eq(g->issuers[j].realm, g->issuers[i].realm);
		if (seen)
			continue;
		wr_str(w, begun ? LIT("  ") : LIT("mailboxes:\n  "));
		begun = true;
		put_text(w, g->issuers[i].realm);
		wr_lit(w, ": ");
		put_list(w, g->issuers[i].mailboxes, g->issuers[i].n_mailboxes);
	}
}

static void seconds_line(struct wr *w, const char *key, uint32_t seconds)
{
	if (seconds > 0)
		number_line(w, key, seconds);
}

/* Only what is not left to its default. */
static void put_fetch(struct wr *w, const struct gate_file *g)
{
	const struct gate_fetch *f = &g->gate.fetch, none = { 0 };
	if (mem_eq(f, &none, sizeof(none)) && g->ca_file.n == 0)
		return;
	wr_lit(w, "\n# How sets are fetched that have a jwks_uri: docs/VERIFY.md.\nfetch:\n");
	if (g->ca_file.n > 0)
		text_line(w, "  ca_file", g->ca_file);
	seconds_line(w, "  fresh_min_s", f->fresh_min_s);
	seconds_line(w, "  fresh_max_s", f->fresh_max_s);
	seconds_line(w, "  fresh_default_s", f->fresh_default_s);
	seconds_line(w, "  stale_s", f->stale_s);
	seconds_line(w, "  cooldown_s", f->cooldown_s);
	seconds_line(w, "  retry_min_s", f->retry_min_s);
	seconds_line(w, "  retry_max_s", f->retry_max_s);
	seconds_line(w, "  timeout_s", f->timeout_s);
}

void gate_file_write(struct wr *w, const struct gate_file *g)
{
	wr_lit(w,
	       "# The policy of a Chancery gate: whom a mail server on this host believes.\n"
	       "# Paths are relative to this file's folder, or absolute.\n"
	       "\n"
	       "# The endpoint is http://HOST:PORT/introspect (RFC 7662): keep it on loopback.\n");
	listen_line(w, "listen", g->host, g->port);
	wr_lit(w, "\n# Who may ask, by HTTP Basic. The secret is the file's first line.\n"
		  "client:\n");
	text_line(w, "  id", g->gate.client_id);
	text_line(w, "  secret_file", g->client_secret_file);
	if (g->gate.scope.n > 0) {
		wr_lit(w,
		       "\n# A token must have this scope. Without the key: any scope will do.\n");
		text_line(w, "scope", g->gate.scope);
	}
	wr_lit(w,
	       "\n# An issuer, its realm, its public keys and the audiences it may send belong\n"
	       "# together: a key of one is nothing in another. A key file is read again when\n"
	       "# it changes; one that disappears takes the keys with it. With jwks_uri in place\n"
	       "# of jwks_file the set is fetched from there and followed.\n"
	       "issuers:\n");
	for (size_t i = 0; i < g->gate.n_issuers; i++)
		put_issuer(w, &g->gate.issuers[i]);
	wr_lit(w,
	       "\n# Which usernames each realm may claim; '*' in front only. WITHOUT A LINE HERE "
	       "A\n"
	       "# REALM OPENS EVERY MAILBOX: a consumer account with an enterprise address would\n"
	       "# read enterprise mail. The gate warns of that at each start.\n");
	put_mailboxes(w, &g->gate);
	put_fetch(w, g);
}
