/* What the opener takes from a redactor's report for the index of the store. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

enum { FLAWS_TEXT_MAX = 128 };

struct report_facts_said {
	str level, build_id; /* of known form, or empty; point into the report */
	int signal;          /* 0: not said */
	/* the core ended early or is none: nothing of it may be kept. Other flaws are the
	 * reader's to know */
	bool unusable;
	char flaws[FLAWS_TEXT_MAX]; /* their names, with blanks between, for the log */
	size_t flaws_n;
};
/* The report must be one JSON object, since it becomes a part of the sidecar. E_SYNTAX and
 * the parser's other errors. */
ch_err report_facts_read(bytes report, struct report_facts_said *ret_f);
