/* Running a redactor on a core that is a file, for `coredump scan` and `coredump redact`. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "wire/coredump.h"

struct redaction {
	const char *in;
	enum redact_duty duty; /* REDACT_FILE or REDACT_SCAN */
	enum dump_wish wish;
	const char *sysroot;  /* where mapped files are looked for: "/" */
	const char *registry; /* folder of a handler, whose registered secrets go too; "none"; NULL:
				 of this host's, for root and if there is one */
	int out;              /* where the core goes; holes for zeros. -1 for a scan */
};
struct redaction_result {
	bool whole;
	uint64_t secrets, size;
	bytes report; /* JSON that was parsed once; until the next redaction */
};
/* Shows progress on standard error when that is a terminal. E_GONE: the redactor failed, and
 * has said why on standard error; what is in `out` must not be kept. */
ch_err redaction_run(const struct redaction *r, struct redaction_result *ret_result);

/* A report as lines of text on standard output, under the name of its file. places: also
 * each place that was masked. */
int redaction_print(const char *file, const struct redaction_result *r, bool places);
