/* Opening a chain to write: the lock first, then what the folder holds. Trusts that who
 * holds the lock is the only writer; must never go on behind damage. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rand.h"
#include "chain_internal.h"

enum { SEGMENT_BYTES = 16 * 1024 * 1024, DAY_MS = 24 * 3600 * 1000, MODE = 0600 };

static ch_err config_take(struct chain *c, const struct chain_config *config)
{
	struct chain_limits *l = &c->limits;
	TRY(purpose_of(config->ref.purpose, c->purpose));
	c->room = config->ref.room;
	c->cap = config->ref.cap;
	c->mode = config->mode ? config->mode : MODE;
	*l = config->limits;
	l->segment_bytes = l->segment_bytes ? l->segment_bytes : SEGMENT_BYTES;
	l->segment_ms = l->segment_ms ? l->segment_ms : DAY_MS;
	if (c->cap < CHAIN_ROOM_MIN || c->cap > CHAIN_ROOM_MAX)
		return ch_fail(CH_E_RANGE, "the chain's room is too small or too large", c->cap);
	if (l->ahead_bytes > CHAIN_AHEAD_MAX)
		return ch_fail(CH_E_RANGE, "a chain's room ahead is too large", l->ahead_bytes);
	if (l->segment_bytes < CHAIN_SEGMENT_MIN || l->segment_ms < 0 || l->keep_ms < 0)
		return ch_fail(CH_E_RANGE, "a limit of the chain is too small", l->segment_bytes);
	if (l->total_bytes > 0 && l->total_bytes / 2 < l->segment_bytes)
		return ch_fail(CH_E_RANGE, "a chain's bound is at least two segments",
			       l->total_bytes);
	return CH_DONE;
}

static ch_err folder_open(struct chain *c, const struct chain_ref *ref)
{
	mode_t mode = c->mode;
	TRY(dir_make(ref->dir_fd, ref->path, mode | (mode & 0444) >> 2));
	c->dir_fd = openat(ref->dir_fd, ref->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->dir_fd < 0)
		return ch_fail(CH_E_IO, "cannot open the chain's folder", errno);
	c->lock_fd = openat(c->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (c->lock_fd < 0)
		return ch_fail(CH_E_IO, "cannot open the chain's lock", errno);
	if (flock(c->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return CH_DONE;
	if (errno == EWOULDBLOCK)
		return ch_fail(CH_E_BUSY, "another process writes this chain", 0);
	return ch_fail(CH_E_IO, "cannot lock the chain", errno);
}

static ch_err make_first(struct chain *c, int64_t now_ms)
{
	struct segment_header h = { .created_ms = now_ms };
	uint8_t b[SEGMENT_HEADER];
	struct path name;
	rand_fill(h.id, sizeof(h.id));
	mem_copy(h.purpose, c->purpose, sizeof(h.purpose));
	segment_header_write(&h, b);
	segment_name(&name, 0);
	return file_create(c->dir_fd, name.p, BYTES_OF(b), c->mode);
}

static ch_err walk_of(const struct chain *c, uint64_t segment, int flags, struct chain_walk *w)
{
	AUTO(fd_close) int fd = -1;
	TRY(segment_open(c->dir_fd, segment, flags, &fd));
	*w = (struct chain_walk){ .fd = -1, .room = c->room, .cap = c->cap };
	TRY(walk_open(w, fd, segment, c->purpose));
	(void)TAKE_FD(fd); /* the walk's now */
	return CH_DONE;
}

/* The segment before the last must be whole, and end where the last one begins. */
static ch_err check_link(const struct chain *c, const struct chain_walk *last, uint64_t before,
			 struct chain_opened *report, int64_t *ret_begun_ms)
{
	AUTO(walk_close) struct chain_walk w = { .fd = -1 };
	report->fault = (struct chain_place){ before, 0 };
	TRY(walk_of(c, before, O_RDONLY, &w));
	TRY(recover(&w, false, report));
	*ret_begun_ms = w.created_ms;
	report->fault = (struct chain_place){ last->segment, 0 };
	if (w.seq != last->segment || !mem_eq(w.last, last->before, CHAIN_HASH_SIZE) ||
	    !mem_eq(w.id, last->id, CHAIN_ID_SIZE))
		return ch_fail(CH_E_MISMATCH, "a segment does not follow the one before it",
			       last->segment);
	report->fault = (struct chain_place){ 0 };
	return CH_DONE;
}

