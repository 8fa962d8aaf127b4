/* The hot loop: the quick hash at every fourth byte, a bitmap of 16 KB that fits the nearest cache, then
 * the list of windows, and the slow hash when all 24 bits agree. It reads hostile bytes:
 * what they collide with hangs on a key that they do not know, and the checks are counted. */
#include <stdlib.h>

#include "fingerprint_internal.h"

enum {
	MAP_BITS = 17,
	BUCKET_BITS = 12,
	CACHE_SIZE = 4096,
	CHUNK = 32 * 1024,
	STEP = 64,
	/* so much before a seam is looked at again: the places looked at fall differently on
	 * either side, and what lay across would be given in part */
	AGAIN = 256,
	AGAIN_RAW = 2 * WINDOW,
	CHECKS_FREE = 4096,
	CHECKS_FACTOR = 16,
	NO_WINDOW = UINT16_MAX,
};

struct known_false {
	bool is;
	uint8_t window[WINDOW];
};

struct fingerprint_scan {
	struct view_taker views; /* first: views.c gives it back */
	struct fingerprints set; /* windows in the order of their buckets */
	uint64_t map[(1 << MAP_BITS) / 64];
	uint16_t first[(1 << BUCKET_BITS) + 1];
	size_t stride;
	/* what was checked: a window that was seen once, and recent ones that are none */
	bool seen[FINGERPRINTS_MAX];
	uint8_t seen_as[FINGERPRINTS_MAX][WINDOW];
	struct known_false cache[CACHE_SIZE];
	uint64_t checks, false_checks, scanned;
	/* the stream from at - hold on; all that ends before `done` was looked at */
	uint64_t at, done, base; /* base: of room[0] */
	size_t hold;
	uint8_t room[FINGERPRINT_HOLD + CHUNK];
	struct match_taker *taker;
	struct fingerprint_match match; /* n == 0: none */
};

static void sort_windows(const struct fingerprints *f, struct fingerprint_scan *s)
{
	static const unsigned shift = FINGERPRINT_BITS - BUCKET_BITS;
	uint16_t next[1 << BUCKET_BITS];
	for (size_t i = 0; i < f->n_windows; i++)
		s->first[(f->windows[i].bits >> shift) + 1]++;
	for (size_t i = 0; i < COUNT_OF(next); i++) {
		next[i] = s->first[i];
		s->first[i + 1] = (uint16_t)(s->first[i + 1] + s->first[i]);
	}
	for (size_t i = 0; i < f->n_windows; i++) {
		const struct window *w = &f->windows[i];
		uint32_t bit = w->bits >> (FINGERPRINT_BITS - MAP_BITS);
		s->set.windows[next[w->bits >> shift]++] = *w;
		s->map[bit / 64] |= UINT64_C(1) << bit % 64;
		if (w->alone)
			s->stride = 1;
	}
}

static ch_err on_view(struct view_taker *t, const struct view *v, unsigned depth);

ch_err fingerprint_scan_new(const struct fingerprints *f, struct fingerprint_scan **ret_s)
{
	struct fingerprint_scan *s = calloc(1, sizeof(*s));
	if (!s)
		return ch_fail(CH_E_NOMEM, "no memory to look for what is registered", sizeof(*s));
	s->set = *f;
	s->stride = STRIDE;
	s->views.take = on_view;
	sort_windows(f, s);
	*ret_s = s;
	return CH_DONE;
}

void fingerprint_scan_done(struct fingerprint_scan **s)
{
	if (*s)
		mem_wipe(*s, sizeof(**s));
	free(*s);
	*s = NULL;
}

uint64_t fingerprint_scan_checks(const struct fingerprint_scan *s)
{
	return s->checks;
}

static ch_err flush(struct fingerprint_scan *s)
{
	struct fingerprint_match m = s->match;
	s->match.n = 0;
	return m.n ? s->taker->take(s->taker, &m) : CH_DONE;
}

static ch_err found(struct fingerprint_scan *s, const struct owner *o, uint64_t from, uint64_t to)
{
	struct fingerprint_match *m = &s->match;
	/* one byte between: the zero of UTF-16, or a line break */
	if (m->n && m->label.p == o->label && from >= m->from && from <= m->from + m->n + 1) {
		if (to > m->from + m->n)
			m->n = to - m->from;
		return CH_DONE;
	}
	TRY(flush(s));
	*m = (struct fingerprint_match){ from, to - from, owner_label(o), o->weak };
	return CH_DONE;
}

/* The slow check, of all windows with these bits. */
static size_t check(struct fingerprint_scan *s, const uint8_t *p, uint32_t bits, size_t from,
		    size_t to)
{
	uint8_t slow[SLOW_SIZE];
	slow_hash(s->set.key, p, slow);
	s->checks++;
	for (size_t i = from; i < to; i++) {
		const struct window *w = &s->set.windows[i];
		if (w->bits != bits || !mem_eq(w->slow, slow, SLOW_SIZE))
			continue;
		s->seen[i] = true;
		mem_copy(s->seen_as[i], p, WINDOW);
		return i;
	}
	s->false_checks++;
	return NO_WINDOW;
}

