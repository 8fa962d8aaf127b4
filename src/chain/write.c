/* Appending. The batch is put together in the caller's room, behind the hash that it
 * follows, so that sealing it is one hash over bytes that lie in a row and writing it is
 * one write. What fails leaves no trace that a reader would believe, and the batch waits. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/ck.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/rw.h"
#include "chain_internal.h"
#include "crypto/hash.h"

/* the room: hash before | frame header | records … | hash */
enum { RECORDS_AT = CHAIN_HASH_SIZE + FRAME_HEADER };

static size_t most_of(const struct chain *c)
{
	return c->cap - RECORDS_AT - CHAIN_HASH_SIZE;
}

ch_err chain_reserve(struct chain *c, uint16_t type, int64_t time_ms, size_t n,
		     uint8_t **ret_payload)
{
	if (n > CHAIN_PAYLOAD_MAX || RECORD_HEADER + n > most_of(c))
		return ch_fail(CH_E_RANGE, "a record is too long", n);
	if (c->n_waiting == CHAIN_RECORDS_MAX || RECORD_HEADER + n > most_of(c) - c->waiting)
		return ch_fail(CH_E_FULL, "the batch is full", c->n_waiting);
	struct wr w = wr_of(c->room + RECORDS_AT + c->waiting, RECORD_HEADER);
	wr_u16(&w, u16_from(n));
	wr_u16(&w, type);
	wr_i64(&w, time_ms);
	*ret_payload = w.p + RECORD_HEADER;
	c->waiting += RECORD_HEADER + n;
	c->n_waiting++;
	return CH_DONE;
}

ch_err chain_add(struct chain *c, uint16_t type, int64_t time_ms, bytes payload)
{
	uint8_t *p = NULL;
	TRY(chain_reserve(c, type, time_ms, payload.n, &p));
	mem_copy(p, payload.p, payload.n);
	return CH_DONE;
}

size_t chain_waiting(const struct chain *c)
{
	return c->n_waiting;
}

void chain_drop(struct chain *c)
{
	c->waiting = 0;
	c->n_waiting = 0;
}

static ch_err usable(const struct chain *c)
{
	if (c->fd < 0)
		return ch_fail(CH_E_USAGE, "the chain is not open", 0);
	if (c->broken)
		return ch_fail(CH_E_IO, "the chain could not be synced before", EIO);
	return CH_DONE;
}

static ch_err sync_now(struct chain *c)
{
	if (fdatasync(c->fd) != 0) {
		/* the kernel may have dropped the pages: another try would prove nothing */
		c->broken = true;
		return ch_fail(CH_E_IO, "cannot sync the chain", errno);
	}
	c->synced_seq = c->next_seq;
	return CH_DONE;
}

ch_err chain_flush(struct chain *c)
{
	TRY(usable(c));
	return c->synced_seq == c->next_seq ? CH_DONE : sync_now(c);
}

/* --- a new segment --- */

static ch_err begin_segment(struct chain *c, int64_t now_ms)
{
	struct segment_header h = { .first = c->next_seq, .created_ms = now_ms };
	uint8_t b[SEGMENT_HEADER];
	struct path name;
	AUTO(fd_close) int fd = -1;
	mem_copy(h.id, c->id, sizeof(h.id));
	mem_copy(h.purpose, c->purpose, sizeof(h.purpose));
	mem_copy(h.before, c->last, sizeof(h.before));
	segment_header_write(&h, b);
	segment_name(&name, h.first);
	TRY(file_create(c->dir_fd, name.p, BYTES_OF(b), c->mode));
	ch_err e = segment_open(c->dir_fd, h.first, O_RDWR, &fd);
	if (failed(e)) {
		/* no record may go behind it in the old segment: so it must not be there */
		c->broken = unlinkat(c->dir_fd, name.p, 0) != 0;
		return e;
	}
	fd_close(&c->fd);
	c->fd = TAKE_FD(fd);
	c->segment_first = h.first;
	c->segment_created_ms = now_ms;
	c->end = c->room_end = SEGMENT_HEADER;
	mem_copy(c->room, h.hash, sizeof(h.hash));
	return CH_DONE;
}

/* What a write that failed left behind `end` must be gone before a record counts there. */
static ch_err mend(struct chain *c)
{
	if (c->torn && ftruncate(c->fd, (off_t)c->end) != 0)
		return ch_fail(CH_E_IO, "cannot cut off what a failed write left", errno);
	if (c->torn)
		c->room_end = c->end;
	c->torn = false;
	return CH_DONE;
}

ch_err chain_trim(struct chain *c)
{
	if (c->broken || c->fd < 0 || c->room_end == c->end)
		return CH_DONE;
	if (ftruncate(c->fd, (off_t)c->end) != 0)
		return ch_fail(CH_E_IO, "cannot cut off the room ahead", errno);
	c->room_end = c->end;
	return CH_DONE;
}

/* All but the newest segment end where their last frame does. */
static ch_err finish_segment(struct chain *c)
{
	bool has_room = c->room_end > c->end;
	TRY(mend(c));
	TRY(chain_trim(c));
	return has_room ? sync_now(c) : chain_flush(c);
}

ch_err chain_rotate(struct chain *c, int64_t now_ms)
{
	TRY(usable(c));
	if (c->next_seq == c->segment_first)
		return CH_DONE;
	TRY(finish_segment(c));
	return begin_segment(c, now_ms);
}

static uint64_t mono_ms(void)
{
	return clock_mono_ns() / 1000000;
}

void chain_clock_begin(struct chain *c, int64_t now_ms, bool leapt)
{
	c->offset_ms = now_ms - (int64_t)mono_ms();
	c->held_ms = leapt ? mono_ms() + CHAIN_HOLD_MS : 0;
}

