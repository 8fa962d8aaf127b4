/* Where we refuse what Wycheproof calls valid or acceptable: one table for all runners. */
#pragma once
#include "base/bytes.h"

/* Which step refuses. STEP_NONE: accepted. */
enum step { STEP_NONE, STEP_TEXT, STEP_KEY, STEP_ALG, STEP_SIGNATURE };

/* Before the first case of a file. */
void deviations_begin(str file);
/* Judges one case: the file's result, and the step that refused it here. NULL: as it must be,
 * or declared so; else what is wrong. */
const char *deviations_judge(int64_t id, str result, enum step refused_by);
/* After the last case: prints the counts, and says how many declared deviations of the file
 * did not occur. */
int64_t deviations_missing(void);

struct deviations_tally {
	size_t accepted, refused, deviating;
};
struct deviations_tally deviations_tally(void);
