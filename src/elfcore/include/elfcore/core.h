/* The head of a core: ELF header, segments, notes. It comes first in what the kernel
 * writes, and is read forward, so that a pipe will do. Memory: some 48 bytes a segment, what
 * NT_FILE holds (16 MiB at most, of which 4 are kept), and of each thread its stack pointer. */
#pragma once
#include "elfcore/map.h"
#include "elfcore/memory.h"

/* Where a core comes from. read: as many as are wanted; *ret_n < n: that was the end. It
 * does not count; core_input_read does, through which all reading goes. */
struct core_input {
	ch_err (*read)(struct core_input *in, void *to, size_t n, size_t *ret_n);
	/* leaves n bytes out; NULL: it can only be read forward */
	ch_err (*skip)(struct core_input *in, uint64_t n);
	uint64_t done; /* bytes read and left out so far */
};
ch_err core_input_read(struct core_input *in, void *to, size_t n, size_t *ret_n);
/* All n bytes, or E_TRUNCATED; detail: where the core ends. */
ch_err core_input_exactly(struct core_input *in, void *to, size_t n);

/* From a descriptor, which stays the caller's: a pipe or socket, or a file, which is read
 * from its start by pread and can leave bytes out. */
struct core_input_fd {
	struct core_input input;
	int fd;
};
void core_input_stream(struct core_input_fd *in, int fd);
void core_input_file(struct core_input_fd *in, int fd);

/* Where a core goes: to a packer (records.h of dumpstore) or a test's buffer. */
struct core_sink {
	ch_err (*put)(struct core_sink *s, bytes b);
	ch_err (*fill)(struct core_sink *s, uint8_t with, uint64_t n);
};

/* A mapping of a file, from NT_FILE; sorted by address. */
struct core_file {
	uint64_t from, to, offset; /* addresses; offset in bytes into the file */
	str path;  /* as the core says: to be shown only after core_path_mask; in the head */
	bool code; /* by core_files_find_code: executable, though the core has no segment */
};

struct core_thread {
	uint32_t tid;
	uint64_t pc, sp, bp, fs_base;
};

enum {
	CORE_THREADS_MAX = 1 << 16,
	CORE_NOTE_MAX = 64 * 1024,          /* a longer one is zeroed, but for NT_FILE */
	CORE_NOTES_KEPT = 16 * 1024 * 1024, /* in a head */
	CORE_FILES_MAX = 1 << 16,
	CORE_MASKED = 0xc5, /* each byte of a register that was masked; registers of 0 stay */
	CORE_FILE_TEXT_MAX = 4 * 1024 * 1024
};

struct core_head {
	struct core_map map;
	struct core_file *files;
	size_t n_files;
	char *file_text;             /* what the paths point into */
	struct core_thread *threads; /* the one that crashed first */
	size_t n_threads;
	int signal; /* 0: no NT_SIGINFO and no NT_PRSTATUS said */
	uint64_t auxv_phdr, auxv_phnum, auxv_vdso, auxv_entry; /* AT_…; 0: unknown */
	/* where the kernel put the arguments and the environment: [from, to), or both 0 */
	uint64_t words_from, words_to;
	/* Without a sink: the notes as they shall be written, whole ones only and without those
	 * of FP and vector state, which say nothing. */
	uint8_t *notes;
	size_t n_notes, notes_cap;
	uint64_t threads_left_out; /* whose notes did not fit */
	uint64_t notes_broken;     /* bytes of notes that make no sense and were zeroed */
};
void core_head_done(struct core_head *h);

const struct core_file *core_file_at(const struct core_head *h, uint64_t addr);
/* Executable, and of a file. */
bool core_is_code(const struct core_head *h, uint64_t addr);
/* After core_notes_read: cores of gcore have no segment for code that nobody changed; what
 * the ELF headers in memory call executable is code all the same. Needless for a core of
 * the kernel's, and does no harm there. */
ch_err core_files_find_code(struct core_head *h, struct core_memory *m);
/* Home and mail folders: overwrites what stands behind them by x, in place. For paths of
 * the process's files, wherever they stand. */
void core_path_mask(char *p, size_t n);

/* First step: ELF header and segments, with which all memory can be walked. The count is told
 * by where the rest begins when there are more than a header can say (PN_XNUM: what says it
 * stands at the end of the core). Segments that lie about themselves are left out and
 * counted. E_UNSUPPORTED: another class, order, machine or type; E_SYNTAX, E_RANGE: it lies
 * about itself; E_LIMIT: too many segments; E_TRUNCATED: it ends. */
ch_err core_segments_read(struct core_input *in, struct core_head *ret_head);

/* Second step, once, to where the notes end. As they pass they are masked, always alike:
 * registers but pc, sp, segments and flags, and what points into code or a stack; all of
 * FP and vector state; of siginfo all but signal, errno and code; the arguments; in
 * NT_FILE what stands behind a home or mail folder. Notes that are not known are zeroed.
 * With a sink each passes on and no length changes; without, they are kept in head->notes as
 * long as they fit. E_UNSUPPORTED: they stand behind memory in a stream. E_TRUNCATED: the
 * core ends; what came before is in the head. */
ch_err core_notes_read(struct core_input *in, struct core_head *head,
		       struct core_sink *sink_or_null);

/* Header and program headers (map->headers_size bytes after core_map_lay_out): notes and
 * memory follow where the map says, and last what core_end_write writes. */
ch_err core_segments_write(const struct core_map *map, struct core_sink *sink);
/* What stands at the end of a core with more segments than a header can count; else nothing. */
ch_err core_end_write(const struct core_map *map, struct core_sink *sink);
