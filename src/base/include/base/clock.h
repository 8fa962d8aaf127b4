/* Time. A test build links another clock.c (tests/variants/). */
#pragma once
#include <stdint.h>

/* Seconds since 1970, as in JWT's NumericDate (RFC 7519 section 2). */
int64_t clock_unix_s(void);
/* Milliseconds since 1970, for records. */
int64_t clock_unix_ms(void);
/* Never goes back, and goes on while the machine sleeps; for time-outs, ages and rates. */
uint64_t clock_mono_ns(void);
