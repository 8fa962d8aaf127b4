/* What the code of a process says, to be looked at and never written: cores mostly lack it.
 * While the process waits it is read there; for a core that is a file, from the files that
 * were mapped, each of which is believed only if it begins as the mapping does. */
#pragma once
#include "elfcore/core.h"
#include "elfcore/memory.h"

/* Gives executable mappings of files alone. The descriptor (/proc/PID/mem) stays the caller's. */
struct code_live {
	struct core_memory memory;
	const struct core_head *head;
	int mem_fd;
};
void code_live_init(struct code_live *c, const struct core_head *head, int mem_fd);

/* Who opens a file by the path of a mapping, to be read; E_NOT_FOUND: there is none to be had.
 * The descriptor becomes the caller's. */
struct code_opener {
	ch_err (*open)(struct code_opener *o, str path, int *ret_fd);
};

enum { CODE_FILES_MAX = 512 }; /* files that are opened; code of more is not seen */

/* Opens each file when it is needed first, once. head, memory and opener stay the caller's and
 * must outlive it. */
struct code_files;
ch_err code_files_new(const struct core_head *head, struct core_memory *memory,
		      struct code_opener *opener, struct code_files **ret_c);
void code_files_done(struct code_files **c);
struct core_memory *code_files_memory(struct code_files *c);
/* Files that were wanted, and those of them that were not to be had. */
void code_files_count(const struct code_files *c, size_t *ret_wanted, size_t *ret_missing);
