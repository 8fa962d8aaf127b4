/* Configuration of the issuer, as it travels. Trusts the one who sent it for its meaning,
 * not for its form: what does not fit is refused whole. */
#include "base/ck.h"
#include "wire/roles.h"
#include "wire_internal.h"

static void issuer_realm_write(struct wr *w, const struct issuer_realm *m)
{
	wr_str16(w, m->name);
	wr_str16(w, m->issuer);
	wr_bool(w, m->issues);
	wr_u32(w, m->access_ttl_s);
	wr_u32(w, m->id_ttl_s);
	wr_u32(w, m->code_ttl_s);
	wr_u32(w, m->refresh_ttl_s);
	wr_u32(w, m->refresh_idle_s);
	wr_u32(w, m->refresh_window_s);
	wr_u32(w, m->session_ttl_s);
	wr_u32(w, m->session_idle_s);
	wr_bool(w, m->dpop_required);
	wr_bool(w, m->dpop_nonce);
	wr_bool(w, m->par_required);
	wr_u16(w, u16_from(m->n_audiences));
	for (size_t i = 0; i < m->n_audiences; i++) {
		wr_str16(w, m->audiences[i].name);
		wr_str16(w, m->audiences[i].resource);
	}
	wire_texts_write(w, m->scopes, m->n_scopes);
	wr_u16(w, u16_from(m->n_scope_texts));
	for (size_t i = 0; i < m->n_scope_texts; i++) {
		wr_str16(w, m->scope_texts[i].scope);
		wr_str16(w, m->scope_texts[i].en);
		wr_str16(w, m->scope_texts[i].fr);
	}
}

void issuer_config_write(struct wr *w, const struct issuer_config *c)
{
	wr_str16(w, c->group);
	wr_str16(w, c->store);
	wr_str16(w, c->revocations);
	wr_str16(w, c->log);
	wr_bool(w, c->log_public);
	wr_put(w, BYTES_OF(c->refresh_key));
	wr_bool(w, c->has_hasher);
	wr_bool(w, c->has_monitor);
	wr_bool(w, c->log_requests);
	wr_bool(w, c->dev);
	wr_u32(w, c->jwks_max_age_s);
	wire_texts_write(w, c->fronts, c->n_fronts);
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
	m->refresh_ttl_s = rd_u32(r);
	m->refresh_idle_s = rd_u32(r);
	m->refresh_window_s = rd_u32(r);
	if (m->refresh_window_s > REFRESH_WINDOW_MAX_S)
		r->bad = true;
	m->session_ttl_s = rd_u32(r);
	m->session_idle_s = rd_u32(r);
	m->dpop_required = rd_bool(r);
	m->dpop_nonce = rd_bool(r);
	m->par_required = rd_bool(r);
	m->n_audiences = rd_count16(r, AUDIENCES_MAX);
	for (size_t i = 0; i < m->n_audiences; i++) {
		m->audiences[i].name = rd_str16(r, NAME_MAX_BYTES);
		m->audiences[i].resource = rd_str16(r, URL_MAX_BYTES);
	}
	m->n_scopes = wire_texts_read(r, m->scopes, SCOPES_MAX);
	m->n_scope_texts = rd_count16(r, SCOPES_MAX);
	for (size_t i = 0; i < m->n_scope_texts; i++) {
		m->scope_texts[i].scope = rd_str16(r, SCOPE_TEXT_MAX_BYTES);
		m->scope_texts[i].en = rd_str16(r, SCOPE_TEXT_MAX_BYTES);
		m->scope_texts[i].fr = rd_str16(r, SCOPE_TEXT_MAX_BYTES);
	}
}

ch_err issuer_config_read(bytes b, struct issuer_config *ret_c)
{
	struct rd r = rd_of(b);
	struct issuer_config *c = ret_c;
	c->group = rd_str16(&r, NAME_MAX_BYTES);
	c->store = rd_str16(&r, WIRE_PATH_MAX);
	c->revocations = rd_str16(&r, WIRE_PATH_MAX);
	c->log = rd_str16(&r, WIRE_PATH_MAX);
	c->log_public = rd_bool(&r);
	bytes key = rd_take(&r, sizeof(c->refresh_key));
	mem_copy(c->refresh_key, key.p, key.n);
	c->has_hasher = rd_bool(&r);
	c->has_monitor = rd_bool(&r);
	c->log_requests = rd_bool(&r);
	c->dev = rd_bool(&r);
	c->jwks_max_age_s = rd_u32(&r);
	c->n_fronts = wire_texts_read(&r, c->fronts, FRONTS_MAX);
	c->n_realms = rd_count16(&r, REALMS_MAX);
	for (size_t i = 0; i < c->n_realms; i++)
		issuer_realm_read(&r, &c->realms[i]);
	return wire_done(&r);
}
