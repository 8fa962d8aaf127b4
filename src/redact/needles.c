/* Looks for needles in memory. The memory may hold anything, long repetitions that agree with
 * many needles among it: what was found is not looked at again, so that time stays
 * in proportion. A needle that would go on behind the text waits for more of it. */
#include "needles.h"

#include <assert.h>

#include "needles_internal.h"

enum { BLOCK = 4096, OVERLAP = 24 };

/* The memory, and who wants the hits. */
struct look {
	struct needles *n;
	const struct needle_text *text;
	struct hit_taker *taker;
	uint64_t skip;             /* what lies before this address was found already */
	uint64_t hit_from, hit_to; /* the last hit */
};

/* A run of bytes that agree with a form: offsets in the text. */
struct run {
	size_t from, to;
	bool open; /* it reaches the end of the text, and the form goes on */
};

void needles_restart(struct needles *n, uint64_t addr)
{
	n->next = (addr + 7) / 8 * 8;
	n->n_open = 0;
}

/* The longest run through text[at .. at + known), which agrees with the form from `offset` on. */
static struct run run_of(const struct look *l, struct needle_ref ref, size_t at, size_t known)
{
	const struct form_value *v = &l->n->values[ref.value].is;
	const uint8_t *p = l->text->p;
	size_t size = form_size(ref.form, v), offset = (size_t)ref.offset;
	struct run r = { at, at + known, false };
	for (size_t i = offset; r.from && i && p[r.from - 1] == form_byte(ref.form, v, i - 1); i--)
		r.from--;
	size_t i = offset + known;
	for (; r.to < l->text->n && i < size && p[r.to] == form_byte(ref.form, v, i); i++)
		r.to++;
	r.open = r.to == l->text->n && i < size && !l->text->last;
	return r;
}

/* Does the text at `at` agree with n bytes of the form from offset on? */
static bool agrees(const struct look *l, struct needle_ref ref, size_t at, size_t n)
{
	const struct form_value *v = &l->n->values[ref.value].is;
	for (size_t i = 0; i < n; i++) {
		if (l->text->p[at + i] != form_byte(ref.form, v, (size_t)ref.offset + i))
			return false;
	}
	return true;
}

static ch_err give(struct look *l, struct needle_ref ref, size_t from, size_t to)
{
	struct needle_hit hit = { l->text->addr + from, l->text->addr + to, ref.value, ref.form };
	if (hit.to > l->skip)
		l->skip = hit.to;
	l->hit_from = hit.from;
	l->hit_to = hit.to;
	return l->taker->take(l->taker, &hit);
}

static ch_err wait_for_more(struct look *l, struct needle_ref ref, size_t at)
{
	struct needles *n = l->n;
	for (size_t i = 0; i < n->n_open; i++) {
		const struct open_hit *o = &n->open[i];
		if (o->ref.value == ref.value && o->ref.form == ref.form &&
		    o->at - (uint64_t)o->ref.offset == l->text->addr + at - (uint64_t)ref.offset)
			return CH_DONE;
	}
	if (n->n_open == OPEN_MAX)
		return ch_fail(CH_E_LIMIT, "too many secrets that overlap", n->n_open);
	n->open[n->n_open++] = (struct open_hit){ ref, l->text->addr + at };
	return CH_DONE;
}

/* Of forms that begin alike one was found around `at`: would ref's run, which is around it, too, end
 * where that ends, or before? */
static bool is_inside_hit(const struct look *l, struct needle_ref ref, size_t at)
{
	const struct form_value *v = &l->n->values[ref.value].is;
	uint64_t addr = l->text->addr + at, end = l->text->addr + l->text->n;
	if (l->hit_from > addr || l->hit_to < addr + 8 || l->hit_to >= end)
		return false;
	size_t before = (size_t)(addr - l->hit_from), offset = (size_t)ref.offset;
	size_t behind = offset + (size_t)(l->hit_to - addr);
	bool longer = behind < form_size(ref.form, v) &&
		      l->text->p[l->hit_to - l->text->addr] == form_byte(ref.form, v, behind);
	longer |= offset > before && l->hit_from > l->text->addr &&
		  l->text->p[at - before - 1] == form_byte(ref.form, v, offset - before - 1);
	return !longer;
}

