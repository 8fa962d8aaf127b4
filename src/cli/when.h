/* Times and sizes as people write them, in arguments. */
#pragma once
#include "base/bytes.h"

#define WHEN_FORMS "2026-11-22, 2026-11-22T12:00:00Z, seconds since 1970, or an age such as 90d"

/* One of these, in milliseconds since 1970; text ends with a NUL, as arguments do. */
bool when_read(str text, int64_t *ret_ms);
/* Bytes: digits, then K, M, G or T (of 1024) or nothing. */
bool size_read(str text, uint64_t *ret_bytes);
