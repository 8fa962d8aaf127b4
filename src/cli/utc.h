/* Times of day as people read them. */
#pragma once
#include <stdint.h>

#include "base/bytes.h"

enum { UTC_MAX = 24 };

/* "2026-11-23T01:00:00Z", or "never" for 0; into room. */
str utc_text(int64_t unix_s, char room[static UTC_MAX]);
