/* The commented policy of a gate that we write for people. What is written here parses
 * back to the same values (a test compares). */
#include "config/config.h"
#include "time_internal.h"
#include "write_internal.h"

static void put_time(struct wr *w, const char *key, int64_t s)
{
	if (s == 0)
		return;
	wr_str(w, str_from_c(key));
	time_write(w, s);
	wr_char(w, '\n');
}

static void put_period(struct wr *w, const struct gate_period *p)
{
	put_text_line(w, "      - kid", p->kid);
	put_time(w, "        from: ", p->from_s);
	put_time(w, "        until: ", p->until_s);
}

static void put_if(struct wr *w, const char *key, str value)
{
	if (value.n > 0)
		put_text_line(w, key, value);
}

static void put_issuer(struct wr *w, const struct gate_issuer *i)
{
	put_text_line(w, "  - issuer", i->issuer);
	put_text_line(w, "    realm", i->realm);
	if (i->jwks_uri.n > 0)
		put_text_line(w, "    jwks_uri", i->jwks_uri);
	else
		put_text_line(w, "    jwks_file", i->jwks);
	put_list_line(w, "    audiences", i->audiences, i->n_audiences);
	put_number_line(w, "    skew_s", i->skew_s);
	put_number_line(w, "    max_ttl_s", i->max_ttl_s);
	wr_str(w, i->n_periods ? LIT("    keys:\n") : LIT(""));
	for (size_t k = 0; k < i->n_periods; k++)
		put_period(w, &i->periods[k]);
	put_if(w, "    log", i->log);
	const struct gate_revocations *r = &i->revocations;
	if (r->folder.n == 0 && r->uri.n == 0)
		return;
	wr_lit(w, "    revocations:\n");
	put_if(w, "      folder", r->folder);
	put_if(w, "      uri", r->uri);
	put_if(w, "      client", r->client);
	put_if(w, "      secret_file", r->secret_file);
	put_number_line(w, "      stale_s", r->stale_s);
}

static void put_log(struct wr *w, const struct gate_log *l)
{
	wr_lit(w, "  ");
	put_text(w, l->name);
	wr_lit(w, ":\n");
	put_if(w, "    vkey", l->vkey);
	put_if(w, "    vkey_file", l->vkey_file);
	put_if(w, "    folder", l->folder);
	put_if(w, "    socket", l->socket);
	put_if(w, "    uri", l->uri);
	put_if(w, "    client", l->client);
	put_if(w, "    secret_file", l->secret_file);
	put_number_line(w, "    stale_s", l->stale_s);
	put_number_line(w, "    skew_s", l->skew_s);
	if (l->n_witnesses == 0)
		return;
	put_list_line(w, "    witnesses", l->witnesses, l->n_witnesses);
	put_number_line(w, "    quorum", l->quorum);
	put_number_line(w, "    witness_stale_s", l->witness_stale_s);
}

