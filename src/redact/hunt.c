/* The walk of all finders over all memory of a core, in windows; with a helper over both halves
 * of it at once, by a set of finders each. The map is checked; the memory holds anything, may
 * be partly unreadable and may change meanwhile. Long runs of zeros are not shown to finders:
 * nothing that is looked for goes over 32 KiB of them. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "beside/beside.h"
#include "calm.h"
#include "halves.h"
#include "noise.h"
#include "derive.h"
#include "redact/finder.h"

enum { PAGE = 4096 };

struct walk {
	struct hunt *h;
	struct finder *const *finders;
	size_t n_finders;
	uint64_t from, to; /* all memory, or a half */
	const struct core_load *load;
	uint8_t *p;    /* WINDOW_SIZE */
	uint64_t addr; /* of p[0] */
	size_t n, seen;
	uint64_t unread;
};

static ch_err show(struct walk *w, size_t from, size_t to)
{
	struct window window = {
		.addr = w->addr + from,
		.p = w->p + from,
		.n = to - from,
		.seen = w->seen > from ? w->seen - from : 0,
		.load = w->load,
	};
	if (window.seen >= window.n)
		return CH_DONE;
	noise_see(w->h->noise, &window);
	if (w->h->calm)
		calm_see(w->h->calm, w->load, window.addr, (bytes){ window.p, window.n });
	for (size_t i = 0; i < w->n_finders; i++) {
		struct finder *f = w->finders[i];
		if (f->look)
			TRY(f->look(f, w->h, &window));
	}
	return CH_DONE;
}

/* The page in which `at` lies, as far as it is in the window. */
static size_t page_end(const struct walk *w, size_t at)
{
	size_t end = at + PAGE - (size_t)((w->addr + at) % PAGE);
	return end < w->n ? end : w->n;
}

/* Shows what was read, cut where at least WINDOW_OVERLAP bytes are zero. */
static ch_err show_all(struct walk *w)
{
	size_t from = 0, zeros = 0; /* p[from .. at) is to be shown; how many zeros end it */
	for (size_t at = 0; at < w->n;) {
		size_t end = page_end(w, at);
		bool zero = bytes_are_zero((bytes){ w->p + at, end - at });
		if (!zero && (zeros >= WINDOW_OVERLAP || zeros == at - from)) {
			if (zeros < at - from)
				TRY(show(w, from, at - zeros));
			from = at;
		}
		zeros = zero ? zeros + end - at : 0;
		at = end;
	}
	return zeros < w->n - from ? show(w, from, w->n - zeros) : CH_DONE;
}

/* Shows what is there and begins anew behind it, or keeps the overlap. */
static ch_err turn(struct walk *w, bool goes_on)
{
	if (w->n > w->seen)
		TRY(show_all(w));
	size_t keep = goes_on && w->n >= WINDOW_OVERLAP ? WINDOW_OVERLAP : 0;
	mem_copy(w->p, w->p + w->n - keep, keep);
	w->addr += w->n - keep;
	w->n = w->seen = keep;
	return CH_DONE;
}

static ch_err jump(struct walk *w, uint64_t to)
{
	if (w->addr + w->n == to)
		return CH_DONE;
	TRY(turn(w, false));
	w->addr = to;
	return CH_DONE;
}

/* All of [from, to). What cannot be read is left out by pages. */
static ch_err walk_range(struct walk *w, uint64_t from, uint64_t to)
{
	struct core_memory *m = w->h->memory;
	TRY(jump(w, from));
	while (from < to) {
		if (w->n == WINDOW_SIZE)
			TRY(turn(w, true));
		size_t want = WINDOW_SIZE - w->n, got = 0;
		want = to - from < want ? (size_t)(to - from) : want;
		TRY(m->read(m, from, w->p + w->n, want, &got));
		w->n += got;
		from += got;
		if (got)
			continue;
		uint64_t hole = PAGE - from % PAGE;
		hole = hole < to - from ? hole : to - from;
		w->unread += hole;
		from += hole;
		TRY(jump(w, from));
		if (w->h->calm)
			calm_blind(w->h->calm, w->load, from - hole);
	}
	return CH_DONE;
}

/* The next n bytes are known to be zeros. */
static ch_err walk_zeros(struct walk *w, uint64_t n)
{
	while (n > 0) {
		if (w->n == WINDOW_SIZE)
			TRY(turn(w, true));
		size_t part = WINDOW_SIZE - w->n < n ? WINDOW_SIZE - w->n : (size_t)n;
		mem_zero(w->p + w->n, part);
		w->n += part;
		n -= part;
	}
	return CH_DONE;
}

/* A half that begins within a segment begins with what is in front of it, as each window does
 * that goes on from another. */
static ch_err begin(struct walk *w, uint64_t at)
{
	uint64_t before = at - w->load->addr, unread = w->unread;
	w->n = w->seen = 0;
	w->addr = at - (before < WINDOW_OVERLAP ? before : WINDOW_OVERLAP);
	TRY(walk_range(w, w->addr, at));
	w->unread = unread;
	w->seen = w->n;
	return CH_DONE;
}

