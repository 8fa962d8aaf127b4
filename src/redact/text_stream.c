/* Memory as it comes, in pieces of any size: where a fragment of a pattern is, Vectorscan finds
 * the anchors around it, and each is looked at once so much is there behind it that nothing more
 * can change the answer, or once the piece ends. What a piece cuts off is looked at again with
 * the next one.
 *
 * The memory is whatever a crashed program had and is believed in nothing. All work is
 * bounded: by TEXT_REACH for a match, by HITS_MAX matches that wait, and altogether by the size
 * of the memory: anchors may stand so close together that each is judged by what the next ones
 * are, too. When that was paid for too often, all that a match can reach is masked unseen. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "text_engine.h"
#include "text_gate.h"
#include "text_internal.h"
#include "text_length.h"

enum {
	SLICE = 32 * 1024,
	KEEP = TEXT_BEHIND + TEXT_REACH,
	BUFFER = 4 * SLICE,
	HITS_MAX = 4096,
	ROWS_MAX = 128,
	LARGE = 2 * SLICE,            /* such pieces are not copied */
	CREDIT_MAX = 4 * 1024 * 1024, /* in bytes that are looked through, some 20 ns each */
	BYTES_PER_CREDIT = 2,
	MATCH_COST = 64,
	NARROW_BEHIND = 512,
	NARROW = NARROW_BEHIND + TEXT_REACH / 2 + 1
};
_Static_assert(BUFFER > 2 * KEEP + SLICE, "what is kept moves to where it was not");
_Static_assert(2 * GATE_REACH + TEXT_BEHIND < KEEP, "what is scanned later was not passed");

struct hit {
	uint64_t end; /* address behind the match */
	uint16_t row;
	bool again, run; /* looked at before; the row's alphabet goes on here */
};

struct text_stream {
	hs_database_t *db;
	hs_stream_t *stream;
	hs_scratch_t *scratch;
	struct text_sink *sink;
	bool begun;
	/* addresses: what the stream of patterns has seen, and up to where it is to go on */
	uint64_t scanned_from, scanned_to, wanted_to;
	const uint8_t *seen; /* the buffer, or the piece that is fed */
	uint64_t base;       /* the address of seen[0] */
	size_t fill;
	size_t n_hits;
	uint16_t counted;        /* the row that has no pattern */
	uint64_t done[ROWS_MAX]; /* up to here each row's secrets were said */
	size_t credit;           /* for looking at matches */
	uint64_t unjudged;       /* matches for which there was none */
	/* what they reach, as addresses: said from `first` to `covered`, to be said up to cover_to */
	uint64_t covered, cover_to;
	str cover_name;
	struct hit hits[HITS_MAX];
	uint8_t narrow[NARROW];
	uint8_t buffer[BUFFER];
};

static uint64_t end_of(const struct text_stream *s)
{
	return s->base + s->fill;
}

/* --- looking at a match --- */

static ch_err say_run(struct text_stream *s, const struct text_row *row, uint64_t from, uint64_t to)
{
	for (; s->sink->span && from < to; from += TEXT_REACH) {
		uint64_t end = to - from > TEXT_REACH ? from + TEXT_REACH : to;
		struct span one = { from, end, row->kind, row->name };
		TRY(s->sink->span(s->sink, &one));
	}
	return CH_DONE;
}

/* A secret of no greatest length goes on at `from`, as far as its alphabet does. */
static ch_err run_on(struct text_stream *s, uint16_t row_at, uint64_t from)
{
	const struct text_row *row = text_row_at(row_at);
	size_t i = (size_t)(from - s->base);
	while (i < s->fill && text_is(s->seen[i], row->alphabet))
		i++;
	TRY(say_run(s, row, from, s->base + i));
	s->done[row_at] = s->base + i;
	if (i == s->fill && s->n_hits < HITS_MAX)
		s->hits[s->n_hits++] = (struct hit){ end_of(s), row_at, false, true };
	return CH_DONE;
}

