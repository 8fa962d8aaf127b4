/* Records over a pipe, both halves. The sender trusts its caller; the receiver trusts nobody:
 * the sender parses what a hostile program left behind and may be taken over. What is read
 * is bounded before it is read, and nothing here looks into the bytes of a core. */
#include "dumpstore/records.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/ck.h"
#include "base/file.h"

/* A shorter fill costs less as bytes than as a record of its own. */
enum { FILL_MIN = 512, FILL_SIZE = 9, PROGRESS_SIZE = 16, END_SIZE = 9 };

void record_writer_init(struct record_writer *w, int fd, void *storage)
{
	*w = (struct record_writer){ .fd = fd,
				     .p = storage,
				     .room = RECORD_HEADER_SIZE + RECORD_MAX };
}

static ch_err send_bytes(int fd, bytes b)
{
	ch_err e = fd_write_all(fd, b);
	if (ch_code_of(e) == CH_E_IO && e.detail == EPIPE)
		return ch_fail(CH_E_GONE, "nobody reads the records any more", 0);
	return e;
}

static void header_write(uint8_t *p, enum record_type type, size_t n)
{
	struct wr w = wr_of(p, RECORD_HEADER_SIZE);
	wr_u8(&w, (uint8_t)type);
	wr_u32(&w, u32_from(n));
}

static uint8_t *lent_room(const struct record_writer *w)
{
	return w->lender.storage + w->lender.at * RECORD_LENT_SIZE;
}

/* Lends the pipe all that is gathered. E_UNSUPPORTED: it takes nothing that way. */
static ch_err lend(int fd, uint8_t *p, size_t n)
{
	for (size_t at = 0; at < n;) {
		struct iovec v = { p + at, n - at };
		ssize_t r = vmsplice(fd, &v, 1, 0);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0 && errno == EPIPE)
			return ch_fail(CH_E_GONE, "nobody reads the records any more", 0);
		if (r <= 0)
			return at ? ch_fail(CH_E_IO, "cannot lend to a pipe", errno)
				  : ch_fail(CH_E_UNSUPPORTED, "a pipe that is not lent to", errno);
		at += (size_t)r;
	}
	return CH_DONE;
}

/* The pipe has the pages of the next room no more, once as many as fit into it came behind them. */
static bool next_is_free(const struct record_lender *l, uint64_t sent)
{
	return sent - l->ends[(l->at + 1) % RECORD_LENT_ROOMS] >= l->slots;
}

/* *ret_sent: it was lent, and w goes on in another room. */
static ch_err send_lent(struct record_writer *w, size_t n, bool *ret_sent)
{
	struct record_lender *l = &w->lender;
	*ret_sent = false;
	if (!l->storage)
		return CH_DONE;
	uint64_t sent = l->sent + (n + l->page - 1) / l->page;
	if (!next_is_free(l, sent))
		return CH_DONE;
	ch_err e = lend(w->fd, w->p, n);
	if (ch_code_of(e) == CH_E_UNSUPPORTED) {
		l->storage = NULL;
		return CH_DONE;
	}
	TRY(e);
	l->sent = l->ends[l->at] = sent;
	l->at = (l->at + 1) % RECORD_LENT_ROOMS;
	w->p = lent_room(w);
	*ret_sent = true;
	return CH_DONE;
}

void record_writer_lend(struct record_writer *w, void *storage)
{
	w->lender.storage = NULL;
	if (!storage)
		return;
	long page = sysconf(_SC_PAGESIZE);
	int size = fcntl(w->fd, F_GETPIPE_SZ);
	if (page <= 0 || size <= 0 || RECORD_LENT_SIZE % page)
		return;
	struct record_lender l = { .storage = storage,
				   .page = (size_t)page,
				   .slots = (size_t)(size / page) };
	/* before anything was sent, all of them are free */
	l.sent = l.slots;
	w->lender = l;
	w->p = lent_room(w);
	w->room = RECORD_LENT_SIZE;
}

