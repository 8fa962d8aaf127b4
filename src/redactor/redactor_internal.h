/* The redactor's parts: its walls (confine.c), which level a dump is kept at (rules.c), what
 * is asked of the one who started it (ask.c), the finders (finders.c), keeping at triage
 * (small.c; vdso.c judges what the kernel mapped) and all but the secrets (large.c), the report
 * (tell.c). */
#pragma once
#include "dumpstore/records.h"
#include "elfcore/core.h"
#include "elfcore/memory.h"
#include "redact/code.h"
#include "redact/finder.h"
#include "redact/report.h"
#include "wire/coredump.h"

/* Descriptors, see wire/coredump.h. */
enum { CORE_FD = 5, RECORDS_FD, MEM_FD, PAGEMAP_FD, EXE_FD, CRASH_REGISTERED_FD };
enum { FILE_REGISTERED_FD = MEM_FD };

/* The walls, up before the first byte of a core is read. No dumps, no file system, no socket
 * but the control channel, no process, no thread but one more, if it is asked for and can be
 * had: it is inside them as well. */
ch_err confine(const struct redactor_config *config, struct beside **ret_beside_or_null);

/* Where the bytes of the core that is written go: to the records, or nowhere (a scan). */
struct out_sink {
	struct core_sink sink;
	struct record_writer *records;
	bool quiet;
	uint64_t size, zero_bytes;
};
void out_sink_init(struct out_sink *s, struct record_writer *records, bool quiet);

enum { FINDERS_MAX = 16 };
struct finders {
	struct finder *all[FINDERS_MAX];
	size_t n;
};
/* All there are; made before the walls, since compilers of patterns want much. */
ch_err finders_new(struct finders *ret_f);
void finders_done(struct finders *f);

struct fingerprints;
struct work {
	const struct redactor_config *config;
	struct core_input_fd in;
	struct core_head head;
	struct memory_live live, live_too;
	struct memory_file file, file_too;
	struct core_memory *memory;     /* one of both */
	struct core_memory *memory_too; /* the same memory, for the second thread */
	struct record_writer records;
	struct out_sink out;
	struct report *report;
	struct finders finders, finders_too;
	struct beside *beside; /* or NULL */
	struct fingerprints *registered;
	struct report_facts facts;
	uint8_t build_id[BUILD_ID_MAX];
	size_t build_id_n;
	bool notes_read;
};

/* The notes, once: in a stream they come behind the headers, before all memory. */
ch_err read_notes(struct work *w);

/* The build id of an ELF file in memory at base (or of a descriptor, as if it were at 0);
 * 0 bytes: it has none. Reads at most some pages. */
ch_err build_id_of_memory(struct core_memory *m, uint64_t base, uint8_t ret_id[static BUILD_ID_MAX],
			  size_t *ret_n);
ch_err build_id_of_fd(int fd, uint8_t ret_id[static BUILD_ID_MAX], size_t *ret_n);
/* By the first rule that fits. */
enum dump_wish wish_of(const struct redactor_config *c, bytes build_id);

/* Asks over CONTROL_FD; a peer that is gone has no files. */
struct asker {
	struct code_opener opener;
	bool gone;
};
void asker_init(struct asker *a);

/* Of a process of this machine: forgets head->auxv_vdso unless what is there is what the kernel
 * maps into this process too. */
ch_err vdso_judge(struct core_head *head, struct core_memory *memory);

/* The whole core at the level triage. For a crash it closes the stream once all is read, so
 * that the process is let go. */
ch_err keep_small(struct work *w);
/* The whole core without its secrets. E_LIMIT: there are too many; nothing was written yet. */
ch_err keep_large(struct work *w, enum level level);

/* Facts and report, and the last word. */
ch_err tell(struct work *w);
