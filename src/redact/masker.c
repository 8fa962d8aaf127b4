/* Masks a stream of memory in place. All that looks for secrets sees the bytes as they were:
 * a byte is changed only when it is final, which is when MASKER_HOLD bytes behind it were
 * looked at. Whatever goes wrong is an error, never a byte that passes unseen. */
#include "redact/masker.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/rand.h"
#include "masker_internal.h"

_Static_assert((int)FINGERPRINT_HOLD <= (int)MASKER_HOLD, "and what is registered");
_Static_assert((int)FORM_SIZE_MAX <= (int)MASKER_HOLD,
	       "every form of a value fits into what is held");

ch_err masker_new(const struct masker_setup *s, struct masker **ret_m)
{
	AUTO(masker_done) struct masker *m = calloc(1, sizeof(*m));
	if (!m)
		return ch_fail(CH_E_NOMEM, "no memory for a masker", ENOMEM);
	m->setup = *s;
	rand_fill(m->key, sizeof(m->key));
	random_rule_init(&m->random, s->map);
	TRY(needles_new(s->values, &m->needles));
	TRY(text_spans_new(&m->text));
	if (s->registered_or_null)
		TRY(fingerprint_scan_new(s->registered_or_null, &m->registered));
	TRY(paths_new(s->files, s->n_files, &m->paths));
	*ret_m = TAKE(m);
	return CH_DONE;
}

void masker_done(struct masker **m)
{
	if (!*m)
		return;
	needles_done(&(*m)->needles);
	text_spans_done(&(*m)->text);
	fingerprint_scan_done(&(*m)->registered);
	paths_done(&(*m)->paths);
	mem_wipe(*m, sizeof(**m));
	free(*m);
	*m = NULL;
}

/* What finds something, and where it is put. */
struct needle_taker {
	struct hit_taker taker;
	struct masker *m;
};

static ch_err take_needle(struct hit_taker *t, const struct needle_hit *h)
{
	struct masker *m = ((struct needle_taker *)t)->m;
	const struct value *v = values_at(m->setup.values, h->value);
	struct mask k = {
		.from = h->from,
		.to = h->to,
		.finder = v->finder,
		.form = h->form     ? form_name(h->form)
			: v->number ? LIT("be")
				    : LIT("raw"),
		.mark = mark_of(m->key, v->kind, v->is),
		.class = MASK_VALUE,
	};
	return mask_add(m, &k);
}

struct text_taker {
	struct span_taker taker;
	struct masker *m;
	const struct masker_piece *piece;
};

/* What has no value of its own is marked by what stands there. */
static ch_err take_span(struct span_taker *t, const struct span *one)
{
	const struct text_taker *x = (const struct text_taker *)t;
	const struct masker_piece *piece = x->piece;
	uint64_t from = one->from > piece->addr ? one->from : piece->addr;
	uint64_t to = one->to < piece->addr + piece->n ? one->to : piece->addr + piece->n;
	if (from >= to)
		return CH_DONE;
	bytes is = { piece->p + (from - piece->addr), (size_t)(to - from) };
	struct mask k = {
		.from = from,
		.to = to,
		.finder = one->finder,
		.form = LIT("here"),
		.mark = mark_of(x->m->key, one->kind, is),
		.class = MASK_TEXT,
	};
	return mask_add(x->m, &k);
}

struct registered_taker {
	struct match_taker taker;
	struct masker *m;
};

/* Nobody knows the value; what has the same label has the same mark. */
static ch_err take_registered(struct match_taker *t, const struct fingerprint_match *match)
{
	struct masker *m = ((struct registered_taker *)t)->m;
	enum value_kind kind = match->weak ? VALUE_REGISTERED_WEAK : VALUE_REGISTERED;
	struct mask k = {
		.from = match->from,
		.to = match->from + match->n,
		.finder = LIT("registry"),
		.form = LIT("here"),
		.mark = mark_of(m->key, kind, bytes_of_str(match->label)),
		.class = MASK_REGISTERED,
	};
	return mask_add(m, &k);
}

/* Is there no text to be masked in b, since a hunt saw none, and that in the same bytes? */
static bool is_calm(const struct masker *m, bytes b)
{
	const struct core_load *load = core_map_at(m->setup.map, m->scanned);
	return m->setup.calm_or_null && load && calm_is(m->setup.calm_or_null, load, m->scanned, b);
}

