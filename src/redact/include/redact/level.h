/* How much of a dump is kept.
 * triage: only what a backtrace needs, by an allow-list.
 * strict: all but what a finder found, and but what looks random.
 * full:   all but what a finder found and verified. */
#pragma once
#include "base/bytes.h"

enum level { LEVEL_TRIAGE, LEVEL_STRICT, LEVEL_FULL, LEVEL_COUNT };

str level_name(enum level l);
/* False, and nothing written, for a name that is none. */
bool level_of(str name, enum level *ret_l);
