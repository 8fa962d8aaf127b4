/* What the text patterns see in a stream, as spans in order of their ends. As large as the
 * finder. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "text_internal.h"

enum { QUEUE_MAX = 1024 };

struct text_spans {
	struct text_sink sink;
	struct text_stream *stream;
	struct span_taker *taker;
	size_t n;
	struct span queue[QUEUE_MAX]; /* by their ends */
};

static struct text_spans *of_sink(struct text_sink *s)
{
	return (struct text_spans *)(void *)((char *)s - offsetof(struct text_spans, sink));
}

static ch_err give(struct text_spans *t, size_t n)
{
	for (size_t i = 0; i < n; i++)
		TRY(t->taker->take(t->taker, &t->queue[i]));
	for (size_t i = n; i < t->n; i++)
		t->queue[i - n] = t->queue[i];
	t->n -= n;
	return CH_DONE;
}

static ch_err on_span(struct text_sink *s, const struct span *one)
{
	struct text_spans *t = of_sink(s);
	if (t->n == QUEUE_MAX)
		TRY(give(t, QUEUE_MAX / 2));
	size_t i = t->n++;
	for (; i && t->queue[i - 1].to > one->to; i--)
		t->queue[i] = t->queue[i - 1];
	t->queue[i] = *one;
	return CH_DONE;
}

static ch_err on_passed(struct text_sink *s, uint64_t addr)
{
	struct text_spans *t = of_sink(s);
	size_t n = 0;
	while (n < t->n && t->queue[n].to <= addr)
		n++;
	return give(t, n);
}

ch_err text_spans_feed(struct text_spans *t, uint64_t addr, bytes b, struct span_taker *taker)
{
	t->taker = taker;
	t->n = 0; /* of a piece that failed */
	return text_stream_feed(t->stream, addr, b, &t->sink);
}

bool text_spans_open(const struct text_spans *t)
{
	return text_stream_open(t->stream);
}

ch_err text_spans_new(struct text_spans **ret_t)
{
	AUTO(text_spans_done) struct text_spans *t = calloc(1, sizeof(*t));
	if (!t)
		return ch_fail(CH_E_NOMEM, "text spans", sizeof(*t));
	t->sink = (struct text_sink){ on_span, NULL, NULL, on_passed };
	TRY(text_stream_new(&t->stream));
	*ret_t = TAKE(t);
	return CH_DONE;
}

void text_spans_done(struct text_spans **t)
{
	if (!*t)
		return;
	text_stream_done(&(*t)->stream);
	free(*t);
	*t = NULL;
}
