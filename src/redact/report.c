/* Counts what was done to a dump. It is told kinds, literals and addresses, never bytes; of
 * texts from the core there are only path and build id, cut to their room. */
#include <errno.h>
#include <stdlib.h>

#include "report_internal.h"

_Static_assert(sizeof(struct report) <= REPORT_TEXT_MAX, "a report is at most 1 MiB");

ch_err report_new(struct report **ret_r)
{
	struct report *r = calloc(1, sizeof(*r));
	if (!r)
		return ch_fail(CH_E_NOMEM, "no memory for a report", ENOMEM);
	*ret_r = r;
	return CH_DONE;
}

void report_done(struct report **r)
{
	free(*r);
	*r = NULL;
}

/* Does it go on where the last place ended? */
static bool goes_on(const struct report *r, const struct report_place *p)
{
	if (!r->n_places)
		return false;
	const struct report_place *last = &r->places[r->n_places - 1];
	return last->kind == p->kind && last->addr + last->n == p->addr &&
	       str_eq(last->finder, p->finder) && str_eq(last->form, p->form);
}

void report_masked(struct report *r, const struct report_place *p)
{
	struct kind_count *kind = &r->kinds[p->kind];
	kind->bytes += p->n;
	if (goes_on(r, p)) {
		r->places[r->n_places - 1].n += p->n;
		return;
	}
	kind->places++;
	/* what looks random is everywhere: it leaves room for what was found */
	size_t most = p->kind == VALUE_RANDOM ? REPORT_PLACES_MAX / 4 : REPORT_PLACES_MAX;
	if (r->n_places < most)
		r->places[r->n_places++] = *p;
	else
		r->places_left_out++;
}

void report_flaw(struct report *r, enum report_flaw f, uint64_t n)
{
	r->flaws[f].times++;
	r->flaws[f].n += n;
}

bool report_whole(const struct report *r)
{
	for (unsigned i = 0; i < FLAW_COUNT; i++) {
		if (r->flaws[i].times)
			return false;
	}
	return true;
}

bool report_cut(const struct report *r)
{
	return r->flaws[FLAW_CUT].times || r->flaws[FLAW_UNSUPPORTED].times;
}

uint64_t report_secrets(const struct report *r)
{
	uint64_t all = 0;
	for (unsigned i = 0; i < VALUE_KIND_COUNT; i++)
		all += i == VALUE_RANDOM || i == VALUE_WORDS ? 0 : r->kinds[i].places;
	return all;
}

uint64_t report_bytes(const struct report *r)
{
	uint64_t all = 0;
	for (unsigned i = 0; i < VALUE_KIND_COUNT; i++)
		all += r->kinds[i].bytes;
	return all;
}

static str kept(char *room, size_t cap, str text)
{
	size_t n = text.n < cap ? text.n : cap;
	mem_copy(room, text.p, n);
	return (str){ room, n };
}

void report_set(struct report *r, const struct report_facts *f)
{
	str executable = kept(r->path, sizeof(r->path), f->executable);
	str build_id = kept(r->build_id, sizeof(r->build_id), f->build_id);
	r->facts = *f;
	r->facts.executable = executable;
	r->facts.build_id = build_id;
	r->has_facts = true;
}