/* The word of eight bytes at `at` may be that of ref. */
static ch_err try_long(struct look *l, struct needle_ref ref, size_t at)
{
	if (is_inside_hit(l, ref, at) || !agrees(l, ref, at, 8))
		return CH_DONE;
	struct run r = run_of(l, ref, at, 8);
	if (r.open) {
		l->skip = l->text->addr + r.to > l->skip ? l->text->addr + r.to : l->skip;
		return wait_for_more(l, ref, at);
	}
	const struct needle_value *v = &l->n->values[ref.value];
	if (!needle_counts(v, ref.form, l->text->p + r.from, r.to - r.from))
		return CH_DONE;
	return give(l, ref, r.from, r.to);
}

/* Is text[at], or the character of two bytes there, an edge? What is outside of the memory
 * is one. */
static bool edge_at(const struct look *l, size_t at, size_t width)
{
	if (at >= l->text->n || l->text->n - at < width)
		return true;
	return needle_is_edge(l->text->p[at]) && (width == 1 || !l->text->p[at + 1]);
}

/* A short text stands there as a whole, and alone if it is very short. */
static bool stands_there(const struct look *l, struct needle_ref ref, size_t from, size_t size)
{
	size_t width = ref.form ? 2 : 1;
	ref.offset = 0;
	if (!agrees(l, ref, from, size))
		return false;
	if (size / width >= NEEDLE_BARE)
		return true;
	bool first = from < width;
	return (first || edge_at(l, from - width, width)) && edge_at(l, from + size, width);
}

static ch_err try_short(struct look *l, struct needle_ref ref, size_t at)
{
	size_t size = form_size(ref.form, &l->n->values[ref.value].is);
	size_t from = at - (size_t)ref.offset;
	if (ref.offset > 0 && at < (size_t)ref.offset)
		return CH_DONE;
	/* with its edge behind it */
	if (from + size + 2 > l->text->n && !l->text->last)
		return wait_for_more(l, ref, at);
	if (from + size > l->text->n || !stands_there(l, ref, from, size))
		return CH_DONE;
	return give(l, ref, from, from + size);
}

static ch_err try_word(struct look *l, const struct word_table *t, uint64_t word, size_t at)
{
	bool shorts = t == &l->n->shorts;
	uint64_t h = slot_hash(l->n->factor, word * l->n->factor);
	for (uint64_t i = slot_index(t, h); t->slots[i]; i = (i + 1) & t->mask) {
		if (!slot_is(t->slots[i], h))
			continue;
		struct needle_ref ref = ref_of_slot(t->slots[i]);
		TRY(shorts ? try_short(l, ref, at) : try_long(l, ref, at));
	}
	return CH_DONE;
}

/* Those that reached the end of the text before. */
static ch_err try_open(struct look *l)
{
	struct needles *n = l->n;
	size_t count = n->n_open;
	n->n_open = 0;
	for (size_t i = 0; i < count; i++) {
		struct open_hit o = n->open[i];
		size_t at = (size_t)(o.at - l->text->addr);
		size_t size = form_size(o.ref.form, &n->values[o.ref.value].is);
		TRY(size < NEEDLE_SHORT ? try_short(l, o.ref, at) : try_long(l, o.ref, at));
	}
	return CH_DONE;
}

/* The first word of p[i .. end) that one of the filters knows. */
static inline __attribute__((always_inline)) size_t known(const struct needles *n, const uint8_t *p,
							  size_t i, size_t end)
{
	uint64_t factor = n->factor;
	for (; i < end; i += 8) {
		if (filter_has(&n->longs, load_le64(p + i) * factor))
			return i;
	}
	return end;
}

