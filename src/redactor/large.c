/* A dump without its secrets: they are looked for in all memory first, while nothing was
 * written yet; then the memory passes through the masker. Both read the memory of the process,
 * which waits, or the file: what the kernel has to say behind the notes of a core is the same
 * memory once more, slower, and stays unread. A byte of the dump is written only when the
 * masker has let go of it. */
#include <stdlib.h>

#include "redact/masker.h"
#include "redactor_internal.h"

enum {
	PAGE = CORE_PAGE,
	ROOM = 512 * 1024,
	ZERO_STRETCH = WINDOW_OVERLAP,
	READ_ALIGN = 64 * 1024, /* the masker takes memory in such parts */
	TURN_LEAST = ROOM / 2,
	PROGRESS_EVERY = 1 << 24,
	CALM_SEGMENTS_MAX = 16 * 1024, /* the map of more leaves no room for the rest */
};

struct pass {
	struct work *w;
	struct masker *masker;
	const struct calm *calm; /* or NULL */
	struct core_map map; /* of the core that is written; segments in the order of the other */
	uint8_t *p;          /* ROOM bytes: memory at addr that was not written yet */
	uint64_t addr;
	size_t n, held;
	uint64_t told, total;
	uint64_t blind;   /* bytes that memory does not give, and that the kernel writes as zeros */
	uint64_t sighted; /* the last address that could be read; 0: none */
};

/* So much of p as is all zeros, or has none in any page: whole pages of memory but for the ends. */
static size_t alike(const struct pass *s, const uint8_t *p, size_t n, bool *ret_zero)
{
	size_t at = 0;
	while (at < n) {
		size_t part = PAGE - (s->addr + (size_t)(p - s->p) + at) % PAGE;
		part = part < n - at ? part : n - at;
		bool zero = bytes_are_zero((bytes){ p + at, part });
		if (at > 0 && zero != *ret_zero)
			break;
		*ret_zero = zero;
		at += part;
	}
	return at;
}

/* The first n bytes of what is there. */
static ch_err put(struct pass *s, size_t n)
{
	struct core_sink *sink = &s->w->out.sink;
	bool zero = false;
	for (size_t at = 0, part = 0; at < n; at += part) {
		const uint8_t *p = s->p + at;
		part = alike(s, p, n - at, &zero);
		TRY(zero ? sink->fill(sink, 0, part) : sink->put(sink, (bytes){ p, part }));
	}
	return CH_DONE;
}

/* Passes what there is through the masker, and on what it lets go of. */
static ch_err turn(struct pass *s, bool last)
{
	size_t final = 0;
	if (s->n == 0)
		return CH_DONE;
	struct masker_piece piece = { s->addr, s->p, s->n, s->held, last };
	TRY(masker_run(s->masker, piece, &final));
	TRY(put(s, final));
	mem_move(s->p, s->p + final, s->n - final);
	s->n -= final;
	s->held = s->n;
	s->addr += final;
	return CH_DONE;
}

static ch_err progress(struct pass *s, uint64_t done)
{
	if (done - s->told < PROGRESS_EVERY)
		return CH_DONE;
	s->told = done;
	return record_progress(&s->w->records, done, s->total);
}

/* Nothing but zeros, n of them at addr: no secret goes over so many. */
static ch_err zeros(struct pass *s, uint64_t addr, uint64_t n)
{
	TRY(turn(s, true));
	s->addr = addr + n;
	return s->w->out.sink.fill(&s->w->out.sink, 0, n);
}

/* Nobody may read the pages of devices, the kernel's clock for one, and no core has them: they
 * are zeros. Others that cannot be read are as well, and it is said. */
static size_t blind(struct pass *s, const struct core_load *l, uint64_t at, size_t n)
{
	size_t page = PAGE - (size_t)((l->addr + at) % PAGE);
	page = page < n ? page : n;
	mem_zero(s->p + s->n, page);
	s->blind += l->flags & CORE_READ ? page : 0;
	return page;
}

/* 0 bytes: the file ends here. */
static ch_err take(struct pass *s, const struct core_load *l, uint64_t at, size_t n, size_t *ret_n)
{
	struct core_memory *m = s->w->memory;
	TRY(m->read(m, l->addr + at, s->p + s->n, n, ret_n));
	if (*ret_n > 0)
		s->sighted = l->addr + at;
	else if (s->w->config->duty == REDACT_CRASH)
		*ret_n = blind(s, l, at, n);
	return CH_DONE;
}

