/* What an ELF core says of the memory of the process: its PT_LOAD segments. Everything in a
 * core was chosen by the program that crashed, so nothing here is believed before it is
 * checked; sizes are bounded before anything is allocated. x86-64, ELF64, little endian;
 * other cores are E_UNSUPPORTED. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

enum {
	CORE_LOADS_MAX = 1 << 18,
	CORE_HEADER_SIZE = 64, /* Elf64_Ehdr */
	CORE_SEGMENT_SIZE = 56 /* Elf64_Phdr */
};

enum core_flags { CORE_EXEC = 1, CORE_WRITE = 2, CORE_READ = 4 }; /* as PF_X, PF_W, PF_R */

struct core_load {
	uint64_t addr;
	uint64_t mem_size;  /* bytes of address space; never wraps around */
	uint64_t file_size; /* of which so many are in the core, at offset; ≤ mem_size */
	uint64_t offset;
	uint32_t flags;   /* enum core_flags */
	bool file_backed; /* NT_FILE names a file for it (set by core_map_files) */
};

/* Sorted by address, not overlapping. */
struct core_map {
	struct core_load *loads;
	size_t n;
	uint64_t notes_offset, notes_size; /* the one PT_NOTE; 0, 0 without */
	uint64_t size; /* where the last segment ends: a core that is shorter was cut */
};

/* The segment in which addr lies, or NULL. */
const struct core_load *core_map_at(const struct core_map *m, uint64_t addr);
void core_map_done(struct core_map *m);
