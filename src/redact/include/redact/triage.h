/* The default level: nothing of the memory is kept but what a debugger needs to tell where
 * each thread was: stack words that are return addresses (into executable mappings of
 * files, behind a call instruction) or point into the same stack, what a signal saved of
 * pc and sp, the list of loaded libraries, headers of mapped files, registers likewise. The
 * result is a small core of its own: pages in which something is kept, all else of them
 * 0xc5, and the memory map. Memory: at most 8 MiB, whatever the core. */
#pragma once
#include "elfcore/core.h"
#include "elfcore/memory.h"

enum { TRIAGE_MASKED = 0xc5 };

struct triage_result {
	uint64_t size_bytes;  /* of the core that was written */
	uint64_t kept_bytes;  /* of memory */
	uint64_t unread;      /* bytes that were there and could not be read */
	uint64_t unseen_code; /* stack words masked since the code they lead to was not seen */
	uint64_t cut_threads; /* whose stacks are too many or too long to be kept whole */
};

/* head has all notes that were kept (core.h). Reads memory at random, writes the whole core
 * from its first byte to the last. code: gives what executable mappings of files hold,
 * which cores mostly lack (code.h); its words decide alone, and none is written. NULL: the
 * core's own. */
ch_err triage_write(const struct core_head *head, struct core_memory *memory,
		    struct core_memory *code_or_null, struct core_sink *sink,
		    struct triage_result *ret_result);
