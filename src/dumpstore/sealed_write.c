/* Writes a sealed dump: gathers parts into blocks of at most DUMP_FRAME_MAX, each of which
 * becomes a frame. Plain bytes are in memory alone, and the key that would open what was
 * written is gone. After a failure it writes nothing more. */
#include <stdlib.h>

#include "base/ck.h"
#include "sealed_internal.h"

/* A shorter fill costs less as bytes. */
enum { FILL_MIN = 64 };

struct sealed_writer {
	struct frames *frames;
	uint8_t *block; /* where the next frame is gathered; n bytes are there */
	size_t n;
	bool ended; /* or failed */
	uint8_t fill_with;
	uint64_t core_bytes;
	size_t data_at; /* where an open DATA part begins; data_n: its bytes, 0: none is open */
	size_t data_n;
	size_t fill_at; /* where a FILL that ends the block begins; fill_n: its bytes, or 0 */
	uint64_t fill_n;
};

void sealed_writer_done(struct sealed_writer **w)
{
	if (!*w)
		return;
	frames_done(&(*w)->frames);
	free(*w);
	*w = NULL;
}

ch_err sealed_writer_new(int fd, const struct dump_public_key *to, int zstd_level,
			 struct sealed_writer **ret_w)
{
	AUTO(sealed_writer_done) struct sealed_writer *w = calloc(1, sizeof(*w));
	if (!w)
		return ch_fail(CH_E_NOMEM, "no memory to seal a dump", sizeof(*w));
	TRY(frames_new(fd, to, zstd_level, &w->frames));
	w->block = frames_block(w->frames);
	*ret_w = TAKE(w);
	return CH_DONE;
}

ch_err sealed_writer_help(struct sealed_writer *w, struct beside *b)
{
	return frames_help(w->frames, b);
}

uint64_t sealed_writer_bytes(const struct sealed_writer *w)
{
	return frames_bytes(w->frames);
}

static void part_head(uint8_t *at, enum part_type type, size_t n)
{
	struct wr out = wr_of(at, PART_BYTES_HEAD);
	wr_u8(&out, (uint8_t)type);
	wr_u32(&out, u32_from(n));
}

static void close_parts(struct sealed_writer *w)
{
	if (w->data_n > 0)
		part_head(w->block + w->data_at, PART_DATA, w->data_n);
	w->data_n = 0;
	w->fill_n = 0;
}

static ch_err frame_write(struct sealed_writer *w, bool last)
{
	close_parts(w);
	TRY(frames_put(w->frames, w->n, last));
	w->block = frames_block(w->frames);
	w->n = 0;
	return CH_DONE;
}

/* Room for n bytes more in the block, in one piece. */
static ch_err have_room(struct sealed_writer *w, size_t n)
{
	return DUMP_FRAME_MAX - w->n < n ? frame_write(w, false) : CH_DONE;
}

/* Room for data in the part that is open, or in a new one; never none. */
static ch_err data_room(struct sealed_writer *w, size_t n, uint8_t **ret_p, size_t *ret_n)
{
	if (w->data_n == 0) {
		TRY(have_room(w, PART_BYTES_HEAD + 1));
		close_parts(w);
		w->data_at = w->n;
	}
	size_t at = w->data_n ? w->n : w->n + PART_BYTES_HEAD, room = DUMP_FRAME_MAX - at;
	*ret_p = w->block + at;
	*ret_n = n < room ? n : room;
	return CH_DONE;
}

static ch_err data_filled(struct sealed_writer *w, size_t n)
{
	if (w->data_n == 0 && n > 0)
		w->n += PART_BYTES_HEAD;
	w->n += n;
	w->data_n += n;
	return w->n == DUMP_FRAME_MAX ? frame_write(w, false) : CH_DONE;
}

