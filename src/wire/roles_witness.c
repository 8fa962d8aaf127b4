/* Configuration of a witness, as it travels. Trusts the one who sent it for its meaning,
 * not for its form: what does not fit is refused whole. */
#include "base/ck.h"
#include "wire/roles.h"
#include "wire_internal.h"

void witness_config_write(struct wr *w, const struct witness_config *c)
{
	wr_str16(w, c->name);
	wr_bool(w, c->has_monitor);
	wr_u16(w, u16_from(c->n_logs));
	for (size_t i = 0; i < c->n_logs; i++) {
		wr_str16(w, c->logs[i].origin);
		wr_str16(w, c->logs[i].vkey);
	}
}

ch_err witness_config_read(bytes b, struct witness_config *ret_c)
{
	struct rd r = rd_of(b);
	struct witness_config *c = ret_c;
	c->name = rd_str16(&r, URL_MAX_BYTES);
	c->has_monitor = rd_bool(&r);
	c->n_logs = rd_count16(&r, WITNESS_LOGS_MAX);
	for (size_t i = 0; i < c->n_logs; i++) {
		c->logs[i].origin = rd_str16(&r, URL_MAX_BYTES);
		c->logs[i].vkey = rd_str16(&r, VKEY_MAX_BYTES);
	}
	return wire_done(&r);
}
