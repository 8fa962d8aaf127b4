/* Configuration of the ledger, as it travels. */
#include "wire/roles.h"
#include "wire_internal.h"

void ledger_config_write(struct wr *w, const struct ledger_config *c)
{
	wr_str16(w, c->origin);
	wr_str16(w, c->vkey);
	wr_u64(w, c->segment_bytes);
	wr_u32(w, c->journal_days);
}

ch_err ledger_config_read(bytes b, struct ledger_config *ret_c)
{
	struct rd r = rd_of(b);
	struct ledger_config c = { .origin = rd_str16(&r, LOG_ORIGIN_MAX) };
	c.vkey = rd_str16(&r, LOG_VKEY_MAX);
	c.segment_bytes = rd_u64(&r);
	c.journal_days = rd_u32(&r);
	if (c.origin.n == 0)
		r.bad = true;
	TRY(wire_done(&r));
	*ret_c = c;
	return CH_DONE;
}
