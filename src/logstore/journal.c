/* The journal's records, both ways. */
#include "logstore/journal.h"

#include "base/rw.h"

size_t journal_size(const struct journal_record *r)
{
	return 8 + 2 + r->entry.n + 2 + r->client_id.n + 2 + r->grant_id.n + JOURNAL_SUB_SIZE;
}

void journal_write(struct wr *w, const struct journal_record *r)
{
	wr_u64(w, r->index);
	wr_bytes16(w, r->entry);
	wr_str16(w, r->client_id);
	wr_str16(w, r->grant_id);
	wr_put(w, BYTES_OF(r->sub));
}

ch_err journal_read(bytes payload, struct journal_record *ret_r)
{
	struct rd in = rd_of(payload);
	struct journal_record r = { .index = rd_u64(&in) };
	r.entry = rd_bytes16(&in, JOURNAL_ENTRY_MAX);
	r.client_id = rd_str16(&in, JOURNAL_TEXT_MAX);
	r.grant_id = rd_str16(&in, JOURNAL_TEXT_MAX);
	bytes sub = rd_take(&in, JOURNAL_SUB_SIZE);
	if (!rd_end(&in) || r.entry.n == 0)
		return ch_fail(CH_E_MISMATCH, "a record of the journal is none", payload.n);
	mem_copy(r.sub, sub.p, sub.n);
	*ret_r = r;
	return CH_DONE;
}
