/* The walk of all finders over all memory of a core, in windows. The map is checked; the
 * memory holds anything, may be partly unreadable and may change meanwhile. Long runs of
 * zeros are not shown to finders: nothing that is looked for goes over 32 KiB of them. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "noise.h"
#include "derive.h"
#include "redact/finder.h"

enum { PAGE = 4096 };

struct walk {
	struct hunt *h;
	struct finder *const *finders;
	size_t n_finders;
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
	}
	return CH_DONE;
}

static ch_err walk_load(struct walk *w, const struct core_load *load)
{
	struct core_memory *m = w->h->memory;
	uint64_t at = load->addr, end = load->addr + load->file_size;
	w->load = load;
	w->addr = at;
	w->n = w->seen = 0;
	while (at < end) {
		uint64_t from = end, to = end;
		TRY(m->next(m, at, end, &from, &to));
		if (from >= end)
			break;
		/* a short gap is read as well, lest it cut something apart */
		if (w->addr + w->n == at && from - at < WINDOW_OVERLAP)
			from = at;
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

/* The kernel's own page of code, the same in every process: it is in a core, and nobody can
 * read it from outside. */
static bool is_kernels(const struct core_load *l)
{
	return l->addr >> 63;
}

static ch_err run_all(struct walk *w)
{
	struct hunt *h = w->h;
	for (size_t i = 0; i < h->map->n; i++)
		if (!is_kernels(&h->map->loads[i]))
			TRY(walk_load(w, &h->map->loads[i]));
	for (size_t i = 0; i < w->n_finders; i++) {
		if (w->finders[i]->end)
			TRY(w->finders[i]->end(w->finders[i], h));
	}
	return h->values ? values_derive(h->values) : CH_DONE;
}

ch_err hunt_run(struct hunt *h, struct finder *const *finders, size_t n, uint64_t *ret_unread)
{
	AUTO(free_wiped) uint8_t *p = malloc(WINDOW_SIZE);
	if (!p)
		return ch_fail(CH_E_NOMEM, "no memory for a window", ENOMEM);
	AUTO(noise_done) struct noise *noise = NULL;
	TRY(noise_new(&noise));
	h->noise = noise;
	struct walk w = { .h = h, .finders = finders, .n_finders = n, .p = p };
	ch_err e = run_all(&w);
	h->noise = NULL;
	if (!failed(e))
		*ret_unread = w.unread;
	return e;
}
