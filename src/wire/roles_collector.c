/* Configuration of the collector, as it travels. Trusts the one who sent it for its meaning, not
 * for its form: what does not fit is refused whole. */
#include "base/ck.h"
#include "wire/roles.h"
#include "wire_internal.h"

static void issuer_write(struct wr *w, const struct collector_issuer *i)
{
	wr_str16(w, i->issuer);
	wr_str16(w, i->realm);
	wr_str16(w, i->jwks);
	wire_texts_write(w, i->audiences, i->n_audiences);
}

static void issuer_read(struct rd *r, struct collector_issuer *i)
{
	i->issuer = rd_str16(r, URL_MAX_BYTES);
	i->realm = rd_str16(r, NAME_MAX_BYTES);
	i->jwks = rd_str16(r, WIRE_PATH_MAX);
	i->n_audiences = wire_texts_read(r, i->audiences, AUDIENCES_MAX);
}

void collector_config_write(struct wr *w, const struct collector_config *c)
{
	wr_str16(w, c->sightings);
	wr_str16(w, c->alarms);
	wr_str16(w, c->log);
	wr_str16(w, c->log_socket);
	wr_str16(w, c->log_vkey);
	wr_u32(w, c->total_mb);
	wr_u32(w, c->keep_days);
	wr_bool(w, c->has_webhook);
	wr_bool(w, c->compromises);
	wr_str16(w, c->webhook_secret);
	wr_u16(w, u16_from(c->n_issuers));
	for (size_t i = 0; i < c->n_issuers; i++)
		issuer_write(w, &c->issuers[i]);
	wr_u16(w, u16_from(c->n_gates));
	for (size_t i = 0; i < c->n_gates; i++) {
		wr_str16(w, c->gates[i].name);
		wr_str16(w, c->gates[i].secret);
	}
}

ch_err collector_config_read(bytes b, struct collector_config *ret_c)
{
	struct rd r = rd_of(b);
	struct collector_config *c = ret_c;
	c->sightings = rd_str16(&r, WIRE_PATH_MAX);
	c->alarms = rd_str16(&r, WIRE_PATH_MAX);
	c->log = rd_str16(&r, WIRE_PATH_MAX);
	c->log_socket = rd_str16(&r, WIRE_PATH_MAX);
	c->log_vkey = rd_str16(&r, COLLECTOR_VKEY_MAX);
	c->total_mb = rd_u32(&r);
	c->keep_days = rd_u32(&r);
	c->has_webhook = rd_bool(&r);
	c->compromises = rd_bool(&r);
	c->webhook_secret = rd_str16(&r, WIRE_SECRET_MAX);
	c->n_issuers = rd_count16(&r, REALMS_MAX);
	for (size_t i = 0; i < c->n_issuers; i++)
		issuer_read(&r, &c->issuers[i]);
	c->n_gates = rd_count16(&r, COLLECTOR_GATES_MAX);
	for (size_t i = 0; i < c->n_gates; i++) {
		c->gates[i].name = rd_str16(&r, NAME_MAX_BYTES);
		c->gates[i].secret = rd_str16(&r, WIRE_SECRET_MAX);
	}
	return wire_done(&r);
}
