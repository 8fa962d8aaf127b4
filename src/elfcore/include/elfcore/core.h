/* The head of a core: ELF header, segments, notes. It comes first in what the kernel
 * writes, and is read forward, so that a pipe will do. Memory: some 48 bytes a segment, what
 * NT_FILE holds (16 MiB at most, of which 4 are kept), and of each thread its stack pointer. */
#pragma once
#include "elfcore/map.h"

/* Where a core comes from: forward only. *ret_n < n: that was the end. */
struct core_input {
	ch_err (*read)(struct core_input *in, void *to, size_t n, size_t *ret_n);
	uint64_t done; /* bytes read so far; whoever reads counts */
};

/* Where a core goes: to a packer (records.h of dumpstore) or a test's buffer. */
struct core_sink {
	ch_err (*put)(struct core_sink *s, bytes b);
	ch_err (*fill)(struct core_sink *s, uint8_t with, uint64_t n);
};

/* A mapping of a file, from NT_FILE; sorted by address. */
struct core_file {
	uint64_t from, to, offset; /* addresses; offset in bytes into the file */
	str path;                  /* as the core says; points into the head */
};

struct core_thread {
	uint32_t tid;
	uint64_t pc, sp, bp, fs_base;
};

enum { CORE_THREADS_MAX = 1 << 16, CORE_NOTE_MAX = 64 * 1024, CORE_FILES_MAX = 4 * 1024 * 1024 };

struct core_head {
	struct core_map map;
	struct core_file *files;
	size_t n_files;
	char *file_text;             /* what the paths point into */
	struct core_thread *threads; /* the one that crashed first */
	size_t n_threads;
	int signal; /* 0: no NT_SIGINFO and no NT_PRSTATUS said */
	uint64_t auxv_phdr, auxv_phnum, auxv_vdso, auxv_entry; /* AT_…; 0: unknown */
	/* the notes as they shall be written (see notes_mask), whole ones only, for triage */
	uint8_t *notes;
	size_t n_notes;
	uint64_t threads_left_out; /* whose notes did not fit */
};
void core_head_done(struct core_head *h);

const struct core_file *core_file_at(const struct core_head *h, uint64_t addr);
/* Executable, and of a file. */
bool core_is_code(const struct core_head *h, uint64_t addr);

/* First step: ELF header and segments, with which all memory can be walked. The count is told
 * by where the notes begin when there are more than a header can say (PN_XNUM: what says it
 * stands at the end of the core). E_UNSUPPORTED: another class, order, machine or type;
 * E_SYNTAX, E_RANGE: it lies about itself; E_TRUNCATED: it ends. */
ch_err core_segments_read(struct core_input *in, struct core_head *ret_head);

/* Second step, to where the notes end. As they pass they are masked, always alike:
 * registers but pc, sp, bp, segments, flags and what points into code or a stack; all of
 * FP and vector state; si_addr and si_value; the arguments; in NT_FILE what
 * stands behind a home or mail folder. Notes that are not known are zeroed. With a sink each
 * passes on; without, they are kept in head->notes as long as they fit into 16 MiB.
 * The layout does not change. */
ch_err core_notes_read(struct core_input *in, struct core_head *head,
		       struct core_sink *sink_or_null);

/* Header and segments as bytes of a core in which n_notes bytes of notes follow and each
 * segment lies where its offset says; for whoever writes a core. */
ch_err core_segments_write(const struct core_map *map, struct core_sink *sink);
