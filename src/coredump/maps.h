/* What a process has mapped, as the kernel lists it in /proc/PID/maps. Believed are the numbers;
 * names are the crasher's and are not read. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

struct mapping {
	uint64_t from, to, offset, inode; /* inode 0: no file */
	uint32_t major, minor;            /* of the file system */
	bool writable, shared;
};

/* "from-to rwxs offset major:minor inode" and whatever follows. */
bool maps_line(str line, struct mapping *ret_m);

typedef void on_mapping(void *of, const struct mapping *m);
/* Each mapping of /proc/PID (an open folder), in the order of addresses. */
ch_err maps_walk(int proc, on_mapping *with, void *of);
