/* The walk of all finders over all memory of a core, in windows. The map is checked; the
 * memory holds anything, may be partly unreadable and may change meanwhile. Long runs of
 * zeros are not shown to finders: nothing that is looked for goes over 32 KiB of them.
 *
 * Memory is gathered in rooms of one long window or many short ones. With a second thread a room
 * that is full is looked at by both, each with finders of its own, while the next one fills. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "beside/beside.h"
#include "noise.h"
#include "derive.h"
#include "redact/finder.h"

enum {
	PAGE = 4096,
	ROOMS = 3,
	SHOWN_MAX = 128,
	SHOWN_OF_ONE = WINDOW_SIZE / WINDOW_OVERLAP + 2, /* of one window: zeros cut it */
	WINDOW_MIN = 4 * WINDOW_OVERLAP,
	LINE = 64, /* windows begin at one */
};

struct room {
	uint8_t *p; /* WINDOW_SIZE */
	size_t n_shown;
	struct window shown[SHOWN_MAX];
};

struct walk {
	struct hunt *h;
	struct finder *const *finders;
	size_t n_finders;
	const struct core_load *load;
	struct room rooms[ROOMS];
	struct room *room; /* that fills */
	uint64_t given;    /* rooms that the second thread has or had */
	uint8_t *p;        /* in the room: the window that fills */
	size_t size;       /* of it at most */
	uint64_t addr;     /* of p[0] */
	size_t n, seen;
	uint64_t unread;
};

/* What the finders see of a room: those that are for the second thread, or the others. */
static ch_err look(struct walk *w, const struct room *r, bool apart)
{
	for (size_t i = 0; i < r->n_shown; i++) {
		if (!apart)
			noise_see(w->h->noise, &r->shown[i]);
		for (size_t k = 0; k < w->n_finders; k++) {
			struct finder *f = w->finders[k];
			if (f->look && (f->apart && w->h->beside) == apart)
				TRY(f->look(f, w->h, &r->shown[i]));
		}
	}
	return CH_DONE;
}

static ch_err look_apart(void *of, uint64_t job)
{
	struct walk *w = of;
	return look(w, &w->rooms[job % ROOMS], true);
}

/* The room is full. Another one is to fill. */
static ch_err next_room(struct walk *w)
{
	struct beside *beside = w->h->beside;
	struct room *r = w->room;
	if (beside && r->n_shown) {
		beside_give(beside);
		w->given++;
	}
	TRY(look(w, r, false));
	if (beside) {
		w->room = &w->rooms[w->given % ROOMS];
		TRY(beside_wait(beside, ROOMS - 1));
	}
	w->room->n_shown = 0;
	w->p = w->room->p;
	w->size = WINDOW_SIZE;
	return CH_DONE;
}

static void show(struct walk *w, size_t from, size_t to)
{
	struct window window = {
		.addr = w->addr + from,
		.p = w->p + from,
		.n = to - from,
		.seen = w->seen > from ? w->seen - from : 0,
		.load = w->load,
	};
	if (window.seen < window.n)
		w->room->shown[w->room->n_shown++] = window;
}

/* The page in which `at` lies, as far as it is in the window. */
static size_t page_end(const struct walk *w, size_t at)
{
	size_t end = at + PAGE - (size_t)((w->addr + at) % PAGE);
	return end < w->n ? end : w->n;
}

/* Shows what was read, cut where at least WINDOW_OVERLAP bytes are zero. */
static void show_all(struct walk *w)
{
	size_t from = 0, zeros = 0; /* p[from .. at) is to be shown; how many zeros end it */
	for (size_t at = 0; at < w->n;) {
		size_t end = page_end(w, at);
		bool zero = bytes_are_zero((bytes){ w->p + at, end - at });
		if (!zero && (zeros >= WINDOW_OVERLAP || zeros == at - from)) {
			if (zeros < at - from)
				show(w, from, at - zeros);
			from = at;
		}
		zeros = zero ? zeros + end - at : 0;
		at = end;
	}
	if (zeros < w->n - from)
		show(w, from, w->n - zeros);
}

/* Shows what is there. The next window begins behind it, or with the end of it. */
static ch_err turn(struct walk *w, bool goes_on)
{
	if (w->n > w->seen)
		show_all(w);
	size_t keep = goes_on && w->n >= WINDOW_OVERLAP ? WINDOW_OVERLAP : 0;
	size_t used = (w->n + LINE - 1) / LINE * LINE;
	const uint8_t *end = w->p + w->n - keep;
	if (keep || w->size - used < WINDOW_MIN || SHOWN_MAX - w->room->n_shown < SHOWN_OF_ONE) {
		TRY(next_room(w));
	} else {
		w->p += used;
		w->size -= used;
	}
	mem_move(w->p, end, keep);
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
		if (w->n == w->size)
			TRY(turn(w, true));
		size_t want = w->size - w->n, got = 0;
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

static void walk_done(struct walk *w)
{
	if (w->h->beside)
		(void)beside_wait(w->h->beside, 0);
	for (size_t i = 0; i < ROOMS; i++) {
		if (w->rooms[i].p)
			mem_wipe(w->rooms[i].p, WINDOW_SIZE);
		free(w->rooms[i].p);
	}
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
	TRY(next_room(w));
	if (h->beside)
		TRY(beside_wait(h->beside, 0));
	for (size_t i = 0; i < w->n_finders; i++) {
		if (w->finders[i]->end)
			TRY(w->finders[i]->end(w->finders[i], h));
	}
	return h->values ? values_derive(h->values) : CH_DONE;
}

static ch_err rooms_new(struct walk *w)
{
	for (size_t i = 0; i < (w->h->beside ? ROOMS : 1); i++) {
		w->rooms[i].p = malloc(WINDOW_SIZE);
		if (!w->rooms[i].p)
			return ch_fail(CH_E_NOMEM, "no memory for a window", ENOMEM);
	}
	w->room = &w->rooms[0];
	w->p = w->room->p;
	w->size = WINDOW_SIZE;
	return CH_DONE;
}

ch_err hunt_run(struct hunt *h, struct finder *const *finders, size_t n, uint64_t *ret_unread)
{
	AUTO(noise_done) struct noise *noise = NULL;
	AUTO(walk_done) struct walk w = { .h = h, .finders = finders, .n_finders = n };
	if (h->beside)
		beside_begin(h->beside, look_apart, &w);
	TRY(rooms_new(&w));
	TRY(noise_new(&noise));
	h->noise = noise;
	ch_err e = run_all(&w);
	h->noise = NULL;
	if (!failed(e))
		*ret_unread = w.unread;
	return e;
}
