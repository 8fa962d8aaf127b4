/* Inside elfcore: what memory_live and memory_file share. */
#pragma once
#include "elfcore/memory.h"

/* How many of n bytes from addr lie in one segment and in the core, and where. */
size_t memory_part(const struct core_map *map, uint64_t addr, size_t n, uint64_t *ret_offset);
/* The first stretch of [addr, end) that the core holds, within one segment; NULL and
 * *ret_from == end: there is none. */
const struct core_load *memory_stretch(const struct core_map *map, uint64_t addr, uint64_t end,
				       uint64_t *ret_from, uint64_t *ret_to);
/* As many as there are; what cannot be read ends it. */
ch_err memory_pread(int fd, uint64_t at, void *to, size_t n, size_t *ret_n);
