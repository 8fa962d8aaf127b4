/* The finder of text in wide characters, as .NET, Qt, wchar_t and many a Lisp keep it: what
 * is ASCII in 16 or 32 bits a character is made narrow, and what the text patterns find in it
 * is said as values. The masker knows the wide forms of each. Memory may hold anything: what
 * is no text costs a look at a limb in ten or more. Size: 0.4 MiB, and Vectorscan's databases. */
#include "base/cleanup.h"
#include "limbs.h"
#include "room.h"
#include "text_internal.h"

enum {
	LIMB = LIMB_SIZE,
	RUN_MIN = 4, /* limbs: 16 characters, or 8 */
	NARROW_SIZE = 32 * 1024,
	RANDOM_MIN = 16
};

struct finder_wide {
	struct finder finder;
	struct text_sink sink;
	struct hunt *hunt;
	struct text_stream *stream;
	size_t n;
	uint64_t addr; /* of narrow[0]: where its text begins, from where it is half as long */
	uint8_t narrow[NARROW_SIZE];
};

/* Every second byte is 0 and none has its highest bit, and not all are 0. Lists of small numbers
 * of 32 bits look so, too. */
static const struct limb_filter wide_fits = { 0xff80ff80ff80ff80, 0, UINT64_MAX, ' ' };

static struct finder_wide *of_sink(struct text_sink *s)
{
	return (struct finder_wide *)(void *)((char *)s - offsetof(struct finder_wide, sink));
}

static ch_err value(struct text_sink *s, const struct value *one)
{
	return values_add(of_sink(s)->hunt->values, one);
}

static ch_err learn(struct text_sink *s, enum public_kind kind, bytes is)
{
	return publics_add(of_sink(s)->hunt->publics, kind, is);
}

/* What else would be masked where it stands. The masker, which sees no narrow text, can mask
 * values alone; a word is none. */
static ch_err span(struct text_sink *s, const struct span *one)
{
	struct finder_wide *f = of_sink(s);
	if (one->from < f->addr || one->to > f->addr + f->n)
		return CH_DONE;
	bytes is = { f->narrow + (one->from - f->addr), one->to - one->from };
	if (is.n < RANDOM_MIN || is.n > VALUE_MAX || !text_looks_random(is))
		return CH_DONE;
	struct value v = { one->kind, false, is, one->finder, one->from };
	return values_add(f->hunt->values, &v);
}

static ch_err flush(struct finder_wide *f)
{
	if (f->n)
		TRY(text_stream_feed(f->stream, f->addr, (bytes){ f->narrow, f->n }, &f->sink));
	f->addr += f->n;
	f->n = 0;
	return CH_DONE;
}

/* Four characters of 16 bits, or two of 32. What is none, at the edges of a run, ends texts. */
static void put(struct finder_wide *f, const uint8_t *limb)
{
	bool four = load_le64(limb) & 0xffff0000ffff0000;
	for (size_t i = 0; i < LIMB; i += four ? 2 : 4)
		f->narrow[f->n++] = limb[i + 1] ? 0 : limb[i];
}

/* A run of limbs at w->p[from .. to), with what of its first and last words lies outside. */
static ch_err take(struct finder_wide *f, const struct window *w, size_t from, size_t to)
{
	from -= from ? LIMB : 0;
	to += w->n - to >= LIMB ? LIMB : 0;
	f->addr = w->addr + from;
	for (size_t at = from; at < to; at += LIMB) {
		if (NARROW_SIZE - f->n < LIMB)
			TRY(flush(f));
		put(f, w->p + at);
	}
	return flush(f);
}

static ch_err look(struct finder *finder, struct hunt *h, const struct window *w)
{
	struct finder_wide *f = (struct finder_wide *)finder;
	f->hunt = h;
	/* a text that goes over the edge of the window before is seen again from its start */
	size_t at = 0, run = 0, end = w->n / LIMB * LIMB;
	for (; at < end; at += LIMBS_BLOCK) {
		size_t limbs = end - at < LIMBS_BLOCK ? (end - at) / LIMB : LIMBS_BLOCK / LIMB;
		uint64_t bits = limbs_fit(&wide_fits, w->p + at, limbs * LIMB);
		if (!bits && !run)
			continue;
		for (size_t i = 0; i < limbs; i++) {
			bool fits = bits >> i & 1;
			size_t here = at + i * LIMB;
			if (!fits && run >= RUN_MIN && here >= w->seen)
				TRY(take(f, w, here - run * LIMB, here));
			run = fits ? run + 1 : 0;
		}
	}
	return run >= RUN_MIN ? take(f, w, end - run * LIMB, end) : CH_DONE;
}

static void finder_wide_free(struct finder *finder)
{
	struct finder_wide *f = (struct finder_wide *)finder;
	text_stream_done(&f->stream);
	room_done(f, sizeof(*f));
}

ch_err finder_wide_new(struct finder **ret_f)
{
	void *p = NULL;
	TRY(room_new(sizeof(struct finder_wide), &p));
	struct finder_wide *f = p;
	f->finder = (struct finder){ LIT("wide-text"), look, NULL, finder_wide_free, NULL };
	f->sink = (struct text_sink){ .span = span, .value = value, .learn = learn };
	ch_err e = text_stream_new(&f->stream);
	if (failed(e)) {
		room_done(f, sizeof(*f));
		return e;
	}
	*ret_f = &f->finder;
	return CH_DONE;
}
