/* Where a segment's believable part ends. Behind it there may be a write that a crash tore:
 * that is cut off by the caller. But what was durable once and does not verify now is
 * damage, and is never passed over: each frame says up to which record everything was on
 * the disk when it was written, so any whole frame header behind a bad place tells which of
 * the two it is. */
#include <errno.h>
#include <sys/stat.h>

#include "chain_internal.h"

static ch_err size_of(int fd, uint64_t *ret_size)
{
	struct stat st = { 0 };
	if (fstat(fd, &st) != 0)
		return ch_fail(CH_E_IO, "cannot look at a segment", errno);
	*ret_size = (uint64_t)st.st_size;
	return CH_DONE;
}

struct search {
	uint64_t seq;    /* of the frame that is bad */
	uint64_t most;   /* no later one can have this number or more */
	uint64_t synced; /* found: everything below was durable */
	uint64_t records;
	uint64_t last; /* behind the last byte that is not zero */
};

/* The cheap part of the question whether a frame's header stands here. */
static bool may_be_header(const uint8_t *b, const struct search *s)
{
	uint64_t first = 0;
	if (b[6] != 0 || b[7] != 0)
		return false;
	for (size_t i = 8; i < 16; i++)
		first = first << 8 | b[i];
	return first >= s->seq && first < s->most;
}

static void search_window(const struct chain_walk *w, size_t n, struct search *s)
{
	for (size_t i = 0; i + FRAME_HEADER <= n; i++) {
		struct frame_header h;
		if (!may_be_header(w->room + i, s) ||
		    !frame_header_read(w->room + i, w->id, w->at + i, &h))
			continue;
		s->synced = h.synced > s->synced ? h.synced : s->synced;
		s->records += h.count;
	}
	while (n > 0 && w->room[n - 1] == 0)
		n--;
	if (n > 0)
		s->last = w->at + n;
}

/* Every offset behind the bad place, window by window with an overlap. */
static ch_err search_rest(struct chain_walk *w, uint64_t size, struct search *s)
{
	enum { OVERLAP = FRAME_HEADER - 1 };
	uint64_t from = w->offset;
	while (from + FRAME_HEADER <= size) {
		TRY(walk_fill(w, from, w->cap));
		if (w->have < FRAME_HEADER)
			break;
		search_window(w, w->have, s);
		from += w->have - OVERLAP;
	}
	return CH_DONE;
}

ch_err recover(struct chain_walk *w, bool may_be_torn, struct chain_opened *report)
{
	enum walk_found found = WALK_BAD;
	struct walk_frame f;
	uint64_t size = 0;
	bool is_whole = false;
	do
		TRY(walk_next(w, &found, &f));
	while (found == WALK_FRAME);
	if (found == WALK_END)
		return CH_DONE;
	if (found == WALK_ROOM && may_be_torn)
		TRY(room_goes_on(w, &is_whole));
	if (is_whole)
		return CH_DONE;
	report->fault = (struct chain_place){ w->segment, w->offset };
	if (!may_be_torn)
		return ch_fail(CH_E_MISMATCH, "a finished segment of the chain is damaged",
			       w->offset);
	TRY(size_of(w->fd, &size));
	struct search s = { .seq = w->seq,
			    .most = w->seq + size / RECORD_HEADER + 1,
			    .last = w->offset };
	TRY(search_rest(w, size, &s));
	if (s.synced > w->seq)
		return ch_fail(CH_E_MISMATCH, "the chain is damaged where it was durable",
			       w->offset);
	report->cut = report->fault;
	report->fault = (struct chain_place){ 0 };
	/* what is left of the room ahead is no part of what was torn */
	report->cut_bytes = (size - s.last > FRAME_HEADER ? s.last : size) - w->offset;
	report->cut_records = s.records;
	return CH_DONE;
}
