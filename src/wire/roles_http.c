/* Configuration of those who speak HTTP: issuer and gate. */
#include "base/ck.h"
#include "wire/roles.h"
#include "wire_internal.h"

enum { PATH_MAX_BYTES = 512, SECRET_MAX_BYTES = 256 };

static void texts_write(struct wr *w, const str *texts, size_t n)
{
	wr_u16(w, u16_from(n));
	for (size_t i = 0; i < n; i++)
		wr_str16(w, texts[i]);
}

static size_t texts_read(struct rd *r, str *texts, size_t max)
{
	size_t n = rd_count16(r, max);
	for (size_t i = 0; i < n; i++)
		texts[i] = rd_str16(r, URL_MAX_BYTES);
	return n;
}

static void issuer_realm_write(struct wr *w, const struct issuer_realm *m)
{
	wr_str16(w, m->name);
	wr_str16(w, m->issuer);
	wr_bool(w, m->issues);
	wr_u32(w, m->access_ttl_s);
	wr_u32(w, m->id_ttl_s);
	wr_u32(w, m->code_ttl_s);
	wr_u16(w, u16_from(m->n_audiences));
	for (size_t i = 0; i < m->n_audiences; i++) {
		wr_str16(w, m->audiences[i].name);
		wr_str16(w, m->audiences[i].resource);
	}
	texts_write(w, m->scopes, m->n_scopes);
}

void issuer_config_write(struct wr *w, const struct issuer_config *c)
{
	wr_str16(w, c->group);
	wr_str16(w, c->store);
	wr_bool(w, c->has_hasher);
	wr_bool(w, c->dev);
	wr_u32(w, c->jwks_max_age_s);
	wr_u16(w, u16_from(c->n_realms));
	for (size_t i = 0; i < c->n_realms; i++)
		issuer_realm_write(w, &c->realms[i]);
}

static void issuer_realm_read(struct rd *r, struct issuer_realm *m)
{
	m->name = rd_str16(r, NAME_MAX_BYTES);
	m->issuer = rd_str16(r, URL_MAX_BYTES);
	m->issues = rd_bool(r);
	m->access_ttl_s = rd_u32(r);
	m->id_ttl_s = rd_u32(r);
	m->code_ttl_s = rd_u32(r);
	m->n_audiences = rd_count16(r, AUDIENCES_MAX);
	for (size_t i = 0; i < m->n_audiences; i++) {
		m->audiences[i].name = rd_str16(r, NAME_MAX_BYTES);
		m->audiences[i].resource = rd_str16(r, URL_MAX_BYTES);
	}
	m->n_scopes = texts_read(r, m->scopes, SCOPES_MAX);
}

ch_err issuer_config_read(bytes b, struct issuer_config *ret_c)
{
	struct rd r = rd_of(b);
	struct issuer_config *c = ret_c;
	c->group = rd_str16(&r, NAME_MAX_BYTES);
	c->store = rd_str16(&r, PATH_MAX_BYTES);
	c->has_hasher = rd_bool(&r);
	c->dev = rd_bool(&r);
	c->jwks_max_age_s = rd_u32(&r);
	c->n_realms = rd_count16(&r, REALMS_MAX);
	for (size_t i = 0; i < c->n_realms; i++)
		issuer_realm_read(&r, &c->realms[i]);
	return wire_done(&r);
}

static void gate_issuer_write(struct wr *w, const struct gate_issuer *g)
{
	wr_str16(w, g->issuer);
	wr_str16(w, g->realm);
	wr_str16(w, g->jwks);
	wr_str16(w, g->jwks_uri);
	texts_write(w, g->audiences, g->n_audiences);
	texts_write(w, g->mailboxes, g->n_mailboxes);
}

static void gate_fetch_write(struct wr *w, const struct gate_fetch *f)
{
	const uint32_t seconds[] = { f->fresh_min_s, f->fresh_max_s, f->fresh_default_s,
				     f->stale_s,     f->cooldown_s,  f->retry_min_s,
				     f->retry_max_s, f->timeout_s };
	for (size_t i = 0; i < COUNT_OF(seconds); i++)
		wr_u32(w, seconds[i]);
}

static void gate_fetch_read(struct rd *r, struct gate_fetch *f)
{
	uint32_t *const seconds[] = { &f->fresh_min_s, &f->fresh_max_s, &f->fresh_default_s,
				      &f->stale_s,     &f->cooldown_s,  &f->retry_min_s,
				      &f->retry_max_s, &f->timeout_s };
	for (size_t i = 0; i < COUNT_OF(seconds); i++)
		*seconds[i] = rd_u32(r);
}

void gate_config_write(struct wr *w, const struct gate_config *c)
{
	wr_str16(w, c->client_id);
	wr_str16(w, c->client_secret);
	wr_str16(w, c->scope);
	wr_bool(w, c->supervised);
	gate_fetch_write(w, &c->fetch);
	wr_u16(w, u16_from(c->n_issuers));
	for (size_t i = 0; i < c->n_issuers; i++)
		gate_issuer_write(w, &c->issuers[i]);
}

static void gate_issuer_read(struct rd *r, struct gate_issuer *g)
{
	g->issuer = rd_str16(r, URL_MAX_BYTES);
	g->realm = rd_str16(r, NAME_MAX_BYTES);
	g->jwks = rd_str16(r, PATH_MAX_BYTES);
	g->jwks_uri = rd_str16(r, URL_MAX_BYTES);
	if (!g->jwks.n == !g->jwks_uri.n)
		r->bad = true;
	g->n_audiences = texts_read(r, g->audiences, AUDIENCES_MAX);
	g->n_mailboxes = texts_read(r, g->mailboxes, PATTERNS_MAX);
}

ch_err gate_config_read(bytes b, struct gate_config *ret_c)
{
	struct rd r = rd_of(b);
	struct gate_config *c = ret_c;
	c->client_id = rd_str16(&r, NAME_MAX_BYTES);
	c->client_secret = rd_str16(&r, SECRET_MAX_BYTES);
	c->scope = rd_str16(&r, NAME_MAX_BYTES);
	c->supervised = rd_bool(&r);
	gate_fetch_read(&r, &c->fetch);
	c->n_issuers = rd_count16(&r, REALMS_MAX);
	for (size_t i = 0; i < c->n_issuers; i++)
		gate_issuer_read(&r, &c->issuers[i]);
	return wire_done(&r);
}
