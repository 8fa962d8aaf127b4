/* What both kinds of memory share: a range is cut at the segments, and nothing outside of
 * what the core holds of them is touched. */
#include "memory_inside.h"

#include <errno.h>
#include <unistd.h>

size_t memory_part(const struct core_map *map, uint64_t addr, size_t n, uint64_t *ret_offset)
{
	const struct core_load *l = core_map_at(map, addr);
	uint64_t in = l ? addr - l->addr : 0;
	if (!l || in >= l->file_size)
		return 0;
	*ret_offset = l->offset + in;
	return n < l->file_size - in ? n : (size_t)(l->file_size - in);
}

const struct core_load *memory_stretch(const struct core_map *map, uint64_t addr, uint64_t end,
				       uint64_t *ret_from, uint64_t *ret_to)
{
	const struct core_load *l = addr < end ? core_map_from(map, addr) : NULL;
	for (; l && l < map->loads + map->n && l->addr < end; l++) {
		uint64_t to = l->addr + l->file_size;
		uint64_t from = addr > l->addr ? addr : l->addr;
		if (from >= to)
			continue;
		*ret_from = from;
		*ret_to = to < end ? to : end;
		return l;
	}
	*ret_from = end;
	*ret_to = end;
	return NULL;
}

ch_err memory_pread(int fd, uint64_t at, void *to, size_t n, size_t *ret_n)
{
	size_t got = 0;
	while (got < n && at <= INT64_MAX - n) {
		ssize_t r = pread(fd, (uint8_t *)to + got, n - got, (off_t)(at + got));
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0 && (errno == EBADF || errno == EINVAL || errno == ESPIPE))
			return ch_fail(CH_E_IO, "memory cannot be read at random", errno);
		if (r <= 0)
			break;
		got += (size_t)r;
	}
	*ret_n = got;
	return CH_DONE;
}

ch_err memory_exactly(struct core_memory *m, uint64_t addr, void *to, size_t n)
{
	size_t got = 0;
	while (got < n) {
		size_t part = 0;
		TRY(m->read(m, addr + got, (uint8_t *)to + got, n - got, &part));
		if (part == 0)
			return ch_fail(CH_E_NOT_FOUND, "memory that the core does not hold",
				       addr + got);
		got += part;
	}
	return CH_DONE;
}
