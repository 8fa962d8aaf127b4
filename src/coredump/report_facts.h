/* What the opener takes from a redactor's report for the index of the store. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

struct report_facts_said {
	str level, build_id; /* of known form, or empty; point into the report */
	int signal;          /* 0: not said */
};
/* The report must be one JSON object, since it becomes a part of the sidecar. E_SYNTAX and
 * the parser's other errors. */
ch_err report_facts_read(bytes report, struct report_facts_said *ret_f);
