/* Messages of the ledger, both halves. A signer believes nothing of the ledger's but that an entry
 * is in the journal; the ledger reads what a signer built. Strict on both sides, and a breach is
 * an error, never a guess. */
#include "wire/ledger.h"

#include "base/ck.h"
#include "wire_internal.h"

enum { COUNT_AT = 2, HEADER_SIZE = 12, FLAG_FRESH = 1, FLAG_FOLLOWS = 2 };

_Static_assert((size_t)LEDGER_APPEND_MAX <= (size_t)MESSAGE_MAX, "any batch fits a message");

static void begin(struct wr *w, enum ledger_type type)
{
	wr_u8(w, (uint8_t)type);
	wr_u8(w, WIRE_VERSION);
}

/* Anything else than this type and version reads as a message that ends at once. */
static struct rd opened(bytes message, enum ledger_type type)
{
	struct rd r = rd_of(message);
	uint8_t is = rd_u8(&r);
	uint8_t version = rd_u8(&r);
	if (is != (uint8_t)type || version != WIRE_VERSION)
		r.bad = true;
	return r;
}

static void hash_read(struct rd *r, struct ledger_hash *ret_h)
{
	bytes b = rd_take(r, LEDGER_HASH_SIZE);
	mem_copy(ret_h->b, b.p, b.n);
}

static ch_err breach(uint64_t detail)
{
	return ch_fail(CH_E_PROTOCOL, "a message of the ledger's is not well formed", detail);
}

/* --- APPEND --- */

void ledger_append_begin(struct wr *w, uint64_t seq)
{
	w->n = 0;
	w->full = false;
	begin(w, LEDGER_APPEND);
	wr_u16(w, 0);
	wr_u64(w, seq);
}

size_t ledger_append_count(const struct wr *w)
{
	return w->n < HEADER_SIZE ? 0 : (size_t)w->p[COUNT_AT] << 8 | w->p[COUNT_AT + 1];
}

static bool item_ok(const struct ledger_item *i)
{
	return i->entry.n > 0 && i->entry.n <= LEDGER_ENTRY_MAX &&
	       i->client_id.n <= LEDGER_TEXT_MAX && i->grant_id.n <= LEDGER_TEXT_MAX;
}

bool ledger_append_add(struct wr *w, const struct ledger_item *item)
{
	size_t before = w->n, n = ledger_append_count(w);
	if (n >= LEDGER_BATCH_MAX || !item_ok(item))
		return false;
	wr_bytes16(w, item->entry);
	wr_str16(w, item->client_id);
	wr_str16(w, item->grant_id);
	wr_put(w, BYTES_OF(item->sub));
	if (w->full) {
		w->n = before;
		w->full = false;
		return false;
	}
	wr_patch_u16(w, COUNT_AT, u16_from(n + 1));
	return true;
}

ch_err ledger_append_open(bytes message, struct rd *ret_r, uint64_t *ret_seq, size_t *ret_n)
{
	struct rd r = opened(message, LEDGER_APPEND);
	size_t n = rd_count16(&r, LEDGER_BATCH_MAX);
	uint64_t seq = rd_u64(&r);
	if (r.bad || n == 0 || seq == 0)
		return breach(message.n);
	*ret_r = r;
	*ret_seq = seq;
	*ret_n = n;
	return CH_DONE;
}

ch_err ledger_append_read(struct rd *r, struct ledger_item *ret_item)
{
	struct ledger_item i = { .entry = rd_bytes16(r, LEDGER_ENTRY_MAX) };
	i.client_id = rd_str16(r, LEDGER_TEXT_MAX);
	i.grant_id = rd_str16(r, LEDGER_TEXT_MAX);
	bytes sub = rd_take(r, LEDGER_SUB_SIZE);
	if (r->bad || i.entry.n == 0)
		return breach(rd_left(r));
	mem_copy(i.sub, sub.p, sub.n);
	*ret_item = i;
	return CH_DONE;
}

/* --- APPENDED --- */

void ledger_appended_write(struct wr *w, const struct ledger_appended *a)
{
	begin(w, LEDGER_APPENDED);
	wr_u16(w, a->code);
	wr_u64(w, a->seq);
	wr_u64(w, a->first_index);
}

