/* Fingerprints as bytes: in the registry's folder, and in the memory that a redactor is
 * given. A damaged file is refused whole, for a registry that was half read would let
 * through what somebody asked to be removed.
 *
 *   "CHFPRT1\n"  32 key  u16 labels  { str16 label  bool weak }
 *   u32 windows  { u16 label  u32 bits and, above them, what else  16 slow hash }  32 checksum of all before */
#include "base/ck.h"
#include "fingerprint_internal.h"

/* clang-format off: as above */
#define MAGIC "CHFPRT1\n"
/* clang-format on */

static void checksum(const uint8_t key[static MAC_KEY_SIZE], bytes b,
		     uint8_t ret_sum[static MAC_SIZE])
{
	keyed_hash(key, b, ret_sum);
}

void fingerprints_write(const struct fingerprints *f, struct wr *w)
{
	uint8_t sum[MAC_SIZE];
	size_t from = w->n;
	wr_lit(w, MAGIC);
	wr_put(w, BYTES_OF(f->key));
	wr_u16(w, u16_from(f->n_owners));
	for (size_t i = 0; i < f->n_owners; i++) {
		wr_str16(w, owner_label(&f->owners[i]));
		wr_bool(w, f->owners[i].weak);
	}
	wr_u32(w, u32_from(f->n_windows));
	for (size_t i = 0; i < f->n_windows; i++) {
		const struct window *o = &f->windows[i];
		wr_u16(w, o->owner);
		wr_u32(w, o->bits | (uint32_t)(o->before | o->after << 2 | o->alone << 4)
					    << FINGERPRINT_BITS);
		wr_put(w, BYTES_OF(o->slow));
	}
	if (w->full)
		return;
	checksum(f->key, (bytes){ w->p + from, w->n - from }, sum);
	wr_put(w, BYTES_OF(sum));
}

static void read_owner(struct rd *r, struct owner *o)
{
	str label = rd_str16(r, FINGERPRINT_LABEL_MAX);
	o->weak = rd_bool(r);
	r->bad = r->bad || !fingerprint_label_ok(label);
	if (r->bad)
		return;
	mem_copy(o->label, label.p, label.n);
	o->label_n = u8_from(label.n);
}

static void read_window(struct rd *r, size_t owners, struct window *w)
{
	w->owner = rd_u16(r);
	uint32_t word = rd_u32(r), more = word >> FINGERPRINT_BITS;
	w->bits = word & ((1U << FINGERPRINT_BITS) - 1);
	w->before = more & 3;
	w->after = more >> 2 & 3;
	w->alone = more >> 4 & 1;
	bytes slow = rd_take(r, SLOW_SIZE);
	mem_copy(w->slow, slow.p, slow.n);
	r->bad = r->bad || w->owner >= owners || more >> 5;
}

static ch_err read_all(bytes b, struct fingerprints *f)
{
	uint8_t sum[MAC_SIZE];
	struct rd r = rd_of(b);
	bytes magic = rd_take(&r, sizeof(MAGIC) - 1);
	bytes key = rd_take(&r, MAC_KEY_SIZE);
	if (r.bad || !bytes_eq(magic, bytes_of_str(LIT(MAGIC))))
		return ch_fail(CH_E_SYNTAX, "these are no fingerprints", b.n);
	mem_copy(f->key, key.p, key.n);
	f->n_owners = rd_count16(&r, FINGERPRINT_LABELS_MAX);
	for (size_t i = 0; i < f->n_owners && !r.bad; i++)
		read_owner(&r, &f->owners[i]);
	uint32_t windows = rd_u32(&r);
	r.bad = r.bad || windows > FINGERPRINTS_MAX;
	f->n_windows = r.bad ? 0 : windows;
	for (size_t i = 0; i < f->n_windows && !r.bad; i++)
		read_window(&r, f->n_owners, &f->windows[i]);
	bytes said = rd_take(&r, MAC_SIZE);
	if (!rd_end(&r))
		return ch_fail(CH_E_SYNTAX, "fingerprints are damaged", b.n);
	checksum(f->key, (bytes){ b.p, b.n - MAC_SIZE }, sum);
	if (!bytes_eq(said, BYTES_OF(sum)))
		return ch_fail(CH_E_SYNTAX, "fingerprints are damaged", b.n);
	quick_key_of(f->key, &f->quick);
	return CH_DONE;
}

ch_err fingerprints_read(bytes b, struct fingerprints **ret_f)
{
	AUTO(fingerprints_done) struct fingerprints *f = NULL;
	TRY(fingerprints_new(&f));
	TRY(read_all(b, f));
	*ret_f = TAKE(f);
	return CH_DONE;
}
