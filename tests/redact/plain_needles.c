/* Every form of every value against every place of the memory. */
#include "plain_needles.h"

#include <stdlib.h>

#if defined(__clang__)
/* a fuzzer learns nothing here, and would take ten times as long */
#pragma clang attribute push(__attribute__((no_sanitize("coverage"))), apply_to = function)
#endif

struct seek {
	struct form_taker taker;
	const struct needle_value *v;
	bytes memory;
	size_t piece;
	uint8_t *covered;
	unsigned form;
};

static void cover(struct seek *s, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		s->covered[i] = 1;
}

static void run_ends(struct seek *s, size_t form_size, size_t at, size_t run)
{
	bool enough = run >= s->piece || run == form_size;
	if (run && enough && needle_counts(s->v, s->form, s->memory.p + at - run, run))
		cover(s, at - run, at);
}

/* All runs in which memory[d + i] is form[i]. */
static void diagonal(struct seek *s, bytes form, ptrdiff_t d)
{
	size_t i = d < 0 ? (size_t)-d : 0, at = d < 0 ? 0 : (size_t)d, run = 0;
	for (; i < form.n && at < s->memory.n; i++, at++) {
		if (s->memory.p[at] == form.p[i]) {
			run++;
			continue;
		}
		if (run)
			run_ends(s, form.n, at, run);
		run = 0;
	}
	run_ends(s, form.n, at, run);
}

static bool edge(const struct seek *s, ptrdiff_t at, size_t width)
{
	if (at < 0 || at + (ptrdiff_t)width > (ptrdiff_t)s->memory.n)
		return true;
	return needle_is_edge(s->memory.p[at]) && (width == 1 || !s->memory.p[at + 1]);
}

static void whole(struct seek *s, bytes form, size_t width)
{
	for (size_t at = 0; at + form.n <= s->memory.n; at++) {
		bool bare = form.n / width >= NEEDLE_BARE;
		if (mem_eq(s->memory.p + at, form.p, form.n) &&
		    (bare || (edge(s, (ptrdiff_t)at - (ptrdiff_t)width, width) &&
			      edge(s, (ptrdiff_t)(at + form.n), width))))
			cover(s, at, at + form.n);
	}
}

static void one_form(struct seek *s, bytes form)
{
	if (form.n < NEEDLE_SHORT) {
		whole(s, form, s->form ? 2 : 1);
		return;
	}
	for (ptrdiff_t d = -(ptrdiff_t)form.n; d < (ptrdiff_t)s->memory.n; d++)
		diagonal(s, form, d);
}

void plain_needles(const struct values *values, bytes memory, size_t piece, uint8_t *covered)
{
	static uint8_t room[FORM_SIZE_MAX];
	for (size_t k = 0; k < values_count(values); k++) {
		const struct value *v = values_at(values, k);
		struct needle_value n = { form_value_of(v->is, v->number), v->kind };
		struct seek s = { .v = &n, .memory = memory, .piece = piece, .covered = covered };
		for (s.form = 0; s.form < forms_count(); s.form++) {
			size_t size = form_is_utf16be(s.form) ? 0 : form_size(s.form, &n.is);
			for (size_t i = 0; i < size; i++)
				room[i] = form_byte(s.form, &n.is, i);
			if (size)
				one_form(&s, (bytes){ room, size });
		}
	}
}

#if defined(__clang__)
#pragma clang attribute pop
#endif
