/* What is to be masked, until the bytes are final: then each byte shows the mark of the
 * strongest that claims it, and the report says so. Bytes are changed nowhere else. */
#include <stdlib.h>

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

static int weaker_first(const void *a, const void *b)
{
	const struct mask *x = a, *y = b;
	uint64_t nx = x->to - x->from, ny = y->to - y->from;
	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	return nx < ny ? -1 : nx > ny;
}

/* What begins in these bytes and looks random. What holds code and constants of files
 * is public. */
static bool claim_random(struct masker *m, const uint8_t *p, size_t n, size_t there)
{
	const struct core_load *load = core_map_at(m->setup.map, m->final);
	bool constant = load && load->file_backed && !(load->flags & CORE_WRITE);
	bool any = m->random_to > m->final;
	size_t carried = any ? (size_t)(m->random_to - m->final) : 0;
	for (size_t i = 0; i < carried && i < n; i++)
		m->owners[i] = RANDOM_OWNER;
	if (!m->is_memory || m->setup.level != LEVEL_STRICT || constant)
		return any;
	for (size_t at = 0; at < n; at += RANDOM_BLOCK) {
		size_t size = n - at < RANDOM_BLOCK ? n - at : RANDOM_BLOCK;
		size_t covered = random_find(&m->random, p + at, size, there - at, m->owners + at,
					     RANDOM_OWNER);
		if (!covered)
			continue;
		any = true;
		for (size_t i = size; i < covered && at + i < n; i++)
			m->owners[at + i] = RANDOM_OWNER;
		m->random_to = m->final + at + covered;
	}
	return any;
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
	if (owner == RANDOM_OWNER) {
		mark_put(&random, p + from, to - from, addr % RANDOM_WINDOW, UINT64_MAX);
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
		size_t end = at + 1;
		while (end < n && m->owners[end] == m->owners[at])
			end++;
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

void mask_finish(struct masker *m, uint8_t *p, uint64_t to, uint64_t end)
{
	if (m->n_masks > 1 && to > m->final)
		qsort(m->masks, m->n_masks, sizeof(m->masks[0]), weaker_first);
	while (m->final < to) {
		uint64_t left = to - m->final;
		size_t n = left < MASK_STEP ? (size_t)left : MASK_STEP;
		bool any = claim_random(m, p, n, (size_t)(end - m->final));
		any |= claim_masks(m, n);
		if (any) {
			paint_all(m, p, n);
			mem_zero(m->owners, n * sizeof(m->owners[0]));
		}
		m->final += n;
		p += n;
	}
	drop_done(m);
}
