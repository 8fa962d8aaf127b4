/* What is to be masked, until the bytes are final: then each byte shows the mark of the
 * strongest that claims it, and the report says so. Bytes are changed nowhere else. */
#include "base/sort.h"
#include "masker_internal.h"

/* The report's place of bytes that are no memory. */
static const uint64_t no_addr;

ch_err mask_add(struct masker *m, const struct mask *one)
{
	if (one->to <= m->final || one->from >= one->to)
		return CH_DONE;
	size_t recent = m->n_masks > 8 ? m->n_masks - 8 : 0;
	for (size_t i = recent; i < m->n_masks; i++) {
		const struct mask *k = &m->masks[i];
		if (k->from == one->from && k->to == one->to && k->class == one->class)
			return CH_DONE;
	}
	if (m->n_masks == MASKS_MAX)
		return ch_fail(CH_E_LIMIT, "too many secrets side by side", m->n_masks);
	m->masks[m->n_masks++] = *one;
	return CH_DONE;
}

static bool is_weaker(const void *a, const void *b)
{
	const struct mask *x = a, *y = b;
	if (x->class != y->class)
		return x->class < y->class;
	return x->to - x->from < y->to - y->from;
}

/* Arguments and environment: what a program was told there is nobody's to see. */
static bool claim_words(struct masker *m, size_t n)
{
	uint64_t from = m->setup.words_from, to = m->setup.words_to, end = m->final + n;
	from = from > m->final ? from : m->final;
	to = to < end ? to : end;
	if (!m->is_memory || from >= to)
		return false;
	for (uint64_t at = from; at < to; at++)
		m->owners[at - m->final] = WORDS_OWNER;
	return true;
}

static bool claim_masks(struct masker *m, size_t n)
{
	uint64_t end = m->final + n;
	bool any = false;
	for (size_t i = 0; i < m->n_masks; i++) {
		const struct mask *k = &m->masks[i];
		uint64_t from = k->from > m->final ? k->from : m->final;
		uint64_t to = k->to < end ? k->to : end;
		for (uint64_t at = from; at < to; at++)
			m->owners[at - m->final] = (uint16_t)(i + 1);
		any |= from < to;
	}
	return any;
}

static void paint(struct masker *m, uint8_t *p, size_t from, size_t to)
{
	uint16_t owner = m->owners[from];
	uint64_t addr = m->final + from;
	struct report_place place = { VALUE_RANDOM, LIT("random-window"), LIT(""), addr,
				      to - from };
	struct mark random = { .kind = VALUE_RANDOM, .repeated = true };
	struct mark words = { .kind = VALUE_WORDS, .repeated = true };
	if (owner == RANDOM_OWNER) {
		mark_put(&random, p + from, to - from, addr % RANDOM_WINDOW, UINT64_MAX);
	} else if (owner == WORDS_OWNER) {
		mark_put(&words, p + from, to - from, addr - m->setup.words_from, UINT64_MAX);
		place.kind = VALUE_WORDS;
		place.finder = LIT("arguments");
	} else {
		const struct mask *k = &m->masks[owner - 1];
		mark_put(&k->mark, p + from, to - from, addr - k->from, k->to - k->from);
		place.kind = (enum value_kind)k->mark.kind;
		place.finder = k->finder;
		place.form = k->form;
	}
	if (!m->is_memory)
		place.addr = no_addr;
	report_masked(m->setup.report, &place);
}

static void paint_all(struct masker *m, uint8_t *p, size_t n)
{
	for (size_t at = 0; at < n;) {
		size_t end = owner_end(m->owners, at, n);
		if (m->owners[at])
			paint(m, p, at, end);
		at = end;
	}
}

static void drop_done(struct masker *m)
{
	size_t kept = 0;
	for (size_t i = 0; i < m->n_masks; i++) {
		if (m->masks[i].to > m->final)
			m->masks[kept++] = m->masks[i];
	}
	m->n_masks = kept;
}

static void finish_step(struct masker *m, const struct finish *f)
{
	bool any = mask_random(m, f);
	any |= claim_words(m, f->n);
	any |= claim_masks(m, f->n);
	if (any) {
		paint_all(m, f->p, f->n);
		mem_zero(m->owners, f->n * sizeof(m->owners[0]));
	}
	m->final += f->n;
}

void mask_finish(struct masker *m, const struct finish *f)
{
	if (m->n_masks > 1 && f->n)
		sort_in_place(m->masks, m->n_masks, sizeof(m->masks[0]), is_weaker);
	for (size_t at = 0; at < f->n;) {
		size_t left = f->n - at;
		size_t n = left <= MASK_STEP ? left : mask_step(f->p + at, MASK_STEP);
		struct finish step = { f->p + at, n, f->there - at };
		finish_step(m, &step);
		at += step.n;
	}
	drop_done(m);
}
