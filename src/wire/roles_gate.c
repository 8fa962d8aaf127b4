/* Configuration of the gate, as it travels. Trusts the one who sent it for its meaning,
 * not for its form: what does not fit is refused whole. */
#include "base/ck.h"
#include "wire/boot.h"
#include "wire/roles.h"
#include "wire_internal.h"

static void issuer_write(struct wr *w, const struct gate_issuer *g)
{
	wr_str16(w, g->issuer);
	wr_str16(w, g->realm);
	wr_str16(w, g->jwks);
	wr_str16(w, g->jwks_uri);
	wire_texts_write(w, g->audiences, g->n_audiences);
	wire_texts_write(w, g->mailboxes, g->n_mailboxes);
	wr_u32(w, g->skew_s);
	wr_u32(w, g->max_ttl_s);
	wr_u16(w, u16_from(g->n_periods));
	for (size_t i = 0; i < g->n_periods; i++) {
		wr_str16(w, g->periods[i].kid);
		wr_i64(w, g->periods[i].from_s);
		wr_i64(w, g->periods[i].until_s);
	}
	wr_str16(w, g->revocations.folder);
	wr_str16(w, g->revocations.uri);
	wr_u32(w, g->revocations.stale_s);
	wr_str16(w, g->log);
}

static void log_write(struct wr *w, const struct gate_log *l)
{
	wr_str16(w, l->name);
	wr_str16(w, l->vkey);
	wr_str16(w, l->folder);
	wr_str16(w, l->socket);
	wr_str16(w, l->uri);
	wr_u32(w, l->stale_s);
	wr_u32(w, l->skew_s);
	wire_texts_write(w, l->witnesses, l->n_witnesses);
	wr_u32(w, l->quorum);
	wr_u32(w, l->witness_stale_s);
}

static void location_write(struct wr *w, const struct gate_location *l)
{
	wr_str16(w, l->name);
	wire_texts_write(w, l->audiences, l->n_audiences);
	wire_texts_write(w, l->scopes, l->n_scopes);
	wire_texts_write(w, l->realms, l->n_realms);
	wire_texts_write(w, l->methods, l->n_methods);
	wr_u8(w, (uint8_t)l->binding);
	wr_str16(w, l->origin);
	wr_bool(w, l->nonce);
}

static void fetch_write(struct wr *w, const struct gate_fetch *f)
{
	const uint32_t seconds[] = { f->fresh_min_s, f->fresh_max_s, f->fresh_default_s,
				     f->stale_s,     f->cooldown_s,  f->retry_min_s,
				     f->retry_max_s, f->timeout_s };
	for (size_t i = 0; i < COUNT_OF(seconds); i++)
		wr_u32(w, seconds[i]);
}

static void fetch_read(struct rd *r, struct gate_fetch *f)
{
	uint32_t *const seconds[] = { &f->fresh_min_s, &f->fresh_max_s, &f->fresh_default_s,
				      &f->stale_s,     &f->cooldown_s,  &f->retry_min_s,
				      &f->retry_max_s, &f->timeout_s };
	for (size_t i = 0; i < COUNT_OF(seconds); i++)
		*seconds[i] = rd_u32(r);
}

static void evidence_write(struct wr *w, const struct gate_evidence *e)
{
	wr_str16(w, e->folder);
	wr_u32(w, e->total_mb);
	wr_u32(w, e->keep_days);
	wr_u32(w, e->sync_ms);
	wr_bool(w, e->fail_open);
	wr_u32(w, e->junk_burst_us);
	wr_u32(w, e->junk_us_per_s);
	wr_u32(w, e->refusals_per_minute);
}

static void evidence_read(struct rd *r, struct gate_evidence *e)
{
	e->folder = rd_str16(r, WIRE_PATH_MAX);
	e->total_mb = rd_u32(r);
	e->keep_days = rd_u32(r);
	e->sync_ms = rd_u32(r);
	e->fail_open = rd_bool(r);
	e->junk_burst_us = rd_u32(r);
	e->junk_us_per_s = rd_u32(r);
	e->refusals_per_minute = rd_u32(r);
}

void gate_config_write(struct wr *w, const struct gate_config *c)
{
	wr_bool(w, c->introspects);
	wr_bool(w, c->checks);
	wr_bool(w, c->has_proofs);
	wr_bool(w, c->supervised);
	wr_bool(w, c->waits);
	wr_str16(w, c->client_id);
	wr_str16(w, c->client_secret);
	wr_str16(w, c->scope);
	fetch_write(w, &c->fetch);
	wr_u16(w, u16_from(c->n_issuers));
	for (size_t i = 0; i < c->n_issuers; i++)
		issuer_write(w, &c->issuers[i]);
	wr_u16(w, u16_from(c->n_logs));
	for (size_t i = 0; i < c->n_logs; i++)
		log_write(w, &c->logs[i]);
	wr_u16(w, u16_from(c->n_locations));
	for (size_t i = 0; i < c->n_locations; i++)
		location_write(w, &c->locations[i]);
	wr_u32(w, c->dpop.window_s);
	wr_u32(w, c->dpop.skew_s);
	wr_u32(w, c->dpop.nonce_slice_s);
	wr_u32(w, c->dpop.proofs);
	wr_u32(w, c->cache.tokens);
	wr_u32(w, c->cache.token_max);
	evidence_write(w, &c->evidence);
	wr_bool(w, c->reports);
	wr_put(w, BYTES_OF(c->nonce_key));
	wr_u32(w, c->reloads);
	wr_u32(w, c->reloads_failed);
	wr_i64(w, c->proofs_since_s);
}