static ch_err send_gathered(struct record_writer *w)
{
	bytes b = { w->p, w->gathered };
	bool sent = false;
	w->gathered = 0;
	if (b.n == 0)
		return CH_DONE;
	TRY(send_lent(w, b.n, &sent));
	return sent ? CH_DONE : send_bytes(w->fd, b);
}

/* At most one of both is pending: a fill follows all data before it, and the reverse. */
static void end_data(struct record_writer *w)
{
	if (w->n == 0)
		return;
	header_write(w->p + w->gathered, RECORD_DATA, w->n);
	w->gathered += RECORD_HEADER_SIZE + w->n;
	w->n = 0;
}

static ch_err end_fill(struct record_writer *w)
{
	if (w->fill_n == 0)
		return CH_DONE;
	if (w->room - w->gathered < RECORD_HEADER_SIZE + FILL_SIZE)
		TRY(send_gathered(w));
	struct wr out = wr_of(w->p + w->gathered, RECORD_HEADER_SIZE + FILL_SIZE);
	header_write(wr_room(&out, RECORD_HEADER_SIZE), RECORD_FILL, FILL_SIZE);
	wr_u8(&out, w->fill_with);
	wr_u64(&out, w->fill_n);
	w->gathered += RECORD_HEADER_SIZE + FILL_SIZE;
	w->fill_n = 0;
	return CH_DONE;
}

static ch_err gather(struct record_writer *w, bytes b)
{
	while (b.n > 0) {
		size_t at = w->gathered + RECORD_HEADER_SIZE + w->n;
		if (at >= w->room) {
			end_data(w);
			TRY(send_gathered(w));
			continue;
		}
		size_t n = b.n < w->room - at ? b.n : w->room - at;
		mem_copy(w->p + at, b.p, n);
		w->n += n;
		b = (bytes){ b.p + n, b.n - n };
	}
	return CH_DONE;
}

static ch_err count(struct record_writer *w, uint64_t n)
{
	if (!ck_add(w->written, n, &w->written))
		return ch_fail(CH_E_RANGE, "a core of more than 2^64 bytes", n);
	return CH_DONE;
}

ch_err record_put(struct record_writer *w, bytes b)
{
	if (b.n == 0)
		return CH_DONE;
	TRY(count(w, b.n));
	TRY(end_fill(w));
	return gather(w, b);
}

static ch_err gather_fill(struct record_writer *w, uint8_t with, size_t n)
{
	uint8_t same[FILL_MIN];
	for (size_t i = 0; i < n; i++)
		same[i] = with;
	return gather(w, (bytes){ same, n });
}

ch_err record_fill(struct record_writer *w, uint8_t with, uint64_t n)
{
	TRY(count(w, n));
	if (w->fill_n > 0 && w->fill_with == with) {
		w->fill_n += n;
		return CH_DONE;
	}
	TRY(end_fill(w));
	if (n < FILL_MIN)
		return gather_fill(w, with, (size_t)n);
	end_data(w);
	w->fill_with = with;
	w->fill_n = n;
	return CH_DONE;
}

static ch_err flush(struct record_writer *w)
{
	end_data(w);
	TRY(end_fill(w));
	return send_gathered(w);
}

ch_err record_report(struct record_writer *w, bytes json)
{
	TRY(flush(w));
	while (json.n > 0) {
		size_t most = w->room - RECORD_HEADER_SIZE, n = json.n < most ? json.n : most;
		header_write(w->p, RECORD_REPORT, n);
		mem_copy(w->p + RECORD_HEADER_SIZE, json.p, n);
		TRY(send_bytes(w->fd, (bytes){ w->p, RECORD_HEADER_SIZE + n }));
		json = (bytes){ json.p + n, json.n - n };
	}
	return CH_DONE;
}

