/* Looking up in a head what its notes said. It trusts that they were checked and sorted. */
#include <stdlib.h>

#include "elfcore/core.h"

void core_head_done(struct core_head *h)
{
	core_map_done(&h->map);
	free(h->files);
	free(h->file_text);
	free(h->threads);
	free(h->notes);
	*h = (struct core_head){ 0 };
}

const struct core_file *core_file_at(const struct core_head *h, uint64_t addr)
{
	size_t from = 0;
	size_t to = h->n_files;
	while (from < to) {
		size_t mid = from + (to - from) / 2;
		const struct core_file *f = &h->files[mid];
		if (addr >= f->from && addr < f->to)
			return f;
		if (addr < f->from)
			to = mid;
		else
			from = mid + 1;
	}
	return NULL;
}

bool core_is_code(const struct core_head *h, uint64_t addr)
{
	const struct core_file *f = core_file_at(h, addr);
	const struct core_load *l = core_map_at(&h->map, addr);
	if (!f)
		return false;
	return l ? l->flags & CORE_EXEC : f->code;
}
