/* What reads as a traceparent of version 00 is written back as it was, but for flags. */
#include <assert.h>

#include "codec/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const str text = { (const char *)data, size };
	char room[TRACE_PARENT_TEXT];
	struct wr w = wr_of(room, sizeof(room));
	struct trace t;
	if (failed(trace_read(text, &t)))
		return 0;
	trace_write(&w, &t, t.span);
	assert(w.n == TRACE_PARENT_TEXT && t.present);
	assert(str_eq(str_sub(wr_text(&w), 2, 50), str_sub(text, 2, 50)));
	return 0;
}
