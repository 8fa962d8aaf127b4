/* Overwrites secrets in memory that is on its way out: every form of every value
 * (forms.h), what the text patterns see, what is registered, and at `strict` what looks
 * random. In place and without changing any length. */
#pragma once
#include "elfcore/core.h"
#include "redact/level.h"
#include "redact/report.h"
#include "redact/value.h"

struct calm;         /* redact/finder.h; what a hunt over the same memory left in it */
struct fingerprints; /* fingerprint/fingerprint.h; NULL: nothing is registered */

struct masker_setup {
	enum level level; /* strict or full; triage.h is apart */
	const struct core_map *map;
	const struct values *values;
	const struct calm *calm_or_null; /* NULL: all memory is searched for text */
	const struct fingerprints *registered_or_null;
	struct report *report;
	/* arguments and environment: [from, to), masked as a whole; 0, 0: unknown */
	uint64_t words_from, words_to;
	/* what NT_FILE names: paths of such files, as the dynamic linker keeps them for
	 * debuggers, are not random however they look; NULL, 0: unknown */
	const struct core_file *files;
	size_t n_files;
};

/* Bytes that the masker holds back, since a secret may begin in them. */
enum { MASKER_HOLD = 64 * 1024 };

struct masker;
ch_err masker_new(const struct masker_setup *s, struct masker **ret_m);
void masker_done(struct masker **m);
/* Memory at addr, p[0 .. n); call again with what it left and more behind it. *ret_final:
 * bytes from the front that are as they shall be written (all, when last: the segment ends
 * or memory does not go on). p[0 .. held) was passed in the call before and is not counted
 * twice. */
struct masker_piece {
	uint64_t addr;
	uint8_t *p;
	size_t n;
	size_t held;
	bool last;
};
ch_err masker_run(struct masker *m, struct masker_piece piece, size_t *ret_final);
/* The same for bytes that are no memory of the process (notes): values and registered ones
 * alone, all of it at once. */
ch_err masker_bytes(struct masker *m, uint8_t *p, size_t n);
