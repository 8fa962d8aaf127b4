/* Reads a sealed dump. Whoever wrote it may have been taken over, so that an intact seal
 * vouches for nothing inside: sizes are checked before anything is unpacked, and memory is
 * the same for every file. What is given out before the end was seen may be of a dump that
 * was cut off: the caller keeps it only when the report came. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

#include "base/ck.h"
#include "base/file.h"
#include "sealed_internal.h"

struct sealed_reader {
	int fd;
	ZSTD_DCtx *zstd;
	struct secret *stream;
	uint8_t head[DUMP_HEAD_SIZE];
	bool last;   /* the frame at hand is */
	bool over;   /* END was read */
	bool given;  /* and the report was given */
	bool broken; /* it failed once, and fails ever after */
	uint64_t core_bytes;
	struct rd parts; /* what is left of the frame at hand */
	size_t report_n;
	uint8_t report[DUMP_REPORT_MAX];
	uint8_t sealed[SEALED_MAX];
	uint8_t packed[PACKED_MAX];
	uint8_t plain[DUMP_FRAME_MAX];
};

void sealed_reader_done(struct sealed_reader **r)
{
	if (!*r)
		return;
	(void)ZSTD_freeDCtx((*r)->zstd);
	secret_done(&(*r)->stream);
	free(*r);
	*r = NULL;
}

static ch_err read_part(int fd, void *to, size_t n)
{
	ch_err e = fd_read_exactly(fd, to, n);
	return ch_code_of(e) == CH_E_TRUNCATED
		       ? ch_fail(CH_E_TRUNCATED, "the dump was cut off", e.detail)
		       : e;
}

static ch_err head_read(struct sealed_reader *r, const struct secret *private_key)
{
	struct dump_public_key ours;
	uint8_t id[KEY_ID_SIZE];
	TRY(read_part(r->fd, r->head, MAGIC_SIZE));
	if (!bytes_eq((bytes){ r->head, MAGIC_SIZE }, bytes_of_str(DUMP_MAGIC)))
		return ch_fail(CH_E_SYNTAX, "this file is no sealed dump", 0);
	TRY(read_part(r->fd, r->head + MAGIC_SIZE, DUMP_HEAD_SIZE - MAGIC_SIZE));
	TRY(dump_public_key_of(private_key, &ours));
	dump_key_id(&ours, id);
	if (!mem_eq(id, r->head + MAGIC_SIZE, KEY_ID_SIZE))
		return ch_fail(CH_E_SEALED, "the dump is sealed to another key", 0);
	return sealed_stream_open(private_key, r->head + MAGIC_SIZE + KEY_ID_SIZE, &r->stream);
}

ch_err sealed_reader_new(int fd, const struct secret *private_key, struct sealed_reader **ret_r)
{
	AUTO(sealed_reader_done) struct sealed_reader *r = calloc(1, sizeof(*r));
	if (!r)
		return ch_fail(CH_E_NOMEM, "no memory to open a dump", sizeof(*r));
	r->fd = fd;
	r->zstd = ZSTD_createDCtx();
	if (!r->zstd)
		return ch_fail(CH_E_NOMEM, "zstd does not start", 0);
	TRY(head_read(r, private_key));
	*ret_r = TAKE(r);
	return CH_DONE;
}

/* The one zstd frame that fills it, of a size that it names and that fits. */
static ch_err unpack(struct sealed_reader *r, size_t packed_n)
{
	unsigned long long claims = ZSTD_getFrameContentSize(r->packed, packed_n);
	/* the two errors that it knows are the two largest numbers */
	if (claims == 0 || claims > DUMP_FRAME_MAX)
		return ch_fail(CH_E_LIMIT, "a frame of the dump claims an impossible size", claims);
	size_t one = ZSTD_findFrameCompressedSize(r->packed, packed_n);
	if (ZSTD_isError(one) || one != packed_n)
		return ch_fail(CH_E_SYNTAX, "a frame of the dump is not one frame of zstd",
			       packed_n);
	size_t n = ZSTD_decompressDCtx(r->zstd, r->plain, sizeof(r->plain), r->packed, packed_n);
	if (ZSTD_isError(n) || n != claims)
		return ch_fail(CH_E_SYNTAX, "a frame of the dump does not unpack", packed_n);
	r->parts = rd_of((bytes){ r->plain, n });
	return CH_DONE;
}

