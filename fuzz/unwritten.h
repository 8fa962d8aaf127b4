/* Storage as if nobody had ever written it, for fuzz targets: MemorySanitizer then reports
 * whoever relies on it; elsewhere it holds what no reader could take for empty. */
#pragma once
#include "base/bytes.h"

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define UNWRITTEN_MARK(p, n) __msan_allocated_memory((p), (n))
#endif
#endif
#ifndef UNWRITTEN_MARK
#define UNWRITTEN_MARK(p, n) ((void)(p), (void)(n))
#endif

static inline void unwritten(void *p, size_t n)
{
	uint8_t *at = p;
	for (size_t i = 0; i < n; i++)
		at[i] = 0x5a;
	UNWRITTEN_MARK(p, n);
}
