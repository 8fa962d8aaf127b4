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
	wr_put(w, BYTES_OF(c->journal_key));
	wr_str16(w, c->log_origin);
	wr_bool(w, c->has_head);
	wr_u64(w, c->head.size);
	wr_put(w, BYTES_OF(c->head.root));
}

static void take_into(struct rd *r, uint8_t *to, size_t n)
{
	bytes b = rd_take(r, n);
	mem_copy(to, b.p, b.n);
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
	take_into(&r, c->journal_key, sizeof(c->journal_key));
	c->log_origin = rd_str16(&r, LOG_ORIGIN_MAX);
	c->has_head = rd_bool(&r);
	c->head.size = rd_u64(&r);
	take_into(&r, c->head.root, sizeof(c->head.root));
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

static void keeper_key_write(struct wr *w, const struct keeper_key *k)
{
	wr_str16(w, k->realm);
	wr_bytes16(w, k->sealed);
	wr_i64(w, k->created_s);
	wr_i64(w, k->published_s);
	wr_i64(w, k->not_before_s);
	wr_i64(w, k->not_after_s);
	wr_i64(w, k->limit_s);
	wr_u8(w, k->alg);
	wr_u8(w, k->typs);
	wr_u32(w, k->max_ttl_s);
	wr_u32(w, k->rate_per_s);
	wr_u16(w, u16_from(k->n_audiences));
	for (size_t i = 0; i < k->n_audiences; i++)
		wr_str16(w, k->audiences[i]);
}

void keeper_config_write(struct wr *w, const struct keeper_config *c)
{
	wr_u8(w, (uint8_t)c->duty);
	wr_u8(w, (uint8_t)c->secret_memory);
	wr_bytes16(w, c->kdf);
	wr_bool(w, c->random_passphrase);
	wr_bool(w, c->has_registry);
	wr_u16(w, u16_from(c->n_keys));
	for (size_t i = 0; i < c->n_keys; i++)
		keeper_key_write(w, &c->keys[i]);
}

static void keeper_key_read(struct rd *r, struct keeper_key *k)
{
	k->realm = rd_str16(r, NAME_MAX_BYTES);
	k->sealed = rd_bytes16(r, SEALED_KEY_MAX);
	k->created_s = rd_i64(r);
	k->published_s = rd_i64(r);
	k->not_before_s = rd_i64(r);
	k->not_after_s = rd_i64(r);
	k->limit_s = rd_i64(r);
	k->alg = rd_u8(r);
	k->typs = rd_u8(r);
	k->max_ttl_s = rd_u32(r);
	k->rate_per_s = rd_u32(r);
	k->n_audiences = rd_count16(r, AUDIENCES_MAX);
	for (size_t i = 0; i < k->n_audiences; i++)
		k->audiences[i] = rd_str16(r, NAME_MAX_BYTES);
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
	c->random_passphrase = rd_bool(&r);
	c->has_registry = rd_bool(&r);
	c->n_keys = rd_count16(&r, KEEPER_KEYS_MAX);
	for (size_t i = 0; i < c->n_keys; i++)
		keeper_key_read(&r, &c->keys[i]);
	return wire_done(&r);
}