static ch_err is_bounded(const struct fingerprint_scan *s)
{
	uint64_t chance = (s->scanned >> FINGERPRINT_BITS) * s->set.n_windows;
	if (s->false_checks <= CHECKS_FREE + CHECKS_FACTOR * (chance + s->set.n_windows))
		return CH_DONE;
	return ch_fail(CH_E_LIMIT, "memory meets the registry more often than by chance",
		       s->false_checks);
}

/* Which window is it? NO_WINDOW for nearly all. */
static ch_err window_of(struct fingerprint_scan *s, const uint8_t *p, uint32_t bits,
			size_t *ret_window)
{
	uint32_t bucket = bits >> (FINGERPRINT_BITS - BUCKET_BITS);
	size_t from = s->first[bucket], to = s->first[bucket + 1];
	bool any = false;
	*ret_window = NO_WINDOW;
	for (size_t i = from; i < to; i++) {
		if (s->set.windows[i].bits != bits)
			continue;
		any = true;
		if (s->seen[i] && mem_eq(s->seen_as[i], p, WINDOW)) {
			*ret_window = i;
			return CH_DONE;
		}
	}
	struct known_false *k = &s->cache[(bits ^ load_le32(p) * 0x9e3779b1U) % CACHE_SIZE];
	if (!any || (k->is && mem_eq(k->window, p, WINDOW)))
		return CH_DONE;
	*ret_window = check(s, p, bits, from, to);
	if (*ret_window != NO_WINDOW)
		return CH_DONE;
	k->is = true;
	mem_copy(k->window, p, WINDOW);
	return is_bounded(s);
}

/* The window of v at i has bits that are registered. */
static __attribute__((noinline)) ch_err candidate(struct fingerprint_scan *s, const struct view *v,
						  size_t i, uint32_t bits)
{
	uint64_t base = s->base;
	size_t index = NO_WINDOW, last = i + WINDOW - 1;
	if (base + view_end(v, last) + AGAIN <= s->done)
		return CH_DONE;
	TRY(window_of(s, v->p + i, bits, &index));
	if (index == NO_WINDOW)
		return CH_DONE;
	const struct window *w = &s->set.windows[index];
	size_t first = i - (w->before < i ? w->before : i), left = v->n - 1 - last;
	last += w->after < left ? w->after : left;
	uint64_t from = base + view_at(v, first), to = base + view_end(v, last);
	return found(s, &s->set.owners[w->owner], from, to);
}

static inline ch_err scan_step(struct fingerprint_scan *s, const struct view *v, size_t i,
			       size_t to, size_t stride)
{
	const struct quick_key q = s->set.quick;
	const uint64_t *map = s->map;
	const uint8_t *p = v->p;
	for (; i < to; i += stride) {
		uint32_t bits = quick_hash(&q, p + i);
		uint32_t bit = bits >> (FINGERPRINT_BITS - MAP_BITS);
		if (__builtin_expect(map[bit / 64] >> bit % 64 & 1, 0))
			TRY(candidate(s, v, i, bits));
	}
	return CH_DONE;
}

/* Every window of v from the byte i on, or one of four. */
static ch_err scan_view(struct fingerprint_scan *s, const struct view *v, size_t i)
{
	size_t windows = v->n < WINDOW ? 0 : v->n - WINDOW + 1;
	s->scanned += windows / s->stride;
	while (i < windows) {
		size_t to = i + STEP < windows ? i + STEP : windows;
		if (load_le64(v->p + i) != 0 ||
		    !bytes_are_zero((bytes){ v->p + i, to - i + WINDOW - 1 })) {
			/* apart, so that the step is a number that the compiler knows */
			if (s->stride == 1)
				TRY(scan_step(s, v, i, to, 1));
			else
				TRY(scan_step(s, v, i, to, STRIDE));
		}
		i = to;
	}
	return CH_DONE;
}

static ch_err on_view(struct view_taker *t, const struct view *v, unsigned depth)
{
	struct fingerprint_scan *s = (struct fingerprint_scan *)t;
	TRY(scan_view(s, v, 0));
	return views_of(v, depth, t);
}

static ch_err feed_chunk(struct fingerprint_scan *s, bytes b)
{
	const struct view v = { .p = s->room, .n = s->hold + b.n };
	s->base = s->at - s->hold;
	s->at += b.n;
	if (bytes_are_zero(b) && bytes_are_zero((bytes){ s->room, s->hold })) {
		s->done = s->at;
		return CH_DONE;
	}
	mem_copy(s->room + s->hold, b.p, b.n);
	TRY(scan_view(s, &v, s->hold < AGAIN_RAW ? 0 : s->hold - AGAIN_RAW));
	TRY(views_of(&v, 0, &s->views));
	size_t keep = v.n < FINGERPRINT_HOLD ? v.n : FINGERPRINT_HOLD;
	mem_move(s->room, s->room + v.n - keep, keep);
	s->hold = keep;
	s->done = s->at;
	return CH_DONE;
}

ch_err fingerprint_scan_feed(struct fingerprint_scan *s, uint64_t at, bytes b,
			     struct match_taker *t)
{
	if (s->set.n_windows == 0)
		return CH_DONE;
	if (at != s->at) {
		s->at = s->done = at;
		s->hold = 0;
	}
	s->taker = t;
	while (b.n > 0) {
		size_t n = b.n < CHUNK ? b.n : CHUNK;
		TRY(feed_chunk(s, (bytes){ b.p, n }));
		b = (bytes){ b.p + n, b.n - n };
	}
	return flush(s);
}
