/* Where memory is cut in two. The memory is a crashed program's, of which some is known to be
 * zeros: as long as there are few ranges, what is in them counts; else the sizes of segments do. */
#include "halves.h"

#include "calm.h"

enum { RANGES_MAX = 512, LEAST = 4 * WINDOW_SIZE };

struct range {
	const struct core_load *load;
	uint64_t from, size;
};

struct ranges {
	size_t n;
	bool full;
	uint64_t sum;
	struct range of[RANGES_MAX];
};

bool core_load_is_kernels(const struct core_load *l)
{
	return l->addr >> 63;
}

static ch_err add_all(struct ranges *r, const struct core_load *l, struct core_memory *m)
{
	uint64_t at = l->addr, end = l->addr + l->file_size;
	while (at < end) {
		uint64_t from = end, to = end;
		TRY(m->next(m, at, end, &from, &to));
		at = to;
		if (from >= end)
			break;
		r->full = r->n == RANGES_MAX;
		if (r->full)
			break;
		r->of[r->n++] = (struct range){ l, from, to - from };
		r->sum += to - from;
	}
	return CH_DONE;
}

static ch_err add_sizes(struct ranges *r, const struct core_load *l, struct core_memory *m)
{
	(void)m;
	if (r->n == RANGES_MAX) {
		/* of so many segments few are large: the last ones are taken for one */
		r->of[r->n - 1].size += l->file_size;
	} else {
		r->of[r->n++] = (struct range){ l, l->addr, l->file_size };
	}
	r->sum += l->file_size;
	return CH_DONE;
}

typedef ch_err add_fn(struct ranges *r, const struct core_load *l, struct core_memory *m);

static ch_err each(struct ranges *r, const struct core_map *map, struct core_memory *m, add_fn *add)
{
	*r = (struct ranges){ 0 };
	for (size_t i = 0; i < map->n && !r->full; i++)
		if (!core_load_is_kernels(&map->loads[i]))
			TRY(add(r, &map->loads[i], m));
	return CH_DONE;
}

/* Within the segment, whatever is taken for a part of it. */
static uint64_t cut(const struct range *r, uint64_t n)
{
	uint64_t end = r->load->addr + r->load->file_size;
	uint64_t at = n < end - r->from ? r->from + n : end - 1, cell = at / CALM_CELL * CALM_CELL;
	return cell > r->load->addr ? cell : r->load->addr;
}

ch_err halves_of(const struct core_map *map, struct core_memory *memory, uint64_t *ret_at)
{
	struct ranges r;
	uint64_t before = 0;
	TRY(each(&r, map, memory, add_all));
	if (r.full)
		TRY(each(&r, map, memory, add_sizes));
	*ret_at = UINT64_MAX;
	for (size_t i = 0; i < r.n && r.sum >= LEAST; i++) {
		if (r.sum / 2 - before < r.of[i].size) {
			*ret_at = cut(&r.of[i], r.sum / 2 - before);
			return CH_DONE;
		}
		before += r.of[i].size;
	}
	return CH_DONE;
}