static ch_err data_put(struct sealed_writer *w, bytes b)
{
	while (b.n > 0) {
		uint8_t *p = NULL;
		size_t n = 0;
		TRY(data_room(w, b.n, &p, &n));
		mem_copy(p, b.p, n);
		TRY(data_filled(w, n));
		b = (bytes){ b.p + n, b.n - n };
	}
	return CH_DONE;
}

static ch_err fill_put(struct sealed_writer *w, uint8_t with, uint64_t n)
{
	if (w->fill_n == 0 || w->fill_with != with) {
		TRY(have_room(w, PART_FILL_SIZE));
		close_parts(w);
		w->fill_at = w->n;
		w->n += PART_FILL_SIZE;
		w->fill_with = with;
	}
	w->fill_n += n;
	struct wr out = wr_of(w->block + w->fill_at, PART_FILL_SIZE);
	wr_u8(&out, PART_FILL);
	wr_u8(&out, with);
	wr_u64(&out, w->fill_n);
	return CH_DONE;
}

/* Every call but the first failing one leaves the writer usable. */
static ch_err begin_call(struct sealed_writer *w, uint64_t n)
{
	if (w->ended)
		return ch_fail(CH_E_USAGE, "this dump is written or has failed", 0);
	w->ended = true;
	if (!ck_add(w->core_bytes, n, &w->core_bytes))
		return ch_fail(CH_E_RANGE, "a core of more than 2^64 bytes", n);
	return CH_DONE;
}

ch_err sealed_put(struct sealed_writer *w, bytes b)
{
	TRY(begin_call(w, b.n));
	TRY(data_put(w, b));
	w->ended = false;
	return CH_DONE;
}

ch_err sealed_room(struct sealed_writer *w, size_t n, uint8_t **ret_p, size_t *ret_n)
{
	TRY(begin_call(w, 0));
	TRY(data_room(w, n, ret_p, ret_n));
	w->ended = false;
	return CH_DONE;
}

ch_err sealed_filled(struct sealed_writer *w, size_t n)
{
	TRY(begin_call(w, n));
	TRY(data_filled(w, n));
	w->ended = false;
	return CH_DONE;
}

ch_err sealed_fill(struct sealed_writer *w, uint8_t with, uint64_t n)
{
	uint8_t same[FILL_MIN];
	bool longer = w->fill_n > 0 && w->fill_with == with;
	TRY(begin_call(w, n));
	if (n >= FILL_MIN || (longer && n > 0)) {
		TRY(fill_put(w, with, n));
	} else {
		for (size_t i = 0; i < n; i++)
			same[i] = with;
		TRY(data_put(w, (bytes){ same, (size_t)n }));
	}
	w->ended = false;
	return CH_DONE;
}

static ch_err report_put(struct sealed_writer *w, bytes report)
{
	close_parts(w);
	while (report.n > 0) {
		TRY(have_room(w, PART_BYTES_HEAD + 1));
		size_t room = DUMP_FRAME_MAX - w->n - PART_BYTES_HEAD;
		size_t n = report.n < room ? report.n : room;
		part_head(w->block + w->n, PART_REPORT, n);
		mem_copy(w->block + w->n + PART_BYTES_HEAD, report.p, n);
		w->n += PART_BYTES_HEAD + n;
		report = (bytes){ report.p + n, report.n - n };
	}
	return CH_DONE;
}

ch_err sealed_end(struct sealed_writer *w, bytes report)
{
	if (report.n > DUMP_REPORT_MAX)
		return ch_fail(CH_E_LIMIT, "a report is longer than allowed", DUMP_REPORT_MAX);
	TRY(begin_call(w, 0));
	TRY(report_put(w, report));
	TRY(have_room(w, PART_END_SIZE));
	close_parts(w);
	struct wr out = wr_of(w->block + w->n, PART_END_SIZE);
	wr_u8(&out, PART_END);
	wr_u64(&out, w->core_bytes);
	w->n += PART_END_SIZE;
	return frame_write(w, true);
}