static void put_logs(struct wr *w, const struct gate_config *g)
{
	if (g->n_logs == 0)
		return;
	wr_lit(w,
	       "\n# Logs of what is issued. A token whose signature is good and that its issuer's\n"
	       "# log does not have is forged: refused, with an alarm (docs/GATE.md).\n"
	       "logs:\n");
	for (size_t i = 0; i < g->n_logs; i++)
		put_log(w, &g->logs[i]);
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

static void number_if(struct wr *w, const char *key, uint32_t seconds)
{
	if (seconds > 0)
		put_number_line(w, key, seconds);
}

/* Only what is not left to its default. */
static void put_evidence(struct wr *w, const struct gate_evidence *e)
{
	if (e->folder.n > 0) {
		wr_lit(w, "\n# Each verdict, as evidence.\nsightings:\n");
		put_text_line(w, "  folder", e->folder);
		number_if(w, "  total_mb", e->total_mb);
		number_if(w, "  keep_days", e->keep_days);
		number_if(w, "  sync_ms", e->sync_ms);
		wr_str(w, e->fail_open ? LIT("  fail_open: true\n") : LIT(""));
	}
	wr_str(w, e->junk_burst_us || e->junk_us_per_s ? LIT("junk:\n") : LIT(""));
	number_if(w, "  burst_us", e->junk_burst_us);
	number_if(w, "  us_per_s", e->junk_us_per_s);
	wr_str(w, e->refusals_per_minute ? LIT("log:\n") : LIT(""));
	number_if(w, "  refusals_per_minute", e->refusals_per_minute);
}

static void put_collector(struct wr *w, const struct gate_collector *c)
{
	if (c->uri.n == 0)
		return;
	wr_lit(w, "\n# Where it reports what it saw, and tokens that were never issued: "
		  "docs/ALARMS.md.\ncollector:\n");
	put_text_line(w, "  uri", c->uri);
	put_text_line(w, "  client", c->client);
	put_text_line(w, "  secret_file", c->secret_file);
}

/* Only what is not left to its default. */
static void put_fetch(struct wr *w, const struct gate_file *g)
{
	const struct gate_fetch *f = &g->gate.fetch, none = { 0 };
	if (mem_eq(f, &none, sizeof(none)) && g->ca_file.n == 0)
		return;
	wr_lit(w, "\n# How sets are fetched that have a jwks_uri: docs/VERIFY.md.\nfetch:\n");
	if (g->ca_file.n > 0)
		put_text_line(w, "  ca_file", g->ca_file);
	number_if(w, "  fresh_min_s", f->fresh_min_s);
	number_if(w, "  fresh_max_s", f->fresh_max_s);
	number_if(w, "  fresh_default_s", f->fresh_default_s);
	number_if(w, "  stale_s", f->stale_s);
	number_if(w, "  cooldown_s", f->cooldown_s);
	number_if(w, "  retry_min_s", f->retry_min_s);
	number_if(w, "  retry_max_s", f->retry_max_s);
	number_if(w, "  timeout_s", f->timeout_s);
}

static void put_mail(struct wr *w, const struct gate_file *g)
{
	wr_lit(w, "\n# Mail servers ask http://HOST:PORT/introspect (RFC 7662): loopback only.\n");
	put_listen_line(w, "listen", g->host, g->port);
	wr_lit(w, "\n# Who may ask there, by HTTP Basic. The secret is the file's first line.\n"
		  "client:\n");
	put_text_line(w, "  id", g->gate.client_id);
	put_text_line(w, "  secret_file", g->client_secret_file);
}

static void put_web(struct wr *w, const struct gate_file *g)
{
	wr_lit(w, "\n# Web servers ask here, GET /check/LOCATION: who can open it may ask.\n");
	put_text_line(w, "socket", g->socket);
}

static void put_if_list(struct wr *w, const char *key, const str *texts, size_t n)
{
	if (n > 0)
		put_list_line(w, key, texts, n);
}

static void put_location(struct wr *w, const struct gate_location *l)
{
	static const str bindings[BINDING_COUNT] = { { "accepted", 8 },
						     { "required", 8 },
						     { "refused", 7 } };
	wr_lit(w, "  ");
	put_text(w, l->name);
	wr_lit(w, ":\n");
	put_list_line(w, "    audiences", l->audiences, l->n_audiences);
	put_if_list(w, "    scopes", l->scopes, l->n_scopes);
	put_list_line(w, "    realms", l->realms, l->n_realms);
	put_if_list(w, "    methods", l->methods, l->n_methods);
	put_text_line(w, "    binding", bindings[l->binding]);
	put_if(w, "    origin", l->origin);
	wr_str(w, l->nonce ? LIT("    nonce: true\n") : LIT(""));
}

static void put_locations(struct wr *w, const struct gate_config *g)
{
	if (g->n_locations == 0)
		return;
	wr_lit(w, "\n# What a token must be for each place that a web server asks for: one of the\n"
		  "# audiences, all of the scopes, one of the realms.\n"
		  "locations:\n");
	for (size_t i = 0; i < g->n_locations; i++)
		put_location(w, &g->locations[i]);
}

static void put_stores(struct wr *w, const struct gate_config *g)
{
	wr_lit(w, "\n# Proofs of possession (RFC 9449): how old one may be, how many are\n"
		  "# remembered; verified tokens that are kept.\n"
		  "dpop:\n");
	put_number_line(w, "  window_s", g->dpop.window_s);
	put_number_line(w, "  skew_s", g->dpop.skew_s);
	put_number_line(w, "  nonce_slice_s", g->dpop.nonce_slice_s);
	put_number_line(w, "  proofs", g->dpop.proofs);
	wr_lit(w, "cache:\n");
	put_number_line(w, "  tokens", g->cache.tokens);
	put_number_line(w, "  token_max", g->cache.token_max);
}

static void put_issuers(struct wr *w, const struct gate_config *g)
{
	wr_lit(w,
	       "\n# An issuer, its realm, its public keys and the audiences it may send belong\n"
	       "# together: a key of one is nothing in another. A key file is read again when\n"
	       "# it changes; one that disappears takes the keys with it. With jwks_uri in place\n"
	       "# of jwks_file the set is fetched from there and followed. Without revocations: a\n"
	       "# token that was revoked stays good until it expires.\n"
	       "issuers:\n");
	for (size_t i = 0; i < g->n_issuers; i++)
		put_issuer(w, &g->issuers[i]);
}

void gate_file_write(struct wr *w, const struct gate_file *g)
{
	wr_lit(w, "# The policy of a Chancery gate: whom this host believes (docs/GATE.md).\n"
		  "# Paths are relative to this file's folder, or absolute.\n");
	if (g->host.n > 0)
		put_mail(w, g);
	if (g->socket.n > 0)
		put_web(w, g);
	put_text_line(w, "socket_mode", g->socket_mode);
	put_if(w, "socket_owner", g->socket_owner);
	put_if(w, "socket_group", g->socket_group);
	put_if(w, "user", g->user);
	if (g->gate.scope.n > 0) {
		wr_lit(w, "\n# A mail token must have this scope. Without the key: any will do.\n");
		put_text_line(w, "scope", g->gate.scope);
	}
	put_issuers(w, &g->gate);
	put_logs(w, &g->gate);
	wr_lit(w,
	       "\n# Which usernames each realm may claim; '*' in front only. WITHOUT A LINE HERE "
	       "A\n"
	       "# REALM OPENS EVERY MAILBOX: a consumer account with an enterprise address would\n"
	       "# read enterprise mail. The gate warns of that at each start.\n");
	put_mailboxes(w, &g->gate);
	put_locations(w, &g->gate);
	put_stores(w, &g->gate);
	put_evidence(w, &g->gate.evidence);
	put_collector(w, &g->gate.collector);
	put_fetch(w, g);
}
