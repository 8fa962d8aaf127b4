/* See text_kit.h. */
#include <stdlib.h>

#include <assert.h>

#include "text_kit.h"

static struct said *of(struct text_sink *s)
{
	return (struct said *)(void *)((char *)s - offsetof(struct said, sink));
}

static ch_err take(struct span_taker *t, const struct span *one)
{
	struct said *s = (struct said *)(void *)((char *)t - offsetof(struct said, taker));
	s->unordered = s->unordered || one->to < s->last_end;
	s->last_end = one->to;
	if (one->from < s->addr || one->to > s->addr + s->n || one->from >= one->to ||
	    one->to - one->from > SPAN_MAX) {
		s->outside = true;
		return CH_DONE;
	}
	if (s->spans < SAID_SPANS)
		s->list[s->spans++] = *one;
	for (uint64_t i = one->from; i < one->to; i++)
		s->masked[i - s->addr] = 1;
	return CH_DONE;
}

static ch_err value(struct text_sink *sink, const struct value *one)
{
	return values_add(of(sink)->values, one);
}

static ch_err learn(struct text_sink *sink, enum public_kind kind, bytes is)
{
	return publics_add(of(sink)->publics, kind, is);
}

struct said *said_new(uint64_t addr, size_t n)
{
	struct said *s = calloc(1, sizeof(*s));
	assert(s && n <= SAID_MAX);
	ch_err e = values_new(&s->values);
	assert(!failed(e));
	e = publics_new(&s->publics);
	assert(!failed(e));
	s->sink = (struct text_sink){ NULL, value, learn, NULL };
	s->taker = (struct span_taker){ take };
	s->addr = addr;
	s->n = n;
	return s;
}

void said_free(struct said *s)
{
	values_done(&s->values);
	publics_done(&s->publics);
	free(s);
}

static size_t piece_at(size_t at, size_t n, size_t piece, size_t cut)
{
	size_t most = piece ? piece : at < cut ? cut - at : n - at;
	return most < n - at ? most : n - at;
}

void said_spans(struct said *s, bytes memory, size_t piece, size_t cut)
{
	struct text_spans *t = NULL;
	ch_err e = text_spans_new(&t);
	assert(!failed(e));
	for (size_t at = 0, n = 0; at < memory.n; at += n) {
		n = piece_at(at, memory.n, piece, cut);
		s->last_end = 0;
		e = text_spans_feed(t, s->addr + at, (bytes){ memory.p + at, n }, &s->taker);
		assert(!failed(e));
	}
	text_spans_done(&t);
}

void said_feed(struct said *s, bytes memory, size_t piece, size_t cut)
{
	struct text_stream *t = NULL;
	said_spans(s, memory, piece, cut);
	ch_err e = text_stream_new(&t);
	assert(!failed(e));
	for (size_t at = 0, n = 0; at < memory.n; at += n) {
		n = piece_at(at, memory.n, piece, cut);
		e = text_stream_feed(t, s->addr + at, (bytes){ memory.p + at, n }, &s->sink);
		assert(!failed(e));
	}
	text_stream_done(&t);
}

bool said_all(const struct said *s, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (!s->masked[i])
			return false;
	return true;
}

bool said_none(const struct said *s, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (s->masked[i])
			return false;
	return true;
}

bool said_by(const struct said *s, str row)
{
	for (size_t i = 0; i < s->spans; i++)
		if (str_eq(s->list[i].finder, row))
			return true;
	return false;
}

bool said_value(const struct said *s, bytes is)
{
	for (size_t i = 0; i < values_count(s->values); i++)
		if (bytes_eq(values_at(s->values, i)->is, is))
			return true;
	return false;
}

bool said_kind(const struct said *s, enum value_kind kind)
{
	for (size_t i = 0; i < values_count(s->values); i++)
		if (values_at(s->values, i)->kind == kind)
			return true;
	return false;
}

static void put(struct planted *p, str text, bool wide)
{
	for (size_t i = 0; i < text.n; i++) {
		p->p[p->n++] = (uint8_t)text.p[i];
		if (wide)
			p->p[p->n++] = 0;
	}
}

/* What a heap is like: pointers and small numbers. */
static void fill(struct planted *p, size_t n)
{
	static const uint8_t heap[] = { 0x10, 0x32, 0xdc, 0xf7, 0xff, 0x7f, 0, 0, 1, 0, 0, 0,
					0,    0,    0,    0,    0xe8, 3,    0, 0, 0, 0, 0, 0 };
	for (size_t i = 0; i < n; i++)
		p->p[p->n++] = heap[i % sizeof(heap)];
}

void plant(const struct text_case *c, size_t filler, struct planted *ret_planted)
{
	bool wide = str_ends(c->row, LIT("-utf16"));
	ret_planted->n = 0;
	fill(ret_planted, filler);
	put(ret_planted, c->before, wide);
	ret_planted->from = ret_planted->n;
	put(ret_planted, c->secret, wide);
	ret_planted->to = ret_planted->n;
	put(ret_planted, c->after, wide);
	fill(ret_planted, filler);
}
