/* The memory of a process that crashed, at random: while it waits in its dump, through
 * /proc/PID/mem, or in a core that is a file. Both look the same to whoever reads. */
#pragma once
#include "elfcore/map.h"

struct core_memory {
	/* Reads at most n bytes from addr. *ret_n is how many could be read, 0 when there is
	 * nothing (not mapped, not in the core); only a broken source is an error. */
	ch_err (*read)(struct core_memory *m, uint64_t addr, void *to, size_t n, size_t *ret_n);
	/* The first range in [addr, end) that may hold anything but zeros, so that memory that
	 * was never touched costs nothing. *ret_from == end: there is none. */
	ch_err (*next)(struct core_memory *m, uint64_t addr, uint64_t end, uint64_t *ret_from,
		       uint64_t *ret_to);
};

/* The descriptors and the map stay the caller's. Only what the map says is in the core
 * (file_size of each segment) is ever read: what a program kept out of its dumps stays out.
 * A read may go over from one segment to the next. */
enum { MEMORY_REGIONS = 256 };
struct memory_region {
	uint64_t from, to, what;
};
struct memory_live {
	struct core_memory memory;
	const struct core_map *map;
	int mem_fd, pagemap_fd;         /* pagemap -1: all is taken to be touched */
	const struct core_load *judged; /* of which `sparse` is known */
	bool sparse;                    /* only the pages that it has are worth a look */
	bool no_scan;                   /* the kernel has no PAGEMAP_SCAN */
	/* what there is in [asked_from, asked_to), as the kernel said last */
	uint64_t asked_from, asked_to;
	size_t n_regions;
	struct memory_region regions[MEMORY_REGIONS];
};
void memory_live_init(struct memory_live *m, const struct core_map *map, int mem_fd,
		      int pagemap_fd);

/* The descriptor's position is moved, and does not matter. */
struct memory_file {
	struct core_memory memory;
	const struct core_map *map;
	int fd;
	uint64_t size; /* of the file */
	/* as was last asked: a hole up to data_from, data up to data_to */
	uint64_t hole_from, data_from, data_to;
	uint64_t run;           /* how long data were that were asked for last */
	unsigned same, guessed; /* in a row: as long as the one before, and guessed so */
};
ch_err memory_file_init(struct memory_file *m, const struct core_map *map, int fd);

/* All n bytes, or E_NOT_FOUND. */
ch_err memory_exactly(struct core_memory *m, uint64_t addr, void *to, size_t n);