ch_err ledger_appended_read(bytes message, struct ledger_appended *ret_a)
{
	struct rd r = opened(message, LEDGER_APPENDED);
	struct ledger_appended a = { .code = rd_u16(&r) };
	a.seq = rd_u64(&r);
	a.first_index = rd_u64(&r);
	if (!rd_end(&r) || a.seq == 0 || (a.code != CH_OK && a.first_index != 0))
		return breach(message.n);
	*ret_a = a;
	return CH_DONE;
}

/* --- HEAD, HEAD_SIGNED --- */

void ledger_head_write(struct wr *w, const struct ledger_head *h)
{
	begin(w, LEDGER_HEAD);
	wr_u64(w, h->old_size);
	wr_put(w, BYTES_OF(h->old_root.b));
	wr_u64(w, h->size);
	wr_put(w, BYTES_OF(h->root.b));
	wr_u16(w, u16_from(h->n_proof));
	for (size_t i = 0; i < h->n_proof; i++)
		wr_put(w, BYTES_OF(h->proof[i].b));
}

ch_err ledger_head_read(bytes message, struct ledger_head *ret_h)
{
	struct rd r = opened(message, LEDGER_HEAD);
	struct ledger_head h = { .old_size = rd_u64(&r) };
	hash_read(&r, &h.old_root);
	h.size = rd_u64(&r);
	hash_read(&r, &h.root);
	h.n_proof = rd_count16(&r, LEDGER_PROOF_MAX);
	for (size_t i = 0; i < h.n_proof; i++)
		hash_read(&r, &h.proof[i]);
	if (!rd_end(&r))
		return breach(message.n);
	*ret_h = h;
	return CH_DONE;
}

void ledger_head_signed_write(struct wr *w, const struct ledger_head_signed *s)
{
	begin(w, LEDGER_HEAD_SIGNED);
	wr_u16(w, s->code);
	wr_u64(w, s->size);
	wr_bytes16(w, s->note);
}

ch_err ledger_head_signed_read(bytes message, struct ledger_head_signed *ret_s)
{
	struct rd r = opened(message, LEDGER_HEAD_SIGNED);
	struct ledger_head_signed s = { .code = rd_u16(&r) };
	s.size = rd_u64(&r);
	s.note = rd_bytes16(&r, LEDGER_NOTE_MAX);
	if (!rd_end(&r) || (s.code == CH_OK) != (s.note.n > 0))
		return breach(message.n);
	*ret_s = s;
	return CH_DONE;
}

/* --- LOG_ASK, LOG_HEAD --- */

void log_ask_write(struct wr *w, const struct log_ask *a)
{
	begin(w, LEDGER_LOG_ASK);
	wr_u32(w, a->req);
	wr_u8(w, (uint8_t)((a->is_fresh ? FLAG_FRESH : 0) | (a->follows ? FLAG_FOLLOWS : 0)));
}

ch_err log_ask_read(bytes message, struct log_ask *ret_a)
{
	struct rd r = opened(message, LEDGER_LOG_ASK);
	struct log_ask a = { .req = rd_u32(&r) };
	uint8_t flags = rd_u8(&r);
	if (!rd_end(&r) || a.req == 0 || flags > (FLAG_FRESH | FLAG_FOLLOWS))
		return breach(message.n);
	a.is_fresh = flags & FLAG_FRESH;
	a.follows = flags & FLAG_FOLLOWS;
	*ret_a = a;
	return CH_DONE;
}

void log_answer_write(struct wr *w, const struct log_answer *h)
{
	begin(w, LEDGER_LOG_HEAD);
	wr_u32(w, h->req);
	wr_u16(w, h->code);
	wr_bytes16(w, h->note);
}

ch_err log_answer_read(bytes message, struct log_answer *ret_h)
{
	struct rd r = opened(message, LEDGER_LOG_HEAD);
	struct log_answer h = { .req = rd_u32(&r), .code = rd_u16(&r) };
	h.note = rd_bytes16(&r, LEDGER_NOTE_MAX);
	if (!rd_end(&r) || (h.code == CH_OK) != (h.note.n > 0))
		return breach(message.n);
	*ret_h = h;
	return CH_DONE;
}
