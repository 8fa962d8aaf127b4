/* Which memory looks random, as runs of addresses. The memory is a crashed program's: it may
 * hold any number of such places, so the table is fixed; runs that lie near each other become
 * one when it is full. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "noise.h"
#include "room.h"

enum {
	RUNS_MAX = 32 * 1024,
	GAP = 2 * NOISE_MARGIN,
	PIECE = NOISE_PIECE_MAX - 2 * NOISE_MARGIN,
	PAGE = 4096
};

struct run {
	uint64_t from, to;
};

struct noise {
	size_t n;
	uint64_t seen; /* bytes shown that are not zeros */
	uint64_t gap;  /* runs that are not farther apart are one */
	struct run runs[RUNS_MAX];
	uint8_t p[NOISE_PIECE_MAX]; /* of a walk */
	uint64_t bits[NOISE_PIECE_MAX / NOISE_BLOCK + 2];
};

ch_err noise_new(struct noise **ret_n)
{
	void *p = NULL;
	TRY(room_new(sizeof(struct noise), &p));
	*ret_n = p;
	(*ret_n)->gap = GAP;
	return CH_DONE;
}

void noise_done(struct noise **n)
{
	room_done(*n, sizeof(**n));
	*n = NULL;
}

/* 3 of 4 in a row, anywhere, of which at most one is like the one behind it. */
static bool noisy(struct noise_masks m)
{
	uint64_t a = m.noise >> 1, b = m.noise >> 2, c = m.noise >> 3;
	uint64_t many = (m.noise & a & b) | (m.noise & c & (a | b));
	uint64_t like = m.alike & m.noise & a, x = like >> 1, y = like >> 2, z = like >> 3;
	return many & ~((like & (x | y | z)) | (x & (y | z)) | (y & z));
}

/* The last 3 limbs of one block and the first 3 of the next. */
static bool noisy_across(struct noise_masks last, struct noise_masks now)
{
	return noisy((struct noise_masks){ (last.noise >> 61 | now.noise << 3) & 0x3f,
					   (last.alike >> 61 | now.alike << 3) & 0x3f });
}

static void merge(struct noise *n)
{
	size_t kept = 0;
	n->gap *= 2;
	for (size_t i = 1; i < n->n; i++) {
		if (n->runs[i].from - n->runs[kept].to <= n->gap)
			n->runs[kept].to = n->runs[i].to;
		else
			n->runs[++kept] = n->runs[i];
	}
	n->n = kept + 1;
}

static void keep(struct noise *n, uint64_t from, uint64_t to)
{
	struct run *last = n->n ? &n->runs[n->n - 1] : NULL;
	if (last && from <= last->to + n->gap) {
		last->to = to > last->to ? to : last->to;
		return;
	}
	while (n->n == RUNS_MAX)
		merge(n);
	n->runs[n->n++] = (struct run){ from, to };
}

void noise_see(struct noise *n, const struct window *w)
{
	/* code that nothing writes to */
	if (w->load && (w->load->flags & (CORE_EXEC | CORE_WRITE)) == CORE_EXEC)
		return;
	/* what began in the window before may be noisy only with what follows */
	size_t at = w->seen > NOISE_BLOCK ? (w->seen - NOISE_BLOCK) / NOISE_LIMB * NOISE_LIMB : 0;
	struct noise_masks last = { 0 };
	while (at < w->n) {
		size_t size = w->n - at < NOISE_BLOCK ? w->n - at : NOISE_BLOCK;
		struct noise_masks now = noise_masks(w->p + at, w->n - at);
		bool across = noisy_across(last, now);
		/* a sample tells what was never written to */
		bool written = size < NOISE_BLOCK || load_le64(w->p + at) ||
			       load_le64(w->p + at + size / 2);
		n->seen += written ? size : 0;
		if (across || noisy(now))
			keep(n, w->addr + at - (across ? 3 * NOISE_LIMB : 0), w->addr + at + size);
		last = now;
		at += size;
	}
}

void noise_join(struct noise *n, const struct noise *later)
{
	n->seen += later->seen;
	n->gap = later->gap > n->gap ? later->gap : n->gap;
	for (size_t i = 0; i < later->n; i++)
		keep(n, later->runs[i].from, later->runs[i].to);
}

unsigned noise_scale(const struct noise *n)
{
	enum { STEP = 256 * 1024 * 1024, SCALE_MAX = 64 };
	uint64_t steps = n->seen / STEP + 1;
	return steps < SCALE_MAX ? (unsigned)steps : SCALE_MAX;
}

/* As much of [from, to + NOISE_MARGIN) as can be read in one piece, into p. */
static ch_err read_all(struct core_memory *m, uint64_t from, uint64_t to, uint8_t *p, size_t *ret_n)
{
	size_t n = 0, got = 1;
	to = to > UINT64_MAX - NOISE_MARGIN ? to : to + NOISE_MARGIN;
	while (got && n < to - from) {
		TRY(m->read(m, from + n, p + n, (size_t)(to - from) - n, &got));
		n += got;
	}
	*ret_n = n;
	return CH_DONE;
}

static void bits_of(const uint8_t *p, size_t n, uint64_t *bits)
{
	size_t at = 0;
	for (; at < n; at += NOISE_BLOCK)
		*bits++ = noise_bits(p + at, n - at < NOISE_BLOCK ? n - at : NOISE_BLOCK);
	*bits = 0;
}

/* One piece from `at` on; *ret_next: where the next begins. */
static ch_err walk_piece(struct noise *n, struct core_memory *m, struct noise_taker *t,
			 struct run r, uint64_t *ret_next)
{
	uint64_t before = r.from < NOISE_MARGIN ? r.from : NOISE_MARGIN, start = r.from - before;
	uint64_t to = r.to - r.from < PIECE ? r.to : r.from + PIECE;
	size_t got = 0;
	TRY(read_all(m, start, to, n->p, &got));
	if (got <= before && before) {
		/* nothing is mapped right before it */
		start = r.from;
		before = 0;
		TRY(read_all(m, start, to, n->p, &got));
	}
	*ret_next = got ? to : r.from + PAGE - r.from % PAGE;
	struct noise_piece piece = {
		start,  n->p, got / NOISE_LIMB * NOISE_LIMB, (size_t)before, (size_t)(to - start),
		n->bits
	};
	piece.to = piece.to < piece.n ? piece.to : piece.n;
	if (piece.from >= piece.to)
		return CH_DONE;
	bits_of(n->p, piece.n, n->bits);
	if (start + got < to)
		*ret_next = start + got + PAGE - (start + got) % PAGE;
	return t->take(t, &piece);
}

ch_err noise_walk(struct noise *n, struct core_memory *m, struct noise_taker *t)
{
	for (size_t i = 0; i < n->n; i++) {
		struct run r = n->runs[i];
		uint64_t next = r.to;
		for (; r.from < r.to; r.from = next) {
			TRY(walk_piece(n, m, t, r, &next));
			if (next <= r.from) /* around the end of addresses */
				break;
		}
	}
	return CH_DONE;
}
