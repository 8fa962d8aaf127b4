/* All of a log's folder held against itself, and what of it can be made again. Reads every file; for
 * the command line and tests, not for a role. */
#pragma once
#include "logstore/logstore.h"
#include "merkle/note.h"

/* What was found: a literal, the file (below the log's folder), a place in it or an index, and the
 * error behind it. */
struct logfound {
	const char *what;
	str file;
	uint64_t at;
	ch_err e;
};
typedef void logfound_fn(void *ctx, const struct logfound *f);

struct logcheck {
	int dir_fd;
	const struct note_key *key; /* that signs heads, as NOTE_ED25519; NULL: not verified */
	bool has_journal;           /* look into it as well; its owner alone may */
	logfound_fn *found;
	void *ctx;
};

struct logcheck_report {
	uint64_t size;    /* of the published head */
	uint64_t minimum; /* entries below it may be gone */
	uint64_t journal_first, journal_next;
	int64_t journal_first_ms; /* time of the oldest record */
	uint64_t bundles, tiles, index_files;
	uint64_t indexed; /* entries in index files */
	uint64_t damaged; /* how many times `found` was called */
	bool has_head;
};

/* Looks at everything; what is damaged is told, and looking goes on. An error: it could not be
 * looked at (E_IO, E_DENIED …), or there is no log (E_NOT_FOUND). */
ch_err logcheck(const struct logcheck *c, struct logcheck_report *report);

/* Makes again what can be: tiles, index files and the state from the journal, and where that was erased
 * from the entry bundles; a damaged head is set aside, if `state` knows one before it. Nothing is
 * written unless the published head comes out of what is there. `found` is told of each thing that was
 * mended (error CH_DONE), or cannot be. E_BUSY: the ledger runs. E_MISMATCH: it cannot be mended. */
ch_err logrepair(const struct logcheck *c, struct logcheck_report *report);

/* Erases full tiles and bundles below `minimum`, and index files that end there, as tlog-tiles has
 * it; `minimum` is written before anything is erased. E_RANGE: above `size`, the published head's, or
 * below what there was. *ret_erased counts files. */
ch_err logprune(int dir_fd, uint64_t minimum, uint64_t size, uint64_t *ret_erased);
/* The largest index so that every entry below it expired before `before_s`; from the present minimum
 * on, at most `size`. */
ch_err logprune_point(struct logstore *s, uint64_t size, int64_t before_s, uint64_t *ret_index);