/* Every second byte around the match, as far as the others are zero. */
static void narrow(struct text_stream *s, size_t at, struct text_job *j)
{
	size_t behind = 0, n = 0;
	while (behind < NARROW_BEHIND && at >= 2 * behind + 2 && !s->seen[at - 2 * behind - 1])
		behind++;
	size_t i = at - 2 * behind;
	for (; n + 1 < NARROW && i + 1 < s->fill && !s->seen[i + 1]; i += 2)
		s->narrow[n++] = s->seen[i];
	if (i + 1 < s->fill)
		s->narrow[n++] = 0; /* it ends here, whatever comes */
	j->work = n;
	j->v = (bytes){ s->narrow, n };
	j->at = behind;
	j->addr = s->base + at - 2 * behind;
	j->scale = 2;
}

static void view(struct text_stream *s, const struct hit *h, struct text_job *j)
{
	size_t at = (size_t)(h->end - s->base);
	if (j->row->flags & ROW_WIDE) {
		narrow(s, at, j);
		return;
	}
	size_t from = at > TEXT_BEHIND ? at - TEXT_BEHIND : 0;
	size_t to = s->fill - at > TEXT_REACH ? at + TEXT_REACH : s->fill;
	j->v = (bytes){ s->seen + from, to - from };
	j->at = at - from;
	j->addr = s->base + from;
	j->scale = 1;
}

/* --- matches that are not judged --- */

static bool is_texts(uint8_t c)
{
	return text_is(c, AL_VISIBLE) || text_is(c, AL_PEM);
}

/* Is it text at s->cover_to, also of two bytes a character? What has no greatest length goes on. */
static bool cover_goes_on(const struct text_stream *s)
{
	if (s->cover_to <= s->base || s->cover_to >= end_of(s))
		return false;
	const uint8_t *p = s->seen + (s->cover_to - s->base);
	bool wide = s->cover_to + 1 < end_of(s) && !p[0] && is_texts(p[-1]) && is_texts(p[1]);
	return is_texts(p[0]) || wide;
}

/* Masks all that they reach, as far as it is there. */
static ch_err say_cover(struct text_stream *s)
{
	while (cover_goes_on(s))
		s->cover_to++;
	uint64_t to = s->cover_to < end_of(s) ? s->cover_to : end_of(s);
	for (uint64_t end = 0; s->covered < to; s->covered = end) {
		end = to - s->covered > TEXT_REACH ? s->covered + TEXT_REACH : to;
		struct span one = { s->covered, end, VALUE_PASSWORD, s->cover_name };
		if (s->sink->span)
			TRY(s->sink->span(s->sink, &one));
	}
	return CH_DONE;
}

/* More memory may be in their reach. */
static bool cover_is_open(const struct text_stream *s)
{
	return s->cover_to >= end_of(s);
}

static ch_err cover(struct text_stream *s, const struct hit *h)
{
	const struct text_row *row = text_row_at(h->row);
	uint64_t behind = h->end - s->base < TEXT_BEHIND ? h->end - s->base : TEXT_BEHIND;
	s->unjudged++;
	if (row->flags & ROW_PUBLIC)
		return CH_DONE;
	if (h->end - behind > s->cover_to) {
		TRY(say_cover(s));
		s->covered = h->end - behind;
		s->cover_name = row->name;
	}
	if (h->end + TEXT_REACH > s->cover_to)
		s->cover_to = h->end + TEXT_REACH;
	return CH_DONE;
}

/* --- looking at a match, and at all of them --- */

static void pay(struct text_stream *s, size_t n)
{
	s->credit -= n < s->credit ? n : s->credit;
}

/* *ret_open: to be looked at again when there is more. */
static ch_err look(struct text_stream *s, const struct hit *h, bool *ret_open)
{
	*ret_open = false;
	if (h->run)
		return run_on(s, h->row, h->end);
	if (h->end <= s->done[h->row] && !h->again)
		return CH_DONE;
	struct text_job j = { .row = text_row_at(h->row), .sink = s->sink };
	if (s->credit < MATCH_COST && !(j.row->flags & ROW_COUNTED))
		return cover(s, h);
	j.kind = j.row->kind;
	view(s, h, &j);
	TRY(text_check(&j));
	pay(s, j.work + MATCH_COST);
	uint64_t to = j.addr + j.to * j.scale;
	if (j.to && to > s->done[h->row])
		s->done[h->row] = to;
	bool full = end_of(s) - h->end >= TEXT_REACH;
	*ret_open = j.open && !full;
	if (j.open && full && !j.row->max && j.to == j.v.n && j.scale == 1)
		return run_on(s, h->row, to);
	return CH_DONE;
}

