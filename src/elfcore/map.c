/* The segments of a core by address. It trusts that they were checked and sorted when they
 * were read, and must never write to them. */
#include "elfcore/map.h"

#include <stdlib.h>

const struct core_load *core_map_at(const struct core_map *m, uint64_t addr)
{
	size_t from = 0;
	size_t to = m->n;
	while (from < to) {
		size_t mid = from + (to - from) / 2;
		const struct core_load *l = &m->loads[mid];
		if (addr - l->addr < l->mem_size)
			return l;
		if (addr < l->addr)
			to = mid;
		else
			from = mid + 1;
	}
	return NULL;
}

void core_map_done(struct core_map *m)
{
	free(m->loads);
	*m = (struct core_map){ 0 };
}
