/* The supervisor's plan, both halves. */
#include "wire/plan.h"

#include "base/ck.h"
#include "wire_internal.h"

enum { PATH_MAX_BYTES = 512, ROLE_CONFIG_MAX = 64 * 1024 };

static void group_write(struct wr *w, const struct plan_group *g)
{
	wr_str16(w, g->name);
	wr_u32(w, g->listen_fd);
	wr_u32(w, g->monitor_fd);
	wr_bytes32(w, g->issuer);
	wr_bool(w, g->has_hasher);
	wr_u16(w, u16_from(g->n_realms));
	for (size_t i = 0; i < g->n_realms; i++) {
		wr_str16(w, g->realms[i].name);
		wr_str16(w, g->realms[i].issuer);
		wr_u32(w, g->realms[i].rate_per_s);
	}
}

void plan_write(struct wr *w, const struct plan *p)
{
	wr_str16(w, p->dir);
	wr_str16(w, p->libexec);
	wr_bool(w, p->dev);
	wr_bool(w, p->events);
	wr_u32(w, p->uid_base);
	wr_u8(w, (uint8_t)p->secret_memory);
	wr_u32(w, p->passphrase_fd);
	wr_str16(w, p->cli);
	wr_str16(w, p->notify);
	wr_u64(w, p->watchdog_us);
	wr_u32(w, p->keys_look_s);
	wr_bytes32(w, p->ledger);
	wr_str16(w, p->log_origin);
	wr_put(w, BYTES_OF(p->journal_key));
	wr_u16(w, u16_from(p->n_groups));
	for (size_t i = 0; i < p->n_groups; i++)
		group_write(w, &p->groups[i]);
	wr_u16(w, u16_from(p->n_gates));
	for (size_t i = 0; i < p->n_gates; i++) {
		wr_u32(w, p->gates[i].listen_fd);
		wr_bytes32(w, p->gates[i].config);
		wr_bytes32(w, p->gates[i].fetcher);
	}
	wr_u32(w, p->collector.listen_fd);
	wr_bytes32(w, p->collector.config);
	wr_bytes32(w, p->collector.fetcher);
}

static void group_read(struct rd *r, struct plan_group *g)
{
	g->name = rd_str16(r, NAME_MAX_BYTES);
	g->listen_fd = rd_u32(r);
	g->monitor_fd = rd_u32(r);
	g->issuer = rd_bytes32(r, ROLE_CONFIG_MAX);
	g->has_hasher = rd_bool(r);
	g->n_realms = rd_count16(r, REALMS_MAX);
	for (size_t i = 0; i < g->n_realms; i++) {
		g->realms[i].name = rd_str16(r, NAME_MAX_BYTES);
		g->realms[i].issuer = rd_str16(r, URL_MAX_BYTES);
		g->realms[i].rate_per_s = rd_u32(r);
	}
}

ch_err plan_read(bytes b, struct plan *ret_p)
{
	struct rd r = rd_of(b);
	struct plan *p = ret_p;
	p->dir = rd_str16(&r, PATH_MAX_BYTES);
	p->libexec = rd_str16(&r, PATH_MAX_BYTES);
	p->dev = rd_bool(&r);
	p->events = rd_bool(&r);
	p->uid_base = rd_u32(&r);
	uint8_t kind = rd_u8(&r);
	p->secret_memory = (enum secretmem_kind)kind;
	p->passphrase_fd = rd_u32(&r);
	p->cli = rd_str16(&r, PATH_MAX_BYTES);
	p->notify = rd_str16(&r, PATH_MAX_BYTES);
	p->watchdog_us = rd_u64(&r);
	p->keys_look_s = rd_u32(&r);
	p->ledger = rd_bytes32(&r, ROLE_CONFIG_MAX);
	p->log_origin = rd_str16(&r, LOG_ORIGIN_MAX);
	bytes journal_key = rd_take(&r, JOURNAL_KEY_SIZE);
	mem_copy(p->journal_key, journal_key.p, journal_key.n);
	p->n_groups = rd_count16(&r, PLAN_GROUPS_MAX);
	for (size_t i = 0; i < p->n_groups; i++)
		group_read(&r, &p->groups[i]);
	p->n_gates = rd_count16(&r, PLAN_GATES_MAX);
	for (size_t i = 0; i < p->n_gates; i++) {
		p->gates[i].listen_fd = rd_u32(&r);
		p->gates[i].config = rd_bytes32(&r, ROLE_CONFIG_MAX);
		p->gates[i].fetcher = rd_bytes32(&r, ROLE_CONFIG_MAX);
	}
	p->collector.listen_fd = rd_u32(&r);
	p->collector.config = rd_bytes32(&r, ROLE_CONFIG_MAX);
	p->collector.fetcher = rd_bytes32(&r, ROLE_CONFIG_MAX);
	if (kind > SECRETMEM_MLOCK)
		r.bad = true;
	return wire_done(&r);
}
