/* Where to mask in a piece of memory, as the text patterns see it: for the stream that is
 * written, since shared memory may have changed after it was hunted. */
#pragma once
#include "redact/value.h"

struct span {
	uint64_t from, to; /* addresses; to is behind the last byte */
	enum value_kind kind;
	str finder;
};

enum { SPAN_MAX = 32 * 1024 }; /* a longer secret is said in several spans that touch */

/* The patterns, compiled, and where they are in the stream. The same that finder_text uses. */
struct text_spans;
ch_err text_spans_new(struct text_spans **ret_t);
/* Does something that was fed last go on, perhaps, in what follows it? */
bool text_spans_open(const struct text_spans *t);
void text_spans_done(struct text_spans **t);
/* The next n bytes of memory at addr. A jump of addr starts afresh. Spans lie within the last
 * SPAN_MAX bytes that were fed; they are given in order of their ends. E_LIMIT from `give`
 * ends it. */
struct span_taker {
	ch_err (*take)(struct span_taker *t, const struct span *s);
};
ch_err text_spans_feed(struct text_spans *t, uint64_t addr, bytes b, struct span_taker *taker);