/* Are n zeros enough to go on behind them as if nothing had been before? A long run is, and a
 * whole segment: of a process with as many as there can be, most are a page or two. */
static bool is_stretch(const struct core_load *l, uint64_t at, uint64_t n)
{
	return n >= ZERO_STRETCH || (at == 0 && n == l->file_size);
}

/* At most so much is read at once; where there is more, up to a multiple of READ_ALIGN. */
static size_t part_of(const struct pass *s, uint64_t addr, uint64_t n)
{
	size_t most = ROOM - s->n;
	if (n <= most)
		return (size_t)n;
	size_t over = (size_t)((addr + most) % READ_ALIGN);
	return over < most ? most - over : most;
}

/* What is known of the segment at `at` without a look: so many zeros, then so much that may be
 * anything, then zeros again. */
struct known {
	uint64_t zeros, data;
};

/* What the hunt saw nothing in is zeros, whatever it is by now: nobody has looked for secrets
 * there. */
static ch_err look_ahead(struct pass *s, const struct core_load *l, uint64_t at,
			 struct known *ret_k)
{
	struct core_memory *m = s->w->memory;
	uint64_t from = 0, to = 0, here = l->addr + at, end = l->addr + l->file_size;
	bool seen = s->calm && !core_load_is_kernels(l);
	if (!seen || !calm_next(s->calm, here, end, &from, &to))
		TRY(m->next(m, here, end, &from, &to));
	*ret_k = (struct known){ from - here, to - from };
	return CH_DONE;
}

/* The rest of a core that was cut is zeros, and it is said. */
static ch_err cut(struct pass *s, const struct core_load *l, uint64_t at)
{
	report_flaw(s->w->report, FLAW_CUT, 1);
	return zeros(s, l->addr + at, l->file_size - at);
}

/* The next part of the segment, behind what was not written yet. */
static ch_err add(struct pass *s, const struct core_load *l, uint64_t at, struct known k,
		  size_t *ret_n)
{
	size_t n = part_of(s, l->addr + at, k.zeros ? k.zeros : k.data);
	if (!k.zeros)
		return take(s, l, at, n, ret_n);
	mem_zero(s->p + s->n, n);
	*ret_n = n;
	return CH_DONE;
}

static ch_err pass_load(struct pass *s, const struct core_load *l)
{
	struct known k = { 0 };
	for (uint64_t at = 0; at < l->file_size;) {
		size_t got = 0;
		TRY(look_ahead(s, l, at, &k));
		if (k.zeros && is_stretch(l, at, k.zeros)) {
			TRY(zeros(s, l->addr + at, k.zeros));
			at += k.zeros;
			continue;
		}
		TRY(add(s, l, at, k, &got));
		if (got == 0)
			return cut(s, l, at);
		at += got;
		TRY(progress(s, l->offset + at));
		if (is_stretch(l, at - got, got) && bytes_are_zero((bytes){ s->p + s->n, got })) {
			TRY(zeros(s, l->addr + at - got, got));
			continue;
		}
		s->n += got;
		if (s->n >= TURN_LEAST)
			TRY(turn(s, false));
	}
	return CH_DONE;
}

/* Do the bytes of b follow those of a in memory? Then a secret may lie in both. */
static bool goes_on(const struct core_load *a, const struct core_load *b)
{
	return a->file_size == a->mem_size && a->addr + a->mem_size == b->addr;
}

/* The memory of a process that was killed in its dump is gone, and reads as if there were
 * nothing: for ever, so that what can still be read at the end was there all the time. */
static ch_err check_alive(struct pass *s)
{
	struct core_memory *m = s->w->memory;
	uint8_t one = 0;
	size_t got = 0;
	if (s->w->config->duty != REDACT_CRASH)
		return CH_DONE;
	if (s->sighted)
		TRY(m->read(m, s->sighted, &one, 1, &got));
	if (got == 0)
		report_flaw(s->w->report, FLAW_CUT, 1);
	return CH_DONE;
}

static ch_err pass_memory(struct pass *s)
{
	const struct core_map *from = &s->w->head.map;
	struct core_sink *sink = &s->w->out.sink;
	for (size_t i = 0; i < from->n; i++) {
		const struct core_load *l = &from->loads[i];
		if (l->file_size == 0)
			continue;
		if (s->n == 0) {
			s->addr = l->addr;
			s->held = 0;
		}
		bool blank = s->w->config->duty == REDACT_CRASH && core_load_is_kernels(l);
		TRY(blank ? zeros(s, l->addr, l->file_size) : pass_load(s, l));
		if (i + 1 == from->n || from->loads[i + 1].file_size == 0 ||
		    !goes_on(l, &from->loads[i + 1]))
			TRY(turn(s, true));
	}
	TRY(check_alive(s));
	return core_end_write(&s->map, sink);
}

