/* Where the kernel meets something on its walk over memory that is reserved and empty. */
#pragma once
#include "coredump_internal.h"
#include "maps.h"

enum { STONES_MAX = 256 };
struct stones {
	struct stone {
		uint64_t at;
		bool writable;
	} all[STONES_MAX];
	size_t n;
};
/* Of one mapping: none if it is small, a file's or shared. */
void stones_choose(void *stones, const struct mapping *m);

/* Makes single pages of large private mappings exist, of zeros as they read anyway, so that the
 * kernel has to write when it comes by and sees that nobody reads any more. Until the headers of
 * the core have come it waits, ten seconds at most; it reads none of them. Failing costs time
 * alone. */
ch_err stones_lay(const struct crash *c);
