/* Writes evidence. It goes through the log twice: first to see that the entries give the head and
 * whether the token is among them, then to copy them, held against the same head again. */
#include "archive/tar.h"
#include "base/file.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "evidence_internal.h"

static ch_err put_head(int fd, enum evidence_part part, uint64_t size, int64_t mtime_s)
{
	uint8_t block[TAR_BLOCK];
	struct wr w = wr_of(block, sizeof(block));
	if (size > part_rules[part].max)
		return ch_fail(CH_E_LIMIT, "a part of the evidence is too large", (uint64_t)part);
	tar_header(&w, part_rules[part].name, size, mtime_s);
	TRY(wr_done(&w));
	return fd_write_all(fd, wr_bytes(&w));
}

static ch_err put_zeros(int fd, size_t n)
{
	static const uint8_t zeros[TAR_END];
	return fd_write_all(fd, (bytes){ zeros, n });
}

static ch_err put_part(int fd, enum evidence_part part, bytes content, int64_t mtime_s)
{
	TRY(put_head(fd, part, content.n, mtime_s));
	TRY(fd_write_all(fd, content));
	return put_zeros(fd, tar_padding(content.n));
}

static ch_err put_about(int fd, const struct evidence_file *f)
{
	uint8_t room[ABOUT_MAX];
	struct wr w = wr_of(room, sizeof(room));
	about_write(&w, f);
	TRY(wr_done(&w));
	return put_part(fd, PART_ABOUT, wr_bytes(&w), f->e.created_s);
}

static ch_err put_edge(int fd, const struct merkle_edge *edge, int64_t mtime_s)
{
	uint8_t room[MERKLE_EDGE_MAX * 45];
	struct wr w = wr_of(room, sizeof(room));
	for (size_t i = 0; i < edge->n; i++) {
		base64_write(&w, BYTES_OF(edge->h[i].b));
		wr_char(&w, '\n');
	}
	TRY(wr_done(&w));
	return put_part(fd, PART_EDGE, wr_bytes(&w), mtime_s);
}

static ch_err put_small(int fd, const struct evidence_file *f, const struct merkle_edge *edge)
{
	const struct evidence *e = &f->e;
	TRY(put_about(fd, f));
	TRY(put_part(fd, PART_INPUT, bytes_of_str(e->input), e->created_s));
	TRY(put_part(fd, PART_SIGNATURE, e->signature, e->created_s));
	TRY(put_part(fd, PART_KEY, bytes_of_str(e->jwk), e->created_s));
	TRY(put_part(fd, PART_HISTORY, bytes_of_str(e->history), e->created_s));
	TRY(put_part(fd, PART_CHECKPOINT, bytes_of_str(e->checkpoint), e->created_s));
	return put_edge(fd, edge, e->created_s);
}

/* The second pass: `seen` is what the first one saw. */
static ch_err put_entries(int fd, const struct evidence_file *f, const struct merkle_edge *edge,
			  const struct scan *seen, struct tile_source *tiles,
			  struct evidence_scratch *scratch)
{
	struct scan s = scan_of(edge, seen->hash);
	TRY(put_head(fd, PART_ENTRIES, seen->bytes, f->e.created_s));
	TRY(scan_tiles(&s, tiles, f->size, scratch->tile, fd));
	TRY(scan_root(&s, &scratch->head.c));
	return put_zeros(fd, tar_padding(s.bytes));
}

/* What must be known before a byte is written. */
static ch_err limits_check(const struct evidence *e)
{
	if (e->input.n > TOKEN_MAX || e->signature.n > SIGNATURE_MAX ||
	    e->jwk.n > EVIDENCE_PART_MAX || e->history.n > EVIDENCE_HISTORY_MAX ||
	    e->where.n > EVIDENCE_WHERE_MAX)
		return ch_fail(CH_E_LIMIT, "a part of the evidence is too large", e->history.n);
	for (size_t i = 0; i < e->where.n; i++)
		if (e->where.p[i] < ' ' || e->where.p[i] > '~' ||
		    str_has(LIT("\"\\"), e->where.p[i]))
			return ch_fail(CH_E_SYNTAX, "the log's address is no plain text", i);
	if (e->created_s < 0 || !utf8_ok(e->history))
		return ch_fail(CH_E_SYNTAX, "the evidence has a part that is no text", 0);
	return CH_DONE;
}

ch_err evidence_write(int fd, const struct evidence *e, const struct note_key *log,
		      struct tile_source *tiles, struct evidence_scratch *scratch,
		      struct evidence_verdict *ret_v)
{
	struct evidence_verdict v = { .created_s = e->created_s };
	struct evidence_file f = { .e = *e };
	struct merkle_edge edge;
	TRY(limits_check(e));
	TRY(token_check(e, e->jwk, scratch, &v));
	TRY(head_check(e, log, scratch, &v));
	f.origin = scratch->head.c.origin;
	f.size = scratch->head.c.size;
	if (e->minimum > f.size)
		return ch_fail(CH_E_RANGE, "the log's minimum index is above its size", e->minimum);
	f.first = e->minimum / TILE_WIDTH * TILE_WIDTH;
	TRY(merkle_edge_within(tiles, f.first, f.size, &edge));
	struct scan s = scan_of(&edge, v.identity);
	TRY(scan_tiles(&s, tiles, f.size, scratch->tile, -1));
	TRY(scan_root(&s, &scratch->head.c));
	scan_tell(&s, &v);
	f.says_present = v.says_present = v.present;
	TRY(put_small(fd, &f, &edge));
	if (!e->thin)
		TRY(put_entries(fd, &f, &edge, &s, tiles, scratch));
	TRY(put_zeros(fd, TAR_END));
	*ret_v = v;
	return CH_DONE;
}