static inline __attribute__((always_inline)) size_t known_too(const struct needles *n,
							      const uint8_t *p, size_t i,
							      size_t end)
{
	uint64_t factor = n->factor;
	for (; i < end; i += 8) {
		uint64_t word = load_le64(p + i);
		/* all three: a branch for each would cost more */
		unsigned is = filter_has(&n->longs, word * factor);
		is |= filter_has(&n->shorts, (word & UINT32_MAX) * factor);
		is |= filter_has(&n->shorts, (word >> 32) * factor);
		if (is)
			return i;
	}
	return end;
}

size_t needles_known(const struct needles *n, const uint8_t *p, size_t i, size_t end)
{
	return n->has_shorts ? known_too(n, p, i, end) : known(n, p, i, end);
}

/* The filters shift by what they read, three times a word: there are instructions for it. */
#if defined(__x86_64__)
__attribute__((target("bmi2")))
#endif
size_t
needles_known_bmi2(const struct needles *n, const uint8_t *p, size_t i, size_t end)
{
	return n->has_shorts ? known_too(n, p, i, end) : known(n, p, i, end);
}

static ch_err try_shorts(struct look *l, size_t at, size_t end)
{
	const struct needles *n = l->n;
	for (; at < end && at + 4 <= l->text->n; at += n->short_step) {
		uint64_t word = load_le32(l->text->p + at);
		if (filter_has(&n->shorts, word * n->factor))
			TRY(try_word(l, &n->shorts, word, at));
	}
	return CH_DONE;
}

/* Eight bytes at `at`: all that may begin there. */
static ch_err try_at(struct look *l, size_t at)
{
	const struct needles *n = l->n;
	uint64_t word = load_le64(l->text->p + at);
	if (filter_has(&n->longs, word * n->factor))
		TRY(try_word(l, &n->longs, word, at));
	return n->has_shorts ? try_shorts(l, at, at + 8) : CH_DONE;
}

/* What a hit covers is not looked at again, but for its end, where another may begin. */
static size_t unskipped(const struct look *l, size_t from, size_t to)
{
	if (l->skip <= l->text->addr + from + OVERLAP)
		return from;
	size_t over = (size_t)(l->skip - l->text->addr) - from - OVERLAP;
	over -= over % 8;
	return over < to - from ? from + over : to;
}

static ch_err look_at(struct look *l, size_t from, size_t to)
{
	const struct needles *n = l->n;
	bool all = n->has_shorts && n->short_step == 2; /* rare, and not worth a loop of its own */
	for (size_t i = from; i < to; i += 8) {
		if (!all)
			i = n->known(n, l->text->p, i, to);
		if (i >= to)
			break;
		TRY(try_at(l, i));
		i = unskipped(l, i + 8, to) - 8;
	}
	return CH_DONE;
}

ch_err needles_scan(struct needles *n, const struct needle_text *text, size_t upto,
		    struct hit_taker *t)
{
	struct look l = { n, text, t, 0, 0, 0 };
	assert(n->next >= text->addr);
	TRY(try_open(&l));
	uint64_t end = text->addr + upto;
	if (!n->has_longs && !n->has_shorts)
		n->next = end > n->next ? end / 8 * 8 : n->next;
	while (n->next + 8 <= end) {
		size_t from = (size_t)(n->next - text->addr);
		size_t to = from + BLOCK - (size_t)(n->next % BLOCK);
		size_t whole = from + (upto - from) / 8 * 8;
		to = to < whole ? to : whole;
		if (!bytes_are_zero((bytes){ text->p + from, to - from }))
			TRY(look_at(&l, unskipped(&l, from, to), to));
		n->next += to - from;
	}
	if (text->last && upto == text->n && n->has_shorts && n->next < end)
		TRY(try_shorts(&l, (size_t)(n->next - text->addr), text->n));
	return CH_DONE;
}