/* What is not calm is looked at together with what is held back before it and what comes behind
 * it: if memory changed, something may begin or end there. */
static ch_err look_for_text(struct masker *m, const struct masker_piece *piece, uint64_t upto)
{
	struct text_taker text = { { take_span }, m, piece };
	bytes b = { piece->p + (m->scanned - piece->addr), (size_t)(upto - m->scanned) };
	bool calm = is_calm(m, b);
	if (calm && !m->text_open)
		return CH_DONE;
	uint64_t from = m->scanned;
	if (m->setup.calm_or_null && m->text_to != from)
		from = m->final > m->text_from ? m->final : m->text_from;
	b = (bytes){ piece->p + (from - piece->addr), (size_t)(upto - from) };
	TRY(text_spans_feed(m->text, from, b, &text.taker));
	m->text_to = upto;
	m->text_open = !calm || text_spans_open(m->text);
	return CH_DONE;
}

/* What has no value is looked for by the patterns of text, and by fingerprints. Zeros are
 * neither, and what stood before them was judged. */
static ch_err look_again(struct masker *m, const struct masker_piece *piece, uint64_t upto)
{
	struct registered_taker registered = { { take_registered }, m };
	bytes b = { piece->p + (m->scanned - piece->addr), (size_t)(upto - m->scanned) };
	if (bytes_are_zero(b)) {
		m->text_from = upto;
		m->text_open = false;
		return CH_DONE;
	}
	if (m->is_memory)
		TRY(look_for_text(m, piece, upto));
	if (!m->registered)
		return CH_DONE;
	return fingerprint_scan_feed(m->registered, m->scanned, b, &registered.taker);
}

/* Looks at memory up to `upto`. */
static ch_err look(struct masker *m, const struct masker_piece *piece, uint64_t upto)
{
	struct needle_taker needles = { { take_needle }, m };
	struct needle_text text = { piece->addr, piece->p, piece->n, piece->last };
	TRY(needles_scan(m->needles, &text, (size_t)(upto - piece->addr), &needles.taker));
	TRY(look_again(m, piece, upto));
	m->scanned = upto;
	return CH_DONE;
}

static void restart(struct masker *m, uint64_t addr)
{
	m->begun = true;
	m->next = m->scanned = m->final = m->random_to = addr;
	m->text_to = m->text_from = addr;
	m->text_open = false;
	mem_zero(m->judged_to, sizeof(m->judged_to));
	m->n_masks = 0;
	needles_restart(m->needles, addr);
}

/* What is final once all up to `upto` was looked at; in whole words. */
static uint64_t final_of(const struct masker *m, const struct masker_piece *piece, uint64_t upto)
{
	uint64_t end = piece->addr + piece->n;
	if (piece->last && upto == end)
		return end;
	if (upto - m->final < MASKER_HOLD + 8)
		return m->final;
	const uint8_t *p = piece->p + (m->final - piece->addr);
	uint64_t n = (upto - MASKER_HOLD) / 8 * 8 - m->final;
	return m->final + mask_step(p, (size_t)n);
}

ch_err masker_run(struct masker *m, struct masker_piece piece, size_t *ret_final)
{
	assert(piece.held <= piece.n);
	m->is_memory = true;
	bool goes_on = m->begun && piece.addr == m->final && piece.addr + piece.held == m->next;
	if (!goes_on)
		restart(m, piece.addr);
	uint64_t end = piece.addr + piece.n;
	do {
		size_t step = calm_left(core_map_at(m->setup.map, m->scanned), m->scanned);
		uint64_t upto = end - m->scanned < step ? end : m->scanned + step;
		TRY(look(m, &piece, upto));
		uint64_t to = final_of(m, &piece, upto);
		size_t from = (size_t)(m->final - piece.addr);
		struct finish f = { piece.p + from, (size_t)(to - m->final), piece.n - from };
		mask_finish(m, &f);
	} while (m->scanned < end);
	m->next = end;
	m->begun = !piece.last;
	*ret_final = (size_t)(m->final - piece.addr);
	return CH_DONE;
}

ch_err masker_bytes(struct masker *m, uint8_t *p, size_t n)
{
	struct masker_piece piece = { .p = p, .n = n, .last = true };
	restart(m, 0);
	m->is_memory = false;
	TRY(look(m, &piece, n));
	mask_finish(m, &(struct finish){ p, n, n });
	m->begun = false;
	return CH_DONE;
}
