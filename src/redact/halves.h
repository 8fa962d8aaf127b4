/* Where memory is cut in two, so that two threads have about as much to look through. */
#pragma once
#include "redact/finder.h"

/* *ret_at: the first address of the later half, in a segment, where one of calm.h's cells starts.
 * UINT64_MAX: there is too little of it to share. */
ch_err halves_of(const struct core_map *map, struct core_memory *memory, uint64_t *ret_at);
