/* Whatever memory holds and however it is cut: spans lie in what was fed, are in order, and
 * what is found in one piece is masked in two. What is looked for fast is found plainly. The
 * first two bytes say where it is cut. */
#include <assert.h>
#include <stdlib.h>

#include "text_gate.h"
#include "text_internal.h"
#include "text_length.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	struct span_taker taker;
	struct text_sink sink;
	uint64_t from, to, last;
	uint64_t masked;
};

static const uint64_t BASE = 0x7ffff000;

static ch_err take(struct span_taker *t, const struct span *s)
{
	struct seen *seen = (struct seen *)(void *)t;
	assert(s->from < s->to && s->to - s->from <= SPAN_MAX);
	assert(s->from >= seen->from && s->to <= seen->to && s->to >= seen->last);
	seen->last = s->to;
	seen->masked += s->to - s->from;
	return CH_DONE;
}

static ch_err value(struct text_sink *sink, const struct value *one)
{
	(void)sink;
	assert(one->is.n >= VALUE_MIN && one->is.n <= VALUE_MAX);
	uint8_t sum = 0;
	for (size_t i = 0; i < one->is.n; i++)
		sum ^= one->is.p[i]; /* a sanitizer sees it when it is not there */
	return sum == 0xff && !one->finder.n ? ch_fail(CH_E_INTERNAL, "no name", 0) : CH_DONE;
}

static ch_err learn(struct text_sink *sink, enum public_kind kind, bytes is)
{
	(void)sink;
	assert(kind < PUBLIC_KIND_COUNT && is.n >= 32 && is.n <= 1024);
	return CH_DONE;
}

static void feed(struct text_spans *spans, struct text_stream *stream, bytes b, size_t cut)
{
	struct seen s = { { take }, { NULL, value, learn, NULL }, BASE, 0, 0, 0 };
	for (size_t at = 0, n = cut; at < b.n; at += n, n = b.n - at) {
		s.to = BASE + at + n;
		s.last = 0;
		ch_err e = text_spans_feed(spans, BASE + at, (bytes){ b.p + at, n }, &s.taker);
		assert(!failed(e));
		e = text_stream_feed(stream, BASE + at, (bytes){ b.p + at, n }, &s.sink);
		assert(!failed(e));
	}
}

static void compare(bytes b)
{
	for (size_t at = 0; at < b.n; at = gate_next_plainly(b.p, at, b.n) + 1)
		assert(gate_next(b.p, at, b.n) == gate_next_plainly(b.p, at, b.n));
	for (size_t at = 0; at < b.n; at = length_next_plainly(b.p, at, b.n) + 1)
		assert(length_next(b.p, at, b.n) == length_next_plainly(b.p, at, b.n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct text_spans *spans;
	static struct text_stream *stream;
	if (!spans && (failed(text_spans_new(&spans)) || failed(text_stream_new(&stream))))
		abort();
	if (size < 3)
		return 0;
	bytes b = { data + 2, size - 2 };
	size_t cut = (size_t)(data[0] << 8 | data[1]) % (b.n + 1);
	feed(spans, stream, b, cut ? cut : b.n);
	compare(b);
	return 0;
}
