/* Dates in a file. */
#pragma once
#include "base/bytes.h"

/* Seconds since 1970 (at most year 9999) as a number, or of an RFC 3339 date: 2026-11-22,
 * at midnight UTC, or 2026-11-22T15:00:00Z, or with an offset like +01:00. */
bool time_parse(str text, int64_t *ret_s);
/* The same, as a date in UTC. */
struct wr;
void time_write(struct wr *w, int64_t s);