/* Looks at the matches that have all that they need behind them, or, at the end of a piece,
 * at all of them. */
static ch_err drain(struct text_stream *s, bool all)
{
	size_t n = s->n_hits, kept = 0, i = 0;
	for (; i < n; i++) {
		struct hit h = s->hits[i];
		bool open = !all && end_of(s) - h.end < TEXT_REACH;
		if (!open) {
			TRY(look(s, &h, &open));
			h.again = true;
		}
		if (open)
			s->hits[kept++] = h;
	}
	/* what running on has put behind them */
	for (; i < s->n_hits; i++)
		s->hits[kept++] = s->hits[i];
	s->n_hits = kept;
	return say_cover(s);
}

/* --- scanning --- */

struct catcher {
	struct text_stream *s;
	ch_err failure;
};

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
		    void *context)
{
	struct catcher *c = context;
	struct text_stream *s = c->s;
	(void)from;
	(void)flags;
	if (s->n_hits == HITS_MAX && !failed(c->failure)) {
		/* somebody repeats anchors: those that wait are judged as they stand */
		c->failure = drain(s, true);
		s->n_hits = 0;
	}
	if (failed(c->failure))
		return 1;
	s->hits[s->n_hits++] = (struct hit){ s->scanned_from + to, (uint16_t)id, false, false };
	return 0;
}

static ch_err restart(struct text_stream *s, uint64_t addr)
{
	hs_error_t e = hs_reset_stream(s->stream, 0, NULL, NULL, NULL);
	s->scanned_from = s->scanned_to = s->wanted_to = addr;
	return e ? ch_fail(CH_E_INTERNAL, "resetting text patterns", e) : CH_DONE;
}

/* From where the patterns got to, as far as is wanted and there. */
static ch_err scan_on(struct text_stream *s)
{
	uint64_t to = s->wanted_to < end_of(s) ? s->wanted_to : end_of(s);
	if (to <= s->scanned_to)
		return CH_DONE;
	struct catcher c = { s, CH_DONE };
	const char *p = (const char *)s->seen + (s->scanned_to - s->base);
	unsigned n = (unsigned)(to - s->scanned_to);
	hs_error_t e = hs_scan_stream(s->stream, p, n, 0, s->scratch, on_match, &c);
	s->scanned_to = to;
	TRY(c.failure);
	return e ? ch_fail(CH_E_INTERNAL, "scanning for text patterns", e) : CH_DONE;
}

/* What may match around seen[at], and around what follows for GATE_REACH. */
static ch_err scan_around(struct text_stream *s, size_t at)
{
	uint64_t from = s->base + (at > GATE_REACH ? at - GATE_REACH : 0);
	if (from > s->scanned_to)
		TRY(restart(s, from));
	s->wanted_to = s->base + at + 2 * GATE_REACH;
	return scan_on(s);
}

/* Where a fragment was cut off by what was seen last, it is whole now. */
static ch_err scan_fragments(struct text_stream *s, size_t from)
{
	TRY(scan_on(s));
	from = from > GATE_BACK ? from - GATE_BACK : 0;
	for (size_t at = from; (at = gate_next(s->seen, at, s->fill)) < s->fill; at += GATE_REACH)
		TRY(scan_around(s, at));
	return CH_DONE;
}

/* What has no pattern. */
static ch_err scan_lengths(struct text_stream *s, size_t from)
{
	enum { SIZE = 4 };
	size_t at = from >= SIZE ? from - SIZE + 1 : 0;
	for (; (at = length_next(s->seen, at, s->fill)) < s->fill; at += SIZE) {
		struct catcher c = { s, CH_DONE };
		(void)on_match(s->counted, 0, s->base + at + SIZE - s->scanned_from, 0, &c);
		TRY(c.failure);
	}
	return CH_DONE;
}

/* Looks through the next n bytes of what is to be seen. */
static ch_err scan_next(struct text_stream *s, size_t n)
{
	size_t from = s->fill, credit = s->credit + n / BYTES_PER_CREDIT;
	s->fill += n;
	s->credit = credit < CREDIT_MAX ? credit : CREDIT_MAX;
	TRY(scan_fragments(s, from));
	TRY(scan_lengths(s, from));
	TRY(drain(s, false));
	uint64_t passed = s->fill > KEEP ? end_of(s) - KEEP : s->base;
	return s->sink->passed ? s->sink->passed(s->sink, passed) : CH_DONE;
}