static void watch_clock(struct chain *c, int64_t now_ms)
{
	int64_t leap = now_ms - (int64_t)mono_ms() - c->offset_ms;
	if (leap > CHAIN_LEAP_MS)
		c->held_ms = mono_ms() + CHAIN_HOLD_MS;
	if (leap > CHAIN_LEAP_MS || leap < -CHAIN_LEAP_MS)
		c->offset_ms += leap;
}

bool chain_is_wary(const struct chain *c)
{
	return mono_ms() < c->held_ms;
}

/* What is erased is gone: a clock that is put right tomorrow must not have cost all that is kept. */
static ch_err retain(struct chain *c, int64_t now_ms)
{
	uint64_t erased = 0;
	struct chain_limits limits = c->limits;
	watch_clock(c, now_ms);
	if (chain_is_wary(c))
		limits.keep_ms = 0;
	return folder_retain(c->dir_fd, c->purpose, &limits, now_ms, &erased);
}

static bool is_old(const struct chain *c, int64_t now_ms)
{
	int64_t age_ms = now_ms - c->segment_created_ms;
	/* or by a clock that was ahead: else it would never be */
	return age_ms >= c->limits.segment_ms || -age_ms > CHAIN_LEAP_MS;
}

ch_err chain_tidy(struct chain *c, int64_t now_ms)
{
	TRY(usable(c));
	if (is_old(c, now_ms))
		TRY(chain_rotate(c, now_ms));
	return retain(c, now_ms);
}

static ch_err make_space(struct chain *c, size_t frame, int64_t now_ms)
{
	if (c->end + frame <= c->limits.segment_bytes && !is_old(c, now_ms))
		return CH_DONE;
	uint64_t before = c->segment_first;
	TRY(chain_rotate(c, now_ms));
	/* a failure to erase is for chain_tidy to say: the record comes first */
	if (c->segment_first != before)
		(void)retain(c, now_ms);
	return CH_DONE;
}

/* --- the batch --- */

static bytes seal(struct chain *c)
{
	uint8_t *room = c->room;
	const struct frame_header h = {
		.n = u32_from(c->waiting),
		.count = c->n_waiting,
		.first = c->next_seq,
		.synced = c->synced_seq,
	};
	frame_header_write(&h, c->id, c->end, room + CHAIN_HASH_SIZE);
	size_t n = RECORDS_AT + c->waiting;
	sha256((bytes){ room, n }, room + n);
	return (bytes){ room + CHAIN_HASH_SIZE, FRAME_OVERHEAD + c->waiting };
}

static ch_err write_at(int fd, bytes b, uint64_t offset)
{
	while (b.n > 0) {
		ssize_t n = pwrite(fd, b.p, b.n, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ch_fail(CH_E_IO, "cannot write to the chain",
				       n < 0 ? errno : ENOSPC);
		offset += (uint64_t)n;
		b = (bytes){ b.p + n, b.n - (size_t)n };
	}
	return CH_DONE;
}

/* How far the file is to go behind this frame: not at all where the frame fits what there is, or is
 * so large itself that more is only more to write. */
static uint64_t ahead_of(const struct chain *c, size_t frame)
{
	enum { LARGE = 8 };
	uint64_t end = c->end + frame, most = c->limits.segment_bytes;
	if (end <= c->room_end || end >= most || frame > c->limits.ahead_bytes / LARGE)
		return 0;
	uint64_t upto = end + c->limits.ahead_bytes;
	return (upto < most ? upto : most) - end;
}

/* That there is no room ahead is no failure. */
static ch_err write_frame(struct chain *c, bytes frame)
{
	uint64_t ahead = ahead_of(c, frame.n);
	size_t wrote = ahead == 0 ? 0 : room_write(c->fd, frame, c->end, (size_t)ahead);
	if (c->room_end < c->end + wrote)
		c->room_end = c->end + wrote;
	if (wrote >= frame.n)
		return CH_DONE;
	return write_at(c->fd, (bytes){ frame.p + wrote, frame.n - wrote }, c->end + wrote);
}

static ch_err append(struct chain *c, bytes frame)
{
	TRY(mend(c));
	ch_err e = write_frame(c, frame);
	if (failed(e)) {
		c->torn = true;
		(void)mend(c); /* if that fails too, it is tried again before the next write */
		return e;
	}
	c->end += frame.n;
	c->room_end = c->room_end > c->end ? c->room_end : c->end;
	c->next_seq += c->n_waiting;
	mem_copy(c->last, frame.p + frame.n - CHAIN_HASH_SIZE, sizeof(c->last));
	mem_copy(c->room, c->last, sizeof(c->last));
	chain_drop(c);
	return CH_DONE;
}

ch_err chain_write(struct chain *c, int64_t now_ms, enum chain_sync sync)
{
	TRY(usable(c));
	if (c->n_waiting > 0) {
		TRY(make_space(c, FRAME_OVERHEAD + c->waiting, now_ms));
		TRY(append(c, seal(c)));
	}
	return sync == CHAIN_NOW ? chain_flush(c) : CH_DONE;
}

struct chain_head chain_head(const struct chain *c)
{
	struct chain_head h = { .seq = c->next_seq };
	mem_copy(h.hash, c->last, sizeof(h.hash));
	return h;
}

ch_err chain_bytes(const struct chain *c, uint64_t *ret_bytes)
{
	struct folder f = { 0 };
	TRY(usable(c));
	TRY(folder_look(c->dir_fd, 0, true, &f));
	*ret_bytes = f.bytes;
	return CH_DONE;
}
