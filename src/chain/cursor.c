/* A reader that follows. It opens segments by name, takes over at the end of one only what
 * links to it, and hands out nothing that it has not verified. The writer may append, begin
 * a segment or erase old ones at any moment; none of that is an error. */
#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "chain_internal.h"

static ch_err at_fault(struct chain_cursor *k, ch_err e)
{
	k->fault = (struct chain_place){ k->walk.segment, k->walk.offset };
	return e;
}

static ch_err enter(struct chain_cursor *k, uint64_t segment)
{
	AUTO(fd_close) int fd = -1;
	struct chain_walk w = { .fd = -1, .room = k->walk.room, .cap = k->walk.cap };
	TRY(segment_open(k->dir_fd, segment, O_RDONLY, &fd));
	ch_err e = walk_open(&w, fd, segment, k->purpose);
	if (failed(e)) {
		k->fault = (struct chain_place){ segment, 0 };
		return e;
	}
	walk_close(&k->walk);
	(void)TAKE_FD(fd); /* the walk's now */
	k->walk = w;
	return CH_DONE;
}

static ch_err begin(struct chain_cursor *k, uint64_t from)
{
	struct folder f = { 0 };
	TRY(folder_look(k->dir_fd, from, false, &f));
	if (f.n == 0)
		return ch_fail(CH_E_NOT_FOUND, "there is no chain in the folder", 0);
	bool oldest = from == CHAIN_OLDEST;
	if (!oldest && !f.has_upto)
		return ch_fail(CH_E_NOT_FOUND, "the record has been erased", f.first);
	k->from = oldest ? f.first : from;
	return enter(k, oldest ? f.first : f.upto);
}

ch_err cursor_open(struct chain_cursor *k, const struct chain_ref *ref, uint64_t from)
{
	*k = (struct chain_cursor){ .dir_fd = -1 };
	k->walk = (struct chain_walk){ .fd = -1, .room = ref->room, .cap = ref->cap };
	if (ref->cap < CHAIN_ROOM_MIN)
		return ch_fail(CH_E_RANGE, "the cursor's room is too small", ref->cap);
	TRY(purpose_of(ref->purpose, k->purpose));
	k->dir_fd = openat(ref->dir_fd, ref->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (k->dir_fd < 0 && errno == ENOENT)
		return ch_fail(CH_E_NOT_FOUND, "there is no such folder", ENOENT);
	if (k->dir_fd < 0)
		return ch_fail(CH_E_IO, "cannot open the chain's folder", errno);
	ch_err e = begin(k, from);
	if (failed(e))
		cursor_close(k);
	return e;
}

void cursor_close(struct chain_cursor *k)
{
	if (!k->walk.room)
		return;
	walk_close(&k->walk);
	fd_close(&k->dir_fd);
}

/* The segment is finished, as another one has begun, and ends here: on to that one. */
static ch_err go_on(struct chain_cursor *k, const struct folder *f)
{
	const struct chain_walk ended = k->walk;
	if (f->after > ended.seq && f->first > ended.seq)
		return ch_fail(CH_E_NOT_FOUND, "retention overtook the reader", f->first);
	if (f->after != ended.seq)
		return at_fault(
			k, ch_fail(CH_E_MISMATCH, "a segment of the chain is missing", ended.seq));
	TRY(enter(k, f->after));
	if (mem_eq(k->walk.before, ended.last, CHAIN_HASH_SIZE) &&
	    mem_eq(k->walk.id, ended.id, CHAIN_ID_SIZE))
		return CH_DONE;
	k->fault = (struct chain_place){ k->walk.segment, 0 };
	return ch_fail(CH_E_MISMATCH, "a segment does not follow the one before it", f->after);
}

static ch_err none_yet(struct chain_cursor *k, size_t torn_bytes)
{
	k->torn_bytes = torn_bytes;
	if (k->walk.seq < k->from)
		return at_fault(k, ch_fail(CH_E_MISMATCH,
					   "the chain ends before the cursor: it was cut",
					   k->walk.seq));
	return CH_DONE;
}

/* Zeros are room only if there is nothing behind them. If there is: a writer was at it meanwhile, and
 * wrote what comes first first; else it is a hole. */
static ch_err look_behind(struct chain_cursor *k, enum walk_found *found, struct walk_frame *f)
{
	bool is_room = true;
	if (*found != WALK_ROOM)
		return CH_DONE;
	TRY(room_goes_on(&k->walk, &is_room));
	if (is_room)
		return CH_DONE;
	TRY(walk_next(&k->walk, found, f));
	if (*found == WALK_ROOM)
		*found = WALK_BAD;
	return CH_DONE;
}

ch_err cursor_frame(struct chain_cursor *k, bool *ret_got)
{
	enum walk_found found = WALK_END;
	struct walk_frame f = { 0 };
	*ret_got = false;
	while (found == WALK_END) {
		struct folder folder = { 0 };
		TRY(walk_next(&k->walk, &found, &f));
		TRY(look_behind(k, &found, &f));
		if (found == WALK_FRAME || found == WALK_BAD)
			break;
		/* the folder first, then the segment again: once there is another one, nothing is
		 * added to this */
		TRY(folder_look(k->dir_fd, k->walk.segment, false, &folder));
		if (!folder.has_after)
			return none_yet(k, f.short_bytes);
		k->walk.have = 0;
		TRY(walk_next(&k->walk, &found, &f));
		if (found == WALK_END)
			TRY(go_on(k, &folder));
	}
	k->torn_bytes = 0;
	if (found != WALK_FRAME)
		return at_fault(k, ch_fail(CH_E_MISMATCH, "the chain is damaged", k->walk.offset));
	k->left = f.records;
	k->next = f.header.first;
	*ret_got = true;
	return CH_DONE;
}

ch_err cursor_next(struct chain_cursor *k, struct chain_record *ret_record, bool *ret_got)
{
	for (;;) {
		struct chain_record r;
		bool got = k->left.n > 0;
		if (!got)
			TRY(cursor_frame(k, &got));
		if (!got) {
			*ret_got = false;
			return CH_DONE;
		}
		TRY(record_take(&k->left, &r));
		r.seq = k->next++;
		if (r.seq < k->from)
			continue;
		k->from = r.seq + 1;
		*ret_record = r;
		*ret_got = true;
		return CH_DONE;
	}
}

struct chain_head cursor_head(const struct chain_cursor *k)
{
	struct chain_head h = { .seq = k->walk.seq };
	mem_copy(h.hash, k->walk.last, sizeof(h.hash));
	return h;
}
