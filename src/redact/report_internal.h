/* The report itself, for those who count and those who render it. */
#pragma once
#include "redact/report.h"

enum { REPORT_PATH_MAX = 1024, REPORT_ID_MAX = 64 };

struct kind_count {
	uint64_t places, bytes;
};

struct flaw_count {
	uint64_t times, n;
};

struct report {
	struct report_facts facts; /* its texts lie in path and build_id */
	bool has_facts;
	struct kind_count kinds[VALUE_KIND_COUNT];
	struct flaw_count flaws[FLAW_COUNT];
	size_t n_places;
	uint64_t places_left_out;
	struct report_place places[REPORT_PLACES_MAX];
	char path[REPORT_PATH_MAX], build_id[REPORT_ID_MAX];
};

extern const str flaw_names[FLAW_COUNT], flaw_texts[FLAW_COUNT];
