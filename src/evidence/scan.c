/* Looking through every entry for one hash, while all of them together are held against a signed
 * root. Entries may come from whoever wants a forgery believed, or a genuine token doubted; what
 * does not give the root, or is no entry, ends it. */
#include "base/file.h"
#include "evidence_internal.h"
#include "merkle/entry.h"

struct scan scan_of(const struct merkle_edge *edge, const uint8_t hash[static TOKEN_ID_SIZE])
{
	return (struct scan){ .edge = *edge, .hash = hash, .first = edge->size };
}

ch_err scan_entry(struct scan *s, bytes entry)
{
	struct log_entry e;
	struct merkle_hash leaf;
	TRY(log_entry_read(entry, &e));
	if (s->edge.size == s->first)
		s->first_iat_s = e.iat_s;
	if (!s->found && mem_eq(e.hash, s->hash, TOKEN_ID_SIZE)) {
		s->found = true;
		s->index = s->edge.size;
	}
	merkle_leaf(entry, &leaf);
	merkle_edge_add(&s->edge, &leaf);
	s->bytes += 2 + entry.n;
	return CH_DONE;
}

/* The bundle that the scan has come to: it begins there. */
static ch_err scan_bundle(struct scan *s, struct tile_source *tiles, uint64_t size, struct wr *w)
{
	struct tile_id t;
	bytes entries[TILE_WIDTH];
	if (!tile_of(size, 0, s->edge.size / TILE_WIDTH, &t))
		return ch_fail(CH_E_RANGE, "the log has no such bundle", s->edge.size);
	t.entries = true;
	TRY(tile_fetch(tiles, &t, w));
	TRY(bundle_read(wr_bytes(w), t.width, entries));
	for (unsigned i = 0; i < t.width; i++)
		TRY(scan_entry(s, entries[i]));
	return CH_DONE;
}

ch_err scan_tiles(struct scan *s, struct tile_source *tiles, uint64_t size,
		  uint8_t room[static TILE_ROOM_MAX], int fd)
{
	while (s->edge.size < size) {
		struct wr w = wr_of(room, TILE_ROOM_MAX);
		TRY(scan_bundle(s, tiles, size, &w));
		if (fd >= 0)
			TRY(fd_write_all(fd, wr_bytes(&w)));
	}
	return CH_DONE;
}

ch_err scan_bytes(struct scan *s, bytes entries, uint64_t size)
{
	struct rd r = rd_of(entries);
	while (s->edge.size < size) {
		bytes entry = rd_bytes16(&r, LOG_ENTRY_MAX);
		if (r.bad)
			return ch_fail(CH_E_MISMATCH, "there are fewer entries than the head has",
				       s->edge.size);
		TRY(scan_entry(s, entry));
	}
	if (!rd_end(&r))
		return ch_fail(CH_E_MISMATCH, "there are more entries than the head has", size);
	return CH_DONE;
}

ch_err scan_root(const struct scan *s, const struct checkpoint *head)
{
	struct merkle_hash root;
	merkle_edge_root(&s->edge, &root);
	if (s->edge.size != head->size || !merkle_eq(&root, &head->root))
		return ch_fail(CH_E_MISMATCH, "the entries do not give the root of the signed head",
			       head->size);
	return CH_DONE;
}

static enum evidence_cover cover_of(const struct scan *s, const struct evidence_verdict *v)
{
	if (v->head_time_s - v->iat_s < EVIDENCE_SETTLE_S)
		return EVIDENCE_TOO_NEW;
	if (v->is_legacy)
		return EVIDENCE_LEGACY;
	/* an issuer may be older than its log */
	if (s->first == 0)
		return s->edge.size > 0 && v->iat_s < s->first_iat_s ? EVIDENCE_TOO_OLD
								     : EVIDENCE_COVERED;
	if (s->edge.size == s->first || v->iat_s - s->first_iat_s < EVIDENCE_SKEW_S)
		return EVIDENCE_TOO_OLD;
	return EVIDENCE_COVERED;
}

void scan_tell(const struct scan *s, struct evidence_verdict *v)
{
	v->present = s->found;
	v->index = s->index;
	v->first = s->first;
	v->size = s->edge.size;
	v->cover = s->found ? EVIDENCE_COVERED : cover_of(s, v);
}
