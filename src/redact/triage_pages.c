/* The pages that the result has, as runs. When there are too many runs, neighbours become
 * one: some pages more in which nothing is kept. */
#include "triage_internal.h"

#include "base/sort.h"

static bool run_less(const void *a, const void *b)
{
	return ((const struct run *)a)->from < ((const struct run *)b)->from;
}

/* Both in one segment, and not further apart than gap? */
static bool near(const struct core_map *m, const struct run *a, const struct run *b, uint64_t gap)
{
	if (b->from <= a->to)
		return true;
	const struct core_load *l = core_map_at(m, a->from);
	return b->from - a->to <= gap && l && b->from - l->addr < l->file_size;
}

static void join(struct triage *t, uint64_t gap)
{
	struct pages *p = &t->pages;
	size_t n = 0;
	if (!p->runs)
		return;
	for (size_t i = 0; i < p->n; i++) {
		struct run *last = n ? &p->runs[n - 1] : NULL;
		if (!last || !near(&t->head->map, last, &p->runs[i], gap))
			p->runs[n++] = p->runs[i];
		else if (p->runs[i].to > last->to)
			last->to = p->runs[i].to;
	}
	p->n = n;
}

void pages_sort(struct triage *t)
{
	sort_in_place(t->pages.runs, t->pages.n, sizeof(struct run), run_less);
	join(t, 0);
}

/* A quarter must be free, or the next one would come here again. */
static void make_room(struct triage *t)
{
	pages_sort(t);
	for (uint64_t gap = CORE_PAGE; t->pages.n > RUNS_MAX / 4 * 3 && gap; gap *= 2)
		join(t, gap);
}

void pages_add(struct triage *t, uint64_t from, uint64_t to)
{
	struct pages *p = &t->pages;
	const struct core_load *l = core_map_at(&t->head->map, from);
	if (!l || from >= to || !p->runs)
		return;
	struct run r = { from - (from - l->addr) % CORE_PAGE, to };
	uint64_t end = l->addr + l->file_size, over = (to - l->addr) % CORE_PAGE;
	if (over)
		r.to = to - over + (end - (to - over) < CORE_PAGE ? end - (to - over) : CORE_PAGE);
	struct run *last = p->n ? &p->runs[p->n - 1] : NULL;
	if (last && last->from <= r.from && r.from <= last->to &&
	    core_map_at(&t->head->map, last->from) == l) {
		if (r.to > last->to)
			last->to = r.to;
		return;
	}
	if (p->n == RUNS_MAX)
		make_room(t);
	/* segments that are all apart: the highest go without */
	if (p->n < RUNS_MAX)
		p->runs[p->n++] = r;
}

size_t pages_from(const struct pages *p, uint64_t addr)
{
	size_t from = 0, to = p->n;
	while (from < to) {
		size_t mid = from + (to - from) / 2;
		if (p->runs[mid].to <= addr)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}