static void issuer_read(struct rd *r, struct gate_issuer *g)
{
	g->issuer = rd_str16(r, URL_MAX_BYTES);
	g->realm = rd_str16(r, NAME_MAX_BYTES);
	g->jwks = rd_str16(r, WIRE_PATH_MAX);
	g->jwks_uri = rd_str16(r, URL_MAX_BYTES);
	if (!g->jwks.n == !g->jwks_uri.n)
		r->bad = true;
	g->n_audiences = wire_texts_read(r, g->audiences, AUDIENCES_MAX);
	g->n_mailboxes = wire_texts_read(r, g->mailboxes, PATTERNS_MAX);
	g->skew_s = rd_u32(r);
	g->max_ttl_s = rd_u32(r);
	g->n_periods = rd_count16(r, PERIODS_MAX);
	for (size_t i = 0; i < g->n_periods; i++) {
		g->periods[i].kid = rd_str16(r, NAME_MAX_BYTES);
		g->periods[i].from_s = rd_i64(r);
		g->periods[i].until_s = rd_i64(r);
	}
	g->revocations.folder = rd_str16(r, WIRE_PATH_MAX);
	g->revocations.uri = rd_str16(r, URL_MAX_BYTES);
	g->revocations.stale_s = rd_u32(r);
	if (g->revocations.folder.n > 0 && g->revocations.uri.n > 0)
		r->bad = true;
	g->log = rd_str16(r, NAME_MAX_BYTES);
}

static void log_read(struct rd *r, struct gate_log *l)
{
	l->name = rd_str16(r, NAME_MAX_BYTES);
	l->vkey = rd_str16(r, VKEY_MAX_BYTES);
	l->folder = rd_str16(r, WIRE_PATH_MAX);
	l->socket = rd_str16(r, WIRE_PATH_MAX);
	l->uri = rd_str16(r, URL_MAX_BYTES);
	if (!l->folder.n == !l->uri.n)
		r->bad = true;
	l->stale_s = rd_u32(r);
	l->skew_s = rd_u32(r);
	l->n_witnesses = wire_texts_read(r, l->witnesses, LOG_WITNESSES_MAX);
	l->quorum = rd_u32(r);
	if (l->quorum > l->n_witnesses)
		r->bad = true;
	l->witness_stale_s = rd_u32(r);
}

static void location_read(struct rd *r, struct gate_location *l)
{
	l->name = rd_str16(r, NAME_MAX_BYTES);
	l->n_audiences = wire_texts_read(r, l->audiences, AUDIENCES_MAX);
	l->n_scopes = wire_texts_read(r, l->scopes, SCOPES_MAX);
	l->n_realms = wire_texts_read(r, l->realms, REALMS_MAX);
	l->n_methods = wire_texts_read(r, l->methods, METHODS_MAX);
	uint8_t binding = rd_u8(r);
	r->bad = r->bad || binding >= BINDING_COUNT;
	l->binding = r->bad ? BINDING_REQUIRED : (enum gate_binding)binding;
	l->origin = rd_str16(r, URL_MAX_BYTES);
	l->nonce = rd_bool(r);
}

ch_err gate_config_read(bytes b, struct gate_config *ret_c)
{
	struct rd r = rd_of(b);
	struct gate_config *c = ret_c;
	c->introspects = rd_bool(&r);
	c->checks = rd_bool(&r);
	c->has_proofs = rd_bool(&r);
	c->supervised = rd_bool(&r);
	c->waits = rd_bool(&r);
	c->client_id = rd_str16(&r, NAME_MAX_BYTES);
	c->client_secret = rd_str16(&r, WIRE_SECRET_MAX);
	c->scope = rd_str16(&r, NAME_MAX_BYTES);
	fetch_read(&r, &c->fetch);
	c->n_issuers = rd_count16(&r, REALMS_MAX);
	for (size_t i = 0; i < c->n_issuers; i++)
		issuer_read(&r, &c->issuers[i]);
	c->n_logs = rd_count16(&r, LOGS_MAX);
	for (size_t i = 0; i < c->n_logs; i++)
		log_read(&r, &c->logs[i]);
	c->n_locations = rd_count16(&r, LOCATIONS_MAX);
	for (size_t i = 0; i < c->n_locations; i++)
		location_read(&r, &c->locations[i]);
	c->dpop.window_s = rd_u32(&r);
	c->dpop.skew_s = rd_u32(&r);
	c->dpop.nonce_slice_s = rd_u32(&r);
	c->dpop.proofs = rd_u32(&r);
	c->cache.tokens = rd_u32(&r);
	c->cache.token_max = rd_u32(&r);
	evidence_read(&r, &c->evidence);
	c->reports = rd_bool(&r);
	bytes key = rd_take(&r, NONCE_KEY_SIZE);
	if (key.n == NONCE_KEY_SIZE)
		mem_copy(c->nonce_key, key.p, key.n);
	c->reloads = rd_u32(&r);
	c->reloads_failed = rd_u32(&r);
	c->proofs_since_s = rd_i64(&r);
	return wire_done(&r);
}

int gate_fetcher_fd(const struct gate_config *c)
{
	bool fetches = c->reports;
	for (size_t i = 0; i < c->n_issuers; i++)
		fetches = fetches || c->issuers[i].jwks_uri.n > 0 ||
			  c->issuers[i].revocations.uri.n > 0;
	for (size_t i = 0; i < c->n_logs; i++)
		fetches = fetches || c->logs[i].uri.n > 0;
	return fetches ? ROLE_FD + c->introspects + c->checks + c->has_proofs : -1;
}
