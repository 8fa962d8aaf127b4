/* The frames of a dump on their way into its file: filled, compressed, sealed, written. A second
 * thread, where there is one, compresses and does nothing else: it sees plain blocks, and
 * neither the key nor the file. Frames are sealed and written in their order by one thread. */
#include <stdlib.h>
#include <zstd.h>

#include "base/ck.h"
#include "base/file.h"
#include "beside/beside.h"
#include "sealed_internal.h"

_Static_assert((int)PACKED_MAX == (int)ZSTD_COMPRESSBOUND(DUMP_FRAME_MAX), "bound");

enum {
	SLOTS = 4, /* one that is filled, one for each thread, and one more */
	GIVEN_MAX = 2
};

struct slot {
	size_t n, packed_n;
	bool given;   /* to the second thread, as its job … */
	uint64_t job; /* … of this number */
	uint8_t packed[PACKED_MAX];
	/* the block; once that is packed, its length and its sealed bytes */
	uint8_t block[FRAME_LENGTH + SEALED_MAX];
};

struct frames {
	int fd, level;
	ZSTD_CCtx *zstd, *zstd_beside;
	struct secret *stream;
	struct beside *beside;
	uint64_t first, next; /* to be written; to be filled */
	uint64_t given;       /* jobs */
	size_t n_slots;
	uint64_t file_bytes;
	uint8_t head[DUMP_HEAD_SIZE];
	struct slot *job[GIVEN_MAX]; /* by its number */
	struct slot slots[SLOTS];
};

void frames_done(struct frames **f)
{
	if (!*f)
		return;
	if ((*f)->beside)
		(void)beside_wait((*f)->beside, 0);
	(void)ZSTD_freeCCtx((*f)->zstd);
	(void)ZSTD_freeCCtx((*f)->zstd_beside);
	secret_done(&(*f)->stream);
	free(*f);
	*f = NULL;
}

static ch_err write_out(struct frames *f, bytes b)
{
	TRY(fd_write_all(f->fd, b));
	f->file_bytes += b.n;
	return CH_DONE;
}

static ch_err head_write(struct frames *f, const struct dump_public_key *to)
{
	struct wr out = wr_of(f->head, sizeof(f->head));
	wr_str(&out, DUMP_MAGIC);
	dump_key_id(to, wr_room(&out, KEY_ID_SIZE));
	TRY(sealed_stream_begin(to->p, wr_room(&out, SEALED_STREAM_HEAD), &f->stream));
	return write_out(f, BYTES_OF(f->head));
}

static ch_err zstd_start(int level, ZSTD_CCtx **ret_zstd)
{
	*ret_zstd = ZSTD_createCCtx();
	if (!*ret_zstd ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(*ret_zstd, ZSTD_c_compressionLevel, level)))
		return ch_fail(CH_E_NOMEM, "zstd does not start", level);
	return CH_DONE;
}

ch_err frames_new(int fd, const struct dump_public_key *to, int level, struct frames **ret_f)
{
	AUTO(frames_done) struct frames *f = calloc(1, sizeof(*f));
	if (!f)
		return ch_fail(CH_E_NOMEM, "no memory to seal a dump", sizeof(*f));
	f->fd = fd;
	f->level = level;
	f->n_slots = 1;
	TRY(zstd_start(level, &f->zstd));
	TRY(head_write(f, to));
	*ret_f = TAKE(f);
	return CH_DONE;
}

static ch_err pack(ZSTD_CCtx *zstd, struct slot *s)
{
	size_t n = ZSTD_compress2(zstd, s->packed, sizeof(s->packed), s->block, s->n);
	if (ZSTD_isError(n))
		return ch_fail(CH_E_INTERNAL, "zstd cannot compress", s->n);
	s->packed_n = n;
	return CH_DONE;
}

static ch_err pack_beside(void *of, uint64_t job)
{
	struct frames *f = of;
	return pack(f->zstd_beside, f->job[job % GIVEN_MAX]);
}

ch_err frames_help(struct frames *f, struct beside *b)
{
	TRY(zstd_start(f->level, &f->zstd_beside));
	beside_begin(b, pack_beside, f);
	f->beside = b;
	f->n_slots = SLOTS;
	return CH_DONE;
}

uint64_t frames_bytes(const struct frames *f)
{
	return f->file_bytes;
}

static struct slot *slot_of(struct frames *f, uint64_t frame)
{
	return &f->slots[frame % f->n_slots];
}

uint8_t *frames_block(struct frames *f)
{
	return slot_of(f, f->next)->block;
}

/* To the second thread, as long as that has little to do. */
static ch_err pack_somewhere(struct frames *f, struct slot *s)
{
	s->given = f->beside && beside_left(f->beside) < GIVEN_MAX;
	if (!s->given)
		return pack(f->zstd, s);
	s->job = f->given++;
	f->job[s->job % GIVEN_MAX] = s;
	beside_give(f->beside);
	return CH_DONE;
}

static bool is_packed(struct frames *f, const struct slot *s)
{
	return !s->given || f->given - s->job > beside_left(f->beside);
}

static ch_err seal(struct frames *f, struct slot *s, bool last)
{
	if (s->given)
		TRY(beside_wait(f->beside, f->given - s->job - 1));
	TRY(sealed_stream_put(f->stream, BYTES_OF(f->head), (bytes){ s->packed, s->packed_n }, last,
			      s->block + FRAME_LENGTH));
	size_t n = s->packed_n + SEALED_STREAM_OVERHEAD;
	struct wr out = wr_of(s->block, FRAME_LENGTH);
	wr_u32(&out, u32_from(n));
	return write_out(f, (bytes){ s->block, FRAME_LENGTH + n });
}

ch_err frames_put(struct frames *f, size_t n, bool last)
{
	struct slot *s = slot_of(f, f->next);
	s->n = n;
	TRY(pack_somewhere(f, s));
	f->next++;
	while (f->first < f->next) {
		s = slot_of(f, f->first);
		bool full = f->next - f->first == f->n_slots;
		if (!full && !last && !is_packed(f, s))
			break;
		f->first++;
		TRY(seal(f, s, last && f->first == f->next));
	}
	return CH_DONE;
}
