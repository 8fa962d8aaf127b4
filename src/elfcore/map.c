/* The segments of a core by address. It trusts that they were checked and sorted when they
 * were read, and must never say of an address that lies in none that it does. */
#include "elfcore/map.h"

#include <stdlib.h>

const struct core_load *core_map_from(const struct core_map *m, uint64_t addr)
{
	size_t from = 0;
	size_t to = m->n;
	while (from < to) {
		size_t mid = from + (to - from) / 2;
		const struct core_load *l = &m->loads[mid];
		if (addr < l->addr || addr - l->addr < l->mem_size)
			to = mid;
		else
			from = mid + 1;
	}
	return from < m->n ? &m->loads[from] : NULL;
}

const struct core_load *core_map_at(const struct core_map *m, uint64_t addr)
{
	const struct core_load *l = core_map_from(m, addr);
	return l && addr >= l->addr ? l : NULL;
}

/* Guard pages are seldom larger; the main thread's stack ends at nothing at all. */
enum { STACK_GUARD_MAX = 1024 * 1024 };

const struct core_load *core_map_stack(const struct core_map *m, uint64_t sp)
{
	const struct core_load *l = core_map_from(m, sp);
	for (; l && l < m->loads + m->n; l++) {
		if (l->addr > sp && l->addr - sp > STACK_GUARD_MAX)
			return NULL;
		if (l->flags & CORE_WRITE)
			return l;
	}
	return NULL;
}

void core_map_done(struct core_map *m)
{
	free(m->loads);
	*m = (struct core_map){ 0 };
}

void core_map_lay_out(struct core_map *m, uint64_t n_notes)
{
	m->headers_size = CORE_HEADER_SIZE + CORE_SEGMENT_SIZE * (m->n + (n_notes > 0));
	m->notes_offset = n_notes ? m->headers_size : 0;
	m->notes_size = n_notes;
	uint64_t at = m->headers_size + n_notes;
	at = (at + CORE_PAGE - 1) & ~(uint64_t)(CORE_PAGE - 1);
	for (size_t i = 0; i < m->n; i++) {
		m->loads[i].offset = at;
		at += m->loads[i].file_size;
	}
	m->size = at;
	m->in_order = true;
}