static ch_err pass_head(struct pass *s)
{
	struct core_head *h = &s->w->head;
	struct core_sink *sink = &s->w->out.sink;
	size_t bytes_n = h->map.n * sizeof(*h->map.loads);
	s->map.loads = malloc(bytes_n + 1);
	if (!s->map.loads)
		return ch_fail(CH_E_NOMEM, "no memory for the map of a dump", bytes_n);
	mem_copy(s->map.loads, h->map.loads, bytes_n);
	s->map.n = h->map.n;
	core_map_lay_out(&s->map, h->n_notes);
	TRY(masker_bytes(s->masker, h->notes, h->n_notes));
	TRY(core_segments_write(&s->map, sink));
	if (h->n_notes)
		TRY(sink->put(sink, (bytes){ h->notes, h->n_notes }));
	uint64_t at = s->map.headers_size + s->map.notes_size,
		 first = (at + PAGE - 1) / PAGE * PAGE;
	return first > at ? sink->fill(sink, 0, first - at) : CH_DONE;
}

static void pass_done(struct pass *s)
{
	masker_done(&s->masker);
	core_map_done(&s->map);
	if (s->p)
		mem_wipe(s->p, ROOM);
	free(s->p);
}

/* Pages that a process does not have are zeros where no file is behind them, which the notes tell:
 * if they do not, all is read. */
static void look_closer(struct work *w)
{
	bool told = w->head.n_files > 0 && w->head.notes_broken == 0;
	if (w->config->duty == REDACT_CRASH)
		memory_live_init(&w->live, &w->head.map, MEM_FD, told ? PAGEMAP_FD : -1);
}

static ch_err pass(struct work *w, enum level level, const struct hunt *h, uint64_t unread)
{
	AUTO(pass_done) struct pass s = { .w = w, .calm = h->calm, .total = w->head.map.size };
	TRY(read_notes(w));
	look_closer(w);
	const struct masker_setup setup = {
		.level = level,
		.map = &w->head.map,
		.values = h->values,
		.calm_or_null = h->calm,
		.registered_or_null = w->registered,
		.report = w->report,
		.words_from = w->head.words_from,
		.words_to = w->head.words_to,
		.files = w->head.files,
		.n_files = w->head.n_files,
	};
	s.p = malloc(ROOM);
	if (!s.p)
		return ch_fail(CH_E_NOMEM, "no memory for a dump on its way", ROOM);
	TRY(masker_new(&setup, &s.masker));
	TRY(pass_head(&s));
	TRY(pass_memory(&s));
	if (unread > s.blind)
		report_flaw(w->report, FLAW_UNREAD, unread - s.blind);
	return CH_DONE;
}

ch_err keep_large(struct work *w, enum level level)
{
	AUTO(values_done) struct values *values = NULL;
	AUTO(publics_done) struct publics *publics = NULL;
	AUTO(calm_done) struct calm *calm = NULL;
	uint64_t unread = 0;
	TRY(values_new(&values));
	TRY(publics_new(&publics));
	bool room = w->head.map.n <= CALM_SEGMENTS_MAX;
	if (room) {
		TRY(calm_new(&calm));
	} else {
		finders_done(&w->finders_too);
		record_writer_lend(&w->records, NULL);
	}
	const struct hunt_helper helper = { w->beside, w->memory_too, w->finders_too.all };
	struct hunt h = { .map = &w->head.map,
			  .memory = w->memory,
			  .values = values,
			  .publics = publics,
			  .helper = room && w->beside ? &helper : NULL,
			  .calm = calm };
	TRY(hunt_run(&h, w->finders.all, w->finders.n, &unread));
	if (h.untried)
		report_flaw(w->report, FLAW_UNTRIED, h.untried);
	if (publics_overflowed(publics))
		report_flaw(w->report, FLAW_PUBLICS, 1);
	w->facts.level = level;
	TRY(pass(w, level, &h, unread));
	w->facts.masked_bytes = report_bytes(w->report);
	w->facts.kept_bytes = w->out.size - w->out.zero_bytes - w->facts.masked_bytes;
	return CH_DONE;
}