static ch_err walk_load(struct walk *w, const struct core_load *load)
{
	struct core_memory *m = w->h->memory;
	uint64_t at = load->addr, end = load->addr + load->file_size;
	at = at > w->from ? at : w->from;
	end = end < w->to ? end : w->to;
	if (at >= end)
		return CH_DONE;
	w->load = load;
	TRY(begin(w, at));
	while (at < end) {
		uint64_t from = end, to = end;
		TRY(m->next(m, at, end, &from, &to));
		if (from >= end)
			break;
		/* over a short gap things go on, and must not be cut apart */
		if (w->addr + w->n == at && from - at < WINDOW_OVERLAP)
			TRY(walk_zeros(w, from - at));
		else
			from -= from % 8 < from - at ? from % 8 : from - at;
		TRY(walk_range(w, from, to < end ? to : end));
		at = to;
	}
	return turn(w, false);
}

static void free_wiped(uint8_t **p)
{
	if (*p)
		mem_wipe(*p, WINDOW_SIZE);
	free(*p);
}

static ch_err walk_all(struct walk *w)
{
	AUTO(free_wiped) uint8_t *p = malloc(WINDOW_SIZE);
	if (!p)
		return ch_fail(CH_E_NOMEM, "no memory for a window", ENOMEM);
	w->p = p;
	for (size_t i = 0; i < w->h->map->n; i++)
		if (!core_load_is_kernels(&w->h->map->loads[i]))
			TRY(walk_load(w, &w->h->map->loads[i]));
	return CH_DONE;
}

/* --- both halves --- */

/* The later half, with all that belongs to it. */
struct later {
	struct hunt h;
	struct walk w;
	struct beside *beside;
};

static ch_err walk_later(void *of, uint64_t job)
{
	struct later *l = of;
	(void)job;
	return walk_all(&l->w);
}

static void later_done(struct later *l)
{
	if (l->beside)
		(void)beside_wait(l->beside, 0);
	values_done(&l->h.values);
	publics_done(&l->h.publics);
	calm_done(&l->h.calm);
	noise_done(&l->h.noise);
}

static ch_err later_begin(struct later *l, struct walk *w)
{
	const struct hunt *h = w->h;
	l->h = (struct hunt){ .map = h->map, .memory = h->helper->memory };
	if (h->values)
		TRY(values_new(&l->h.values));
	if (h->publics)
		TRY(publics_new(&l->h.publics));
	if (h->calm)
		TRY(calm_new_later(h->calm, w->to, &l->h.calm));
	TRY(noise_new(&l->h.noise));
	l->w = (struct walk){ .h = &l->h,
			      .finders = h->helper->finders,
			      .n_finders = w->n_finders,
			      .from = w->to,
			      .to = UINT64_MAX };
	l->beside = h->helper->beside;
	beside_begin(l->beside, walk_later, l);
	beside_give(l->beside);
	return CH_DONE;
}

/* What was seen of the later half joins what was seen before, in the order of memory. */
static ch_err later_join(struct later *l, struct walk *w)
{
	struct hunt *h = w->h;
	TRY(beside_wait(l->beside, 0));
	for (size_t i = 0; h->values && i < values_count(l->h.values); i++)
		TRY(values_add(h->values, values_at(l->h.values, i)));
	if (h->publics)
		TRY(publics_join(h->publics, l->h.publics));
	if (h->calm)
		calm_join(h->calm, l->h.calm);
	noise_join(h->noise, l->h.noise);
	h->untried += l->h.untried;
	w->unread += l->w.unread;
	for (size_t i = 0; i < w->n_finders; i++)
		if (w->finders[i]->join)
			w->finders[i]->join(w->finders[i], h, l->w.finders[i]);
	return CH_DONE;
}

static ch_err walk_both(struct walk *w)
{
	AUTO(later_done) struct later later = { .beside = NULL };
	TRY(later_begin(&later, w));
	TRY(walk_all(w));
	return later_join(&later, w);
}

static ch_err run_all(struct walk *w)
{
	struct hunt *h = w->h;
	if (h->helper)
		TRY(halves_of(h->map, h->memory, &w->to));
	TRY(w->to == UINT64_MAX ? walk_all(w) : walk_both(w));
	for (size_t i = 0; i < w->n_finders; i++) {
		if (w->finders[i]->end)
			TRY(w->finders[i]->end(w->finders[i], h));
	}
	return h->values ? values_derive(h->values) : CH_DONE;
}

ch_err hunt_run(struct hunt *h, struct finder *const *finders, size_t n, uint64_t *ret_unread)
{
	AUTO(noise_done) struct noise *noise = NULL;
	TRY(noise_new(&noise));
	h->noise = noise;
	struct walk w = { .h = h, .finders = finders, .n_finders = n, .to = UINT64_MAX };
	ch_err e = run_all(&w);
	h->noise = NULL;
	if (!failed(e))
		*ret_unread = w.unread;
	return e;
}
