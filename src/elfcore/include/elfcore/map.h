/* What an ELF core says of the memory of the process: its PT_LOAD segments. Everything in a
 * core was chosen by the program that crashed, so nothing here is believed before it is
 * checked; sizes are bounded before anything is allocated. x86-64, ELF64, little endian;
 * other cores are E_UNSUPPORTED. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

enum {
	CORE_LOADS_MAX = 1 << 18,
	CORE_HEADER_SIZE = 64,  /* Elf64_Ehdr */
	CORE_SEGMENT_SIZE = 56, /* Elf64_Phdr */
	CORE_PAGE = 4096
};

/* As PF_X, PF_W, PF_R; and by core_notes_read: some thread's stack pointer leads here; it is of a
 * file that is code elsewhere, so no file or shared memory of data. */
enum core_flags {
	CORE_EXEC = 1,
	CORE_WRITE = 2,
	CORE_READ = 4,
	CORE_STACK = 256,
	CORE_PROGRAM = 512
};

struct core_load {
	uint64_t addr;
	uint64_t mem_size;  /* bytes of address space; addr + mem_size does not wrap around */
	uint64_t file_size; /* of which so many are in the core, at offset; ≤ mem_size */
	uint64_t offset;
	uint32_t flags;   /* enum core_flags */
	bool file_backed; /* NT_FILE names a file for it (known after core_notes_read) */
};

/* Sorted by address, not overlapping. */
struct core_map {
	struct core_load *loads;
	size_t n;
	uint64_t notes_offset, notes_size; /* the one PT_NOTE; 0, 0 without */
	uint64_t size;         /* where the last segment ends: a core that is shorter was cut */
	uint64_t headers_size; /* where the program headers end */
	uint64_t left_out;     /* segments that lied about themselves or overlapped */
	bool in_order; /* headers, notes, then memory by rising address: as the kernel writes
			* it. Else the core is none to be read as a stream (gcore's are not) */
};

/* The segment in which addr lies, or NULL. */
const struct core_load *core_map_at(const struct core_map *m, uint64_t addr);
/* The first segment that ends behind addr: the one in which it lies or the next; NULL when
 * there is none. */
const struct core_load *core_map_from(const struct core_map *m, uint64_t addr);
/* The stack of a thread with this stack pointer: the writable segment in which it lies, or,
 * when it has run over its end, the one right above. NULL: none. */
const struct core_load *core_map_stack(const struct core_map *m, uint64_t sp);
void core_map_done(struct core_map *m);

/* Offsets anew, as the kernel lays a core out: headers, n_notes bytes of notes, and from
 * the next page on each segment's file_size bytes by rising address. */
void core_map_lay_out(struct core_map *m, uint64_t n_notes);
