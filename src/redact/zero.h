/* Memory that was never written to: most of a core. */
#pragma once
#include "base/bytes.h"

/* A byte equal to the one after it, all the way: the C library compares fastest. */
static inline bool is_zero(const uint8_t *p, size_t n)
{
	return !n || (!p[0] && mem_eq(p, p + 1, n - 1));
}