static ch_err cut(const struct chain_walk *w)
{
	off_t end = lseek(w->fd, 0, SEEK_END);
	if (end < 0)
		return ch_fail(CH_E_IO, "cannot look at a segment", errno);
	/* a torn end, or room ahead that nothing was written to */
	if ((uint64_t)end > w->offset && ftruncate(w->fd, (off_t)w->offset) != 0)
		return ch_fail(CH_E_IO, "cannot cut off the chain's torn end", errno);
	/* what was found counts as durable from now on */
	if (fdatasync(w->fd) != 0)
		return ch_fail(CH_E_IO, "cannot sync the chain", errno);
	return CH_DONE;
}

static void go_on_from(struct chain *c, struct chain_walk *w)
{
	c->fd = TAKE_FD(w->fd);
	c->segment_first = w->segment;
	c->segment_created_ms = w->created_ms;
	c->end = c->room_end = w->offset;
	c->next_seq = c->synced_seq = w->seq;
	mem_copy(c->id, w->id, sizeof(c->id));
	mem_copy(c->last, w->last, sizeof(c->last));
	mem_copy(c->room, w->hash, CHAIN_HASH_SIZE);
}

/* Each segment is followed by one, or has a writer, when its time is over. */
static bool is_leap(const struct chain *c, int64_t from_ms, int64_t to_ms)
{
	const int64_t gone_ms = to_ms - from_ms;
	return gone_ms > CHAIN_LEAP_MS && gone_ms - CHAIN_LEAP_MS > c->limits.segment_ms;
}

static ch_err open_last(struct chain *c, const struct folder *f, int64_t now_ms,
			struct chain_opened *report)
{
	AUTO(walk_close) struct chain_walk w = { .fd = -1 };
	struct folder older = { 0 };
	int64_t before_ms = INT64_MAX;
	report->fault = (struct chain_place){ f->last, 0 };
	TRY(walk_of(c, f->last, O_RDWR, &w));
	report->fault = (struct chain_place){ 0 };
	if (f->n > 1) {
		TRY(folder_look(c->dir_fd, f->last - 1, false, &older));
		TRY(check_link(c, &w, older.upto, report, &before_ms));
		w.have = 0; /* they share the room */
	}
	TRY(recover(&w, true, report));
	TRY(cut(&w));
	go_on_from(c, &w);
	chain_clock_begin(c, now_ms,
			  is_leap(c, w.created_ms, now_ms) ||
				  (before_ms != INT64_MAX && is_leap(c, before_ms, w.created_ms)));
	return CH_DONE;
}

static ch_err open_chain(struct chain *c, const struct chain_ref *ref, int64_t now_ms,
			 struct chain_opened *report)
{
	struct folder f = { 0 };
	TRY(folder_open(c, ref));
	TRY(folder_clean(c->dir_fd));
	TRY(folder_look(c->dir_fd, 0, false, &f));
	report->created = f.n == 0;
	if (f.n == 0) {
		TRY(make_first(c, now_ms));
		TRY(folder_look(c->dir_fd, 0, false, &f));
	}
	TRY(open_last(c, &f, now_ms, report));
	report->first_seq = f.first;
	report->next_seq = c->next_seq;
	return CH_DONE;
}

ch_err chain_open(struct chain *c, const struct chain_config *config, int64_t now_ms,
		  struct chain_opened *report)
{
	*c = (struct chain){ .dir_fd = -1, .lock_fd = -1, .fd = -1 };
	*report = (struct chain_opened){ 0 };
	TRY(config_take(c, config));
	ch_err e = open_chain(c, &config->ref, now_ms, report);
	if (failed(e))
		chain_close(c);
	return e;
}

void chain_close(struct chain *c)
{
	/* the lock last: nobody else may begin while our descriptor can still write */
	if (c->room) {
		(void)chain_trim(c); /* who opens it does it, if this does not */
		fd_close(&c->fd);
		fd_close(&c->dir_fd);
		fd_close(&c->lock_fd);
	}
	*c = (struct chain){ .dir_fd = -1, .lock_fd = -1, .fd = -1 };
}