/* Through the buffer, in which it joins what was before. */
static ch_err scan_joined(struct text_stream *s, bytes b)
{
	if (s->fill + b.n > BUFFER) {
		size_t gone = s->fill - KEEP;
		mem_copy(s->buffer, s->buffer + gone, KEEP);
		s->base += gone;
		s->fill = KEEP;
	}
	mem_copy(s->buffer + s->fill, b.p, b.n);
	return scan_next(s, b.n);
}

/* What waits is by now all in b, at least TEXT_BEHIND from its start: the rest is looked at
 * where it is, and only its end copied. */
static ch_err scan_in_place(struct text_stream *s, bytes b)
{
	s->base = end_of(s) - KEEP;
	s->seen = b.p;
	s->fill = KEEP;
	while (s->fill < b.n)
		TRY(scan_next(s, b.n - s->fill < SLICE ? b.n - s->fill : SLICE));
	TRY(drain(s, true));
	mem_copy(s->buffer, b.p + b.n - KEEP, KEEP);
	s->base = end_of(s) - KEEP;
	s->seen = s->buffer;
	s->fill = KEEP;
	return CH_DONE;
}

static ch_err begin(struct text_stream *s, uint64_t addr)
{
	s->begun = true;
	s->seen = s->buffer;
	s->base = addr;
	s->fill = 0;
	s->n_hits = 0;
	s->covered = s->cover_to = 0;
	mem_zero(s->done, sizeof(s->done));
	return restart(s, addr);
}

static ch_err feed(struct text_stream *s, bytes b)
{
	if (b.n >= LARGE) {
		TRY(scan_joined(s, (bytes){ b.p, KEEP }));
		return scan_in_place(s, b);
	}
	while (b.n) {
		size_t n = b.n < SLICE ? b.n : SLICE;
		TRY(scan_joined(s, (bytes){ b.p, n }));
		b = (bytes){ b.p + n, b.n - n };
	}
	return drain(s, true);
}

ch_err text_stream_feed(struct text_stream *s, uint64_t addr, bytes b, struct text_sink *sink)
{
	s->sink = sink;
	if (!s->begun || addr != end_of(s))
		TRY(begin(s, addr));
	ch_err e = feed(s, b);
	/* what failed half-way has no place to go on from */
	if (failed(e))
		s->begun = false;
	TRY(e);
	return sink->passed ? sink->passed(sink, UINT64_MAX) : CH_DONE;
}

bool text_stream_open(const struct text_stream *s)
{
	return s->n_hits > 0 || cover_is_open(s);
}

uint64_t text_stream_unjudged(const struct text_stream *s)
{
	return s->unjudged;
}

/* --- its life --- */

static ch_err open_stream(struct text_stream *s)
{
	TRY(text_load(&s->db));
	hs_error_t e = hs_alloc_scratch(s->db, &s->scratch);
	if (!e)
		e = hs_open_stream(s->db, 0, &s->stream);
	return e ? ch_fail(CH_E_NOMEM, "text patterns", e) : CH_DONE;
}

ch_err text_stream_new(struct text_stream **ret_s)
{
	AUTO(text_stream_done) struct text_stream *s = calloc(1, sizeof(*s));
	if (!s)
		return ch_fail(CH_E_NOMEM, "text patterns", sizeof(*s));
	if (text_rows_count() > ROWS_MAX)
		return ch_fail(CH_E_INTERNAL, "more text patterns than there is room for", 0);
	s->credit = CREDIT_MAX;
	uint16_t n = (uint16_t)text_rows_count();
	for (uint16_t i = 0; i < n; i++)
		if (text_row_at(i)->flags & ROW_COUNTED)
			s->counted = i;
	TRY(open_stream(s));
	*ret_s = TAKE(s);
	return CH_DONE;
}

void text_stream_done(struct text_stream **s)
{
	if (!*s)
		return;
	if ((*s)->stream)
		(void)hs_close_stream((*s)->stream, NULL, NULL, NULL);
	hs_free_database((*s)->db);
	hs_free_scratch((*s)->scratch);
	mem_wipe(*s, sizeof(**s));
	free(*s);
	*s = NULL;
}
