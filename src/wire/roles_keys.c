/* Configuration of those who handle keys: signer, warden, keeper. */
#include "wire/roles.h"
#include "wire_internal.h"

#include "base/ck.h"

static enum secretmem_kind kind_read(struct rd *r)
{
	uint8_t v = rd_u8(r);
	if (v > SECRETMEM_MLOCK)
		r->bad = true;
	return (enum secretmem_kind)v;
}

void signer_config_write(struct wr *w, const struct signer_config *c)
{
	wr_u8(w, (uint8_t)c->secret_memory);
	wr_u16(w, u16_from(c->n_realms));
	for (size_t i = 0; i < c->n_realms; i++) {
		const struct signer_realm *m = &c->realms[i];
		wr_str16(w, m->name);
		wr_str16(w, m->issuer);
		wr_u32(w, m->rate_per_s);
		wr_u16(w, u16_from(m->first_key));
		wr_u16(w, u16_from(m->n_keys));
	}
	wr_u16(w, u16_from(c->n_keys));
	for (size_t i = 0; i < c->n_keys; i++)
		wr_bytes16(w, c->keys[i]);
	wr_bytes16(w, c->kdf);
}

static void signer_realm_read(struct rd *r, struct signer_realm *m)
{
	m->name = rd_str16(r, NAME_MAX_BYTES);
	m->issuer = rd_str16(r, URL_MAX_BYTES);
	m->rate_per_s = rd_u32(r);
	m->first_key = rd_u16(r);
	m->n_keys = rd_u16(r);
}

ch_err signer_config_read(bytes b, struct signer_config *ret_c)
{
	struct rd r = rd_of(b);
	struct signer_config *c = ret_c;
	c->secret_memory = kind_read(&r);
	c->n_realms = rd_count16(&r, REALMS_MAX);
	for (size_t i = 0; i < c->n_realms; i++)
		signer_realm_read(&r, &c->realms[i]);
	c->n_keys = rd_count16(&r, KEYS_MAX);
	for (size_t i = 0; i < c->n_keys; i++)
		c->keys[i] = rd_bytes16(&r, SEALED_KEY_MAX);
	c->kdf = rd_bytes16(&r, SEALED_KEY_MAX);
	for (size_t i = 0; i < c->n_realms; i++)
		if (c->realms[i].first_key + c->realms[i].n_keys > c->n_keys)
			r.bad = true;
	return wire_done(&r);
}

void warden_config_write(struct wr *w, const struct warden_config *c)
{
	wr_u8(w, (uint8_t)c->secret_memory);
}

ch_err warden_config_read(bytes b, struct warden_config *ret_c)
{
	struct rd r = rd_of(b);
	ret_c->secret_memory = kind_read(&r);
	return wire_done(&r);
}

void keeper_config_write(struct wr *w, const struct keeper_config *c)
{
	wr_u8(w, (uint8_t)c->duty);
	wr_u8(w, (uint8_t)c->secret_memory);
	wr_bytes16(w, c->kdf);
	wr_str16(w, c->realm);
	wr_u8(w, c->alg);
	wr_u8(w, c->state);
	wr_u8(w, c->typs);
	wr_u32(w, c->max_ttl_s);
	wr_u32(w, c->rate_per_s);
	wr_u16(w, u16_from(c->n_audiences));
	for (size_t i = 0; i < c->n_audiences; i++)
		wr_str16(w, c->audiences[i]);
}

ch_err keeper_config_read(bytes b, struct keeper_config *ret_c)
{
	struct rd r = rd_of(b);
	struct keeper_config *c = ret_c;
	uint8_t duty = rd_u8(&r);
	if (duty > KEEPER_IMPORT)
		r.bad = true;
	c->duty = (enum keeper_duty)duty;
	c->secret_memory = kind_read(&r);
	c->kdf = rd_bytes16(&r, SEALED_KEY_MAX);
	c->realm = rd_str16(&r, NAME_MAX_BYTES);
	c->alg = rd_u8(&r);
	c->state = rd_u8(&r);
	c->typs = rd_u8(&r);
	c->max_ttl_s = rd_u32(&r);
	c->rate_per_s = rd_u32(&r);
	c->n_audiences = rd_count16(&r, AUDIENCES_MAX);
	for (size_t i = 0; i < c->n_audiences; i++)
		c->audiences[i] = rd_str16(&r, NAME_MAX_BYTES);
	return wire_done(&r);
}