/* Overtakes what is gathered: it says how far the input is read, not what was sent. */
ch_err record_progress(struct record_writer *w, uint64_t done, uint64_t total)
{
	uint8_t room[RECORD_HEADER_SIZE + PROGRESS_SIZE];
	struct wr out = wr_of(room, sizeof(room));
	header_write(wr_room(&out, RECORD_HEADER_SIZE), RECORD_PROGRESS, PROGRESS_SIZE);
	wr_u64(&out, done);
	wr_u64(&out, total);
	return send_bytes(w->fd, wr_bytes(&out));
}

ch_err record_end(struct record_writer *w, bool whole, uint64_t secrets)
{
	uint8_t room[RECORD_HEADER_SIZE + END_SIZE];
	struct wr out = wr_of(room, sizeof(room));
	TRY(flush(w));
	header_write(wr_room(&out, RECORD_HEADER_SIZE), RECORD_END, END_SIZE);
	wr_bool(&out, whole);
	wr_u64(&out, secrets);
	return send_bytes(w->fd, wr_bytes(&out));
}

/* How long a record of each type may be. */
static const struct bounds {
	uint32_t min, max;
} bounds[RECORD_TYPE_COUNT] = {
	[RECORD_DATA] = { 1, RECORD_MAX },     [RECORD_FILL] = { FILL_SIZE, FILL_SIZE },
	[RECORD_REPORT] = { 1, RECORD_MAX },   [RECORD_PROGRESS] = { PROGRESS_SIZE, PROGRESS_SIZE },
	[RECORD_END] = { END_SIZE, END_SIZE },
};

static ch_err decode(enum record_type type, bytes b, struct record *ret_r)
{
	struct record r = { .type = type };
	struct rd in = rd_of(b);
	if (type == RECORD_REPORT)
		r.data = rd_take(&in, b.n);
	if (type == RECORD_FILL) {
		r.with = rd_u8(&in);
		r.n = rd_u64(&in);
		in.bad = in.bad || r.n == 0;
	}
	if (type == RECORD_PROGRESS) {
		r.done = rd_u64(&in);
		r.total = rd_u64(&in);
	}
	if (type == RECORD_END) {
		r.whole = rd_bool(&in);
		r.secrets = rd_u64(&in);
	}
	if (!rd_end(&in))
		return ch_fail(CH_E_PROTOCOL, "a record is not well formed", type);
	*ret_r = r;
	return CH_DONE;
}

ch_err record_next(int fd, void *storage, struct record *ret_r)
{
	uint8_t *p = storage;
	TRY(fd_read_exactly(fd, p, RECORD_HEADER_SIZE));
	struct rd head = rd_of((bytes){ p, RECORD_HEADER_SIZE });
	uint8_t type = rd_u8(&head);
	uint32_t n = rd_u32(&head);
	if (type < RECORD_DATA || type >= RECORD_TYPE_COUNT)
		return ch_fail(CH_E_PROTOCOL, "a record of no known type", type);
	if (n < bounds[type].min || n > bounds[type].max)
		return ch_fail(CH_E_PROTOCOL, "a record of a size that it cannot have", n);
	if (type == RECORD_DATA) {
		*ret_r = (struct record){ .type = RECORD_DATA, .n = n };
		return CH_DONE;
	}
	TRY(fd_read_exactly(fd, p + RECORD_HEADER_SIZE, n));
	return decode((enum record_type)type, (bytes){ p + RECORD_HEADER_SIZE, n }, ret_r);
}

ch_err record_read(int fd, void *storage, struct record *ret_r)
{
	uint8_t *p = (uint8_t *)storage + RECORD_HEADER_SIZE;
	struct record r = { 0 };
	TRY(record_next(fd, storage, &r));
	if (r.type == RECORD_DATA) {
		TRY(fd_read_exactly(fd, p, r.n));
		r.data = (bytes){ p, r.n };
	}
	*ret_r = r;
	return CH_DONE;
}
