/* One segment from its header to its end, frame by frame, each verified before anything of
 * it is used. Reads only; another process may be appending to the file, or cutting off
 * what it failed to write. */
#include <errno.h>
#include <unistd.h>

#include "base/file.h"
#include "chain_internal.h"
#include "crypto/hash.h"

enum { AT_ONCE = 64 * 1024 };

/* Up to n bytes from offset on; fewer only at the end of the file. */
static ch_err read_at(int fd, uint64_t offset, uint8_t *to, size_t n, size_t *ret_got)
{
	size_t have = 0;
	while (have < n) {
		ssize_t got = pread(fd, to + have, n - have, (off_t)(offset + have));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ch_fail(CH_E_IO, "cannot read a segment", errno);
		if (got == 0)
			break;
		have += (size_t)got;
	}
	*ret_got = have;
	return CH_DONE;
}

ch_err walk_open(struct chain_walk *w, int fd, uint64_t segment,
		 const uint8_t purpose[static CHAIN_PURPOSE_MAX])
{
	uint8_t b[SEGMENT_HEADER];
	struct segment_header h;
	size_t got = 0;
	TRY(read_at(fd, 0, b, sizeof(b), &got));
	if (got < sizeof(b))
		return ch_fail(CH_E_MISMATCH, "a segment ends within its header", got);
	TRY(segment_header_read(b, &h));
	if (h.first != segment)
		return ch_fail(CH_E_MISMATCH, "a segment has the name of another", h.first);
	if (!mem_eq(h.purpose, purpose, CHAIN_PURPOSE_MAX))
		return ch_fail(CH_E_MISMATCH, "a chain of another purpose", 0);
	w->fd = fd;
	w->segment = segment;
	w->offset = SEGMENT_HEADER;
	w->seq = segment;
	w->created_ms = h.created_ms;
	w->have = 0;
	mem_copy(w->id, h.id, sizeof(w->id));
	mem_copy(w->hash, h.hash, sizeof(w->hash));
	mem_copy(w->before, h.before, sizeof(w->before));
	mem_copy(w->last, h.before, sizeof(w->last));
	return CH_DONE;
}

void walk_close(struct chain_walk *w)
{
	fd_close(&w->fd);
}

ch_err walk_fill(struct chain_walk *w, uint64_t from, size_t n)
{
	w->have = 0;
	w->at = from;
	return read_at(w->fd, from, w->room, n < w->cap ? n : w->cap, &w->have);
}

/* What the file holds from the hash before the next frame on, n bytes if it has them. Not much
 * more is read: at the end of a segment there may be nothing but room. */
static ch_err look(struct chain_walk *w, size_t n, bytes *ret_b)
{
	uint64_t from = w->offset - CHAIN_HASH_SIZE;
	if (n > w->cap)
		return ch_fail(CH_E_FULL, "a frame is larger than the reader's room", n);
	if (from < w->at || from - w->at > w->have || w->have - (from - w->at) < n)
		TRY(walk_fill(w, from, n > AT_ONCE ? n : AT_ONCE));
	*ret_b = (bytes){ w->room + (from - w->at), w->have - (from - w->at) };
	return CH_DONE;
}

static bool records_ok(bytes records, uint16_t count)
{
	struct chain_record r;
	for (uint16_t i = 0; i < count; i++)
		if (failed(record_take(&records, &r)))
			return false;
	return records.n == 0;
}

/* All of the frame is in b, behind the hash before it. */
static bool frame_ok(const struct chain_walk *w, bytes b, const struct frame_header *h)
{
	uint8_t hash[SHA256_SIZE];
	size_t n = CHAIN_HASH_SIZE + FRAME_HEADER + h->n;
	if (h->first != w->seq || h->synced > h->first)
		return false;
	sha256((bytes){ b.p, n }, hash);
	return mem_eq(hash, b.p + n, sizeof(hash)) &&
	       records_ok((bytes){ b.p + CHAIN_HASH_SIZE + FRAME_HEADER, h->n }, h->count);
}

static void step(struct chain_walk *w, bytes b, const struct frame_header *h)
{
	w->offset += FRAME_OVERHEAD + h->n;
	w->seq += h->count;
	mem_copy(w->hash, b.p + CHAIN_HASH_SIZE + FRAME_HEADER + h->n, CHAIN_HASH_SIZE);
	mem_copy(w->last, w->hash, sizeof(w->last));
}

static ch_err try_next(struct chain_walk *w, enum walk_found *ret_found,
		       struct walk_frame *ret_frame)
{
	struct walk_frame f = { 0 };
	bytes b = { 0 };
	TRY(look(w, CHAIN_HASH_SIZE + FRAME_HEADER, &b));
	*ret_found = WALK_BAD;
	if (b.n < CHAIN_HASH_SIZE || !mem_eq(b.p, w->hash, CHAIN_HASH_SIZE))
		return CH_DONE; /* what was read before is not there any more */
	f.short_bytes = b.n - CHAIN_HASH_SIZE;
	*ret_found = f.short_bytes == 0 ? WALK_END : WALK_SHORT;
	*ret_frame = f;
	if (f.short_bytes < FRAME_HEADER)
		return CH_DONE;
	bytes header = { b.p + CHAIN_HASH_SIZE, FRAME_HEADER };
	*ret_found = is_blank(header) ? WALK_ROOM : WALK_BAD;
	if (*ret_found == WALK_ROOM)
		ret_frame->short_bytes = 0;
	if (!frame_header_read(header.p, w->id, w->offset, &f.header))
		return CH_DONE;
	size_t n = CHAIN_HASH_SIZE + FRAME_OVERHEAD + f.header.n;
	TRY(look(w, n, &b));
	f.short_bytes = (b.n < n ? b.n : n) - CHAIN_HASH_SIZE;
	*ret_frame = f;
	/* its hash is written last: without one, it is half in the room ahead */
	bool is_short = b.n < n || is_blank((bytes){ b.p + n - CHAIN_HASH_SIZE, CHAIN_HASH_SIZE });
	*ret_found = is_short ? WALK_SHORT : WALK_BAD;
	if (is_short || !frame_ok(w, b, &f.header))
		return CH_DONE;
	*ret_found = WALK_FRAME;
	ret_frame->records = (bytes){ b.p + CHAIN_HASH_SIZE + FRAME_HEADER, f.header.n };
	step(w, b, &f.header);
	return CH_DONE;
}

ch_err walk_next(struct chain_walk *w, enum walk_found *ret_found, struct walk_frame *ret_frame)
{
	/* what was read may be a mixture of before and after a write, or a cut: look again */
	for (int tries = 0; tries < 3; tries++) {
		TRY(try_next(w, ret_found, ret_frame));
		if (*ret_found == WALK_FRAME || *ret_found == WALK_END)
			break;
		w->have = 0;
		if (*ret_found != WALK_BAD && tries > 0)
			break;
	}
	return CH_DONE;
}