static ch_err frame_read(struct sealed_reader *r)
{
	uint8_t length[FRAME_LENGTH];
	TRY(read_part(r->fd, length, sizeof(length)));
	struct rd in = rd_of(BYTES_OF(length));
	size_t n = rd_u32(&in);
	if (n <= SEALED_STREAM_OVERHEAD || n > SEALED_MAX)
		return ch_fail(CH_E_SEALED, "a frame of the dump has an impossible length", n);
	TRY(read_part(r->fd, r->sealed, n));
	TRY(sealed_stream_get(r->stream, BYTES_OF(r->head), (bytes){ r->sealed, n }, r->packed,
			      &r->last));
	return unpack(r, n - SEALED_STREAM_OVERHEAD);
}

/* A part as it stands in the block. */
struct part {
	uint8_t type;
	bytes data;
	uint8_t with;
	uint64_t n;
};

static ch_err part_read(struct rd *in, struct part *ret_p)
{
	struct part p = { .type = rd_u8(in) };
	if (p.type == PART_DATA || p.type == PART_REPORT) {
		p.data = rd_bytes32(in, DUMP_FRAME_MAX);
		p.n = p.data.n;
	} else if (p.type == PART_FILL) {
		p.with = rd_u8(in);
		p.n = rd_u64(in);
	} else if (p.type == PART_END) {
		p.n = rd_u64(in);
	} else {
		in->bad = true;
	}
	if (in->bad || (p.n == 0 && p.type != PART_END))
		return ch_fail(CH_E_SYNTAX, "a frame of the dump is not well formed", p.type);
	*ret_p = p;
	return CH_DONE;
}

static ch_err core_part(struct sealed_reader *r, const struct part *p,
			struct sealed_piece *ret_piece)
{
	if (r->report_n > 0)
		return ch_fail(CH_E_SYNTAX, "a dump goes on behind its report", 0);
	if (!ck_add(r->core_bytes, p->n, &r->core_bytes))
		return ch_fail(CH_E_RANGE, "a core of more than 2^64 bytes", p->n);
	*ret_piece = (struct sealed_piece){
		.data = p->data, .with = p->with, .n = p->n, .is_fill = p->type == PART_FILL
	};
	return CH_DONE;
}

static ch_err report_part(struct sealed_reader *r, bytes b)
{
	if (b.n > sizeof(r->report) - r->report_n)
		return ch_fail(CH_E_LIMIT, "a report is longer than allowed", sizeof(r->report));
	mem_copy(r->report + r->report_n, b.p, b.n);
	r->report_n += b.n;
	return CH_DONE;
}

static ch_err end_part(struct sealed_reader *r, uint64_t says)
{
	uint8_t extra = 0;
	if (!r->last || rd_left(&r->parts) > 0 || says != r->core_bytes)
		return ch_fail(CH_E_SYNTAX, "a dump ends where it cannot", says);
	ch_err e = read_part(r->fd, &extra, 1);
	if (!failed(e))
		return ch_fail(CH_E_TRAILING, "something stands behind the dump's end", 0);
	r->over = ch_code_of(e) == CH_E_TRUNCATED;
	return r->over ? CH_DONE : e;
}

/* One part; *ret_given: it is a piece for the caller. */
static ch_err step(struct sealed_reader *r, struct sealed_piece *ret_piece, bool *ret_given)
{
	struct part p = { 0 };
	if (rd_left(&r->parts) == 0) {
		if (r->last)
			return ch_fail(CH_E_SYNTAX, "a dump's last frame has no end", 0);
		TRY(frame_read(r));
	}
	TRY(part_read(&r->parts, &p));
	if (p.type == PART_REPORT)
		return report_part(r, p.data);
	if (p.type == PART_END)
		return end_part(r, p.n);
	*ret_given = true;
	return core_part(r, &p, ret_piece);
}

static ch_err next(struct sealed_reader *r, struct sealed_piece *ret_piece)
{
	bool given = false;
	while (!r->over && !given)
		TRY(step(r, ret_piece, &given));
	if (given)
		return CH_DONE;
	if (r->given)
		return ch_fail(CH_E_NOT_FOUND, "the dump is over", 0);
	r->given = true;
	*ret_piece = (struct sealed_piece){ .data = { r->report, r->report_n },
					    .n = r->report_n,
					    .is_report = true };
	return CH_DONE;
}

ch_err sealed_next(struct sealed_reader *r, struct sealed_piece *ret_piece)
{
	if (r->broken)
		return ch_fail(CH_E_SEALED, "this dump has failed before", 0);
	ch_err e = next(r, ret_piece);
	r->broken = failed(e) && ch_code_of(e) != CH_E_NOT_FOUND;
	return e;
}
