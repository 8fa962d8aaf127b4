/* The default level: nothing of the memory is kept but what a debugger needs to tell where
 * each thread was: stack words that are return addresses (into executable mappings of
 * files, behind a call instruction) or point into the same stack, the list of loaded
 * libraries, registers likewise. The result is a small core of its own: page runs in which
 * something is kept, all else of them 0xc5, and the memory map. */
#pragma once
#include "elfcore/core.h"
#include "elfcore/memory.h"
#include "redact/report.h"

/* head has all notes that were kept (core.h). Reads memory at random, writes the whole core
 * from its first byte to the last. */
ch_err triage_write(const struct core_head *head, struct core_memory *memory,
		    struct core_sink *sink, struct report *report);
