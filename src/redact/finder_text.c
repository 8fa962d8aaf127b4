/* The finder of text: tokens, passwords, and keys as text and as DER. Says the values, and
 * the public halves that other finders go by. 0.25 MiB, and 0.25 of Vectorscan's databases. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "calm.h"
#include "text_internal.h"

struct finder_text {
	struct finder finder; /* first: a finder is this */
	struct text_sink sink;
	struct hunt *hunt;
	struct text_stream *stream;
	uint64_t next; /* address behind the last window */
};

static struct finder_text *of_sink(struct text_sink *s)
{
	return (struct finder_text *)(void *)((char *)s - offsetof(struct finder_text, sink));
}

static ch_err value(struct text_sink *s, const struct value *one)
{
	return values_add(of_sink(s)->hunt->values, one);
}

static ch_err learn(struct text_sink *s, enum public_kind kind, bytes is)
{
	return publics_add(of_sink(s)->hunt->publics, kind, is);
}

/* Masked where it stands. The masker finds it again. */
static ch_err span(struct text_sink *s, const struct span *one)
{
	struct calm *calm = of_sink(s)->hunt->calm;
	if (calm)
		calm_disturb(calm, one->from, one->to);
	return CH_DONE;
}

static ch_err look(struct finder *f, struct hunt *h, const struct window *w)
{
	struct finder_text *t = (struct finder_text *)(void *)f;
	size_t seen = w->addr + w->seen == t->next ? w->seen : 0;
	t->hunt = h;
	t->next = w->addr + w->n;
	return text_stream_feed(t->stream, w->addr + seen, (bytes){ w->p + seen, w->n - seen },
				&t->sink);
}

/* Counted here: the later half has a stream of its own. */
static ch_err end(struct finder *f, struct hunt *h)
{
	h->untried += text_stream_unjudged(((struct finder_text *)(void *)f)->stream);
	return CH_DONE;
}

static void join(struct finder *f, struct hunt *h, const struct finder *later)
{
	(void)f;
	h->untried +=
		text_stream_unjudged(((const struct finder_text *)(const void *)later)->stream);
}

static void finder_text_free(struct finder *f)
{
	struct finder_text *t = (struct finder_text *)(void *)f;
	text_stream_done(&t->stream);
	free(t);
}

ch_err finder_text_new(struct finder **ret_f)
{
	struct finder_text *t = calloc(1, sizeof(*t));
	if (!t)
		return ch_fail(CH_E_NOMEM, "the finder of text", sizeof(*t));
	ch_err e = text_stream_new(&t->stream);
	if (failed(e)) {
		free(t);
		return e;
	}
	t->finder = (struct finder){ LIT("text"), look, end, finder_text_free, join };
	t->sink = (struct text_sink){ span, value, learn, NULL };
	*ret_f = &t->finder;
	return CH_DONE;
}
