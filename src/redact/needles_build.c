/* Fills the tables of the needles. Values come from a program that crashed: many may be alike
 * on purpose, or so long that all their words do not fit; then fewer words of each are kept,
 * or it is an error and the dump is kept at triage. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/rand.h"
#include "needles_internal.h"

enum { ALIKE_MAX = 16, ALIKE_SHORT_MAX = 256, WINDOW = NEEDLE_SHORT, SCALE_MAX = 10 };

static const uint8_t edges[] = { 0, '"', '\'', '`' };

bool needle_is_edge(uint8_t c)
{
	return !c || c == '"' || c == '\'' || c == '`';
}

static bool is_wide(unsigned form)
{
	return str_starts(form_name(form), LIT("utf16"));
}

size_t needle_piece(const struct needle_value *v, unsigned form, size_t size)
{
	/* the beginnings of texts are alike: eyJhbGciOiJFUzI1NiIs; those of signatures are not */
	size_t piece = v->is.text && v->kind != VALUE_TOKEN_PART ? 24 : NEEDLE_PIECE;
	piece = is_wide(form) ? 2 * piece : piece;
	/* what is public of a key as a whole, its modulus or its first line, is elsewhere too;
	 * its secret numbers are values of their own */
	if (v->kind == VALUE_PRIVATE_KEY && piece < size / 10 * 6)
		piece = size / 10 * 6;
	return piece < size ? piece : size;
}

/* Do so many bytes differ from each other that they are no filling? */
static bool is_various(const uint8_t *p, size_t n)
{
	uint64_t seen[4] = { 0 };
	int count = 0;
	for (size_t i = 0; i < n; i++)
		seen[p[i] >> 6] |= UINT64_C(1) << (p[i] & 63);
	for (size_t i = 0; i < COUNT_OF(seen); i++)
		count += __builtin_popcountll(seen[i]);
	return count >= 6;
}

bool needle_counts(const struct needle_value *v, unsigned form, const uint8_t *p, size_t n)
{
	size_t size = form_size(form, &v->is);
	if (n >= size)
		return true;
	return n >= needle_piece(v, form, size) && is_various(p, n);
}

/* How far groups of eight words are apart: long forms have fewer. */
static size_t stride_of(const struct needle_value *v, size_t size, unsigned scale)
{
	size_t stride = v->kind == VALUE_PRIVATE_KEY ? 64
			: size <= 1024               ? 8
			: size <= 4096               ? 16
						     : 64;
	return stride << scale;
}

static size_t group_count(size_t size, size_t stride)
{
	return (size - WINDOW) / stride + 1 + ((size - WINDOW) % stride != 0);
}

/* The last one ends with the form. */
static size_t group_at(size_t size, size_t stride, size_t i)
{
	size_t at = i * stride;
	return at < size - WINDOW ? at : size - WINDOW;
}

/* Of big endian the last byte is a zero more than of little endian: not looked for twice. */
static size_t size_of(const struct needle_value *v, unsigned form)
{
	return form_is_utf16be(form) ? 0 : form_size(form, &v->is);
}

static size_t words_of(const struct needles *n, unsigned scale, size_t *ret_shorts)
{
	size_t longs = 0;
	*ret_shorts = 0;
	for (size_t i = 0; i < n->n_values; i++) {
		for (unsigned form = 0; form < forms_count(); form++) {
			size_t size = size_of(&n->values[i], form);
			size_t stride = stride_of(&n->values[i], size, scale);
			if (size >= NEEDLE_SHORT)
				longs += 8 * group_count(size, stride);
			else if (size)
				*ret_shorts += 4 * COUNT_OF(edges);
		}
	}
	return longs;
}

/* Slots for n words at most two thirds full, and sixteen bits of the filter for each. */
static ch_err table_new(size_t n, struct word_table *ret_t)
{
	unsigned bits_log = 9; /* words of the filter: 4 KiB at least */
	size_t slots = 1024;
	while (slots * 2 / 3 < n)
		slots *= 2;
	while ((size_t)64 << bits_log < 16 * n)
		bits_log++;
	struct word_table t = {
		.slots = calloc(slots, sizeof(uint64_t)),
		.mask = slots - 1,
		.bits = calloc((size_t)1 << bits_log, sizeof(uint64_t)),
		.bits_shift = 64 - bits_log,
	};
	if (t.slots && t.bits) {
		*ret_t = t;
		return CH_DONE;
	}
	free(t.slots);
	free(t.bits);
	return ch_fail(CH_E_NOMEM, "no memory for needles", n);
}

/* Bytes that repeat by two fill memory, and are no secret. */
static bool is_filling(uint64_t word)
{
	return word == (word << 16 | word >> 48);
}

static ch_err add_word(struct needles *n, struct word_table *t, uint64_t word,
		       struct needle_ref ref)
{
	bool shorts = t == &n->shorts;
	uint64_t product = word * n->factor, h = slot_hash(n->factor, product);
	size_t alike = 0;
	uint64_t at = slot_index(t, h);
	for (; t->slots[at]; at = (at + 1) & t->mask) {
		if (slot_is(t->slots[at], h))
			alike++;
	}
	/* a word that many forms share leads to those that came first; what the others have
	 * besides has words of its own */
	if (!shorts && (alike >= ALIKE_MAX || is_filling(word))) {
		n->left_out++;
		return CH_DONE;
	}
	if (alike >= ALIKE_SHORT_MAX)
		return ch_fail(CH_E_LIMIT, "too many short secrets that are alike", alike);
	t->slots[at] = slot_of_ref(h, ref);
	filter_add(t, product);
	return CH_DONE;
}

static uint64_t word_at(const struct needle_value *v, unsigned form, size_t at, size_t n)
{
	uint64_t word = 0;
	for (size_t i = 0; i < n; i++)
		word |= (uint64_t)form_byte(form, &v->is, at + i) << 8 * i;
	return word;
}

static ch_err add_long(struct needles *n, struct needle_ref ref, size_t size, unsigned scale)
{
	const struct needle_value *v = &n->values[ref.value];
	size_t stride = stride_of(v, size, scale), groups = group_count(size, stride);
	for (size_t g = 0; g < groups; g++) {
		size_t at = group_at(size, stride, g);
		uint64_t word = word_at(v, ref.form, at, 8);
		for (size_t i = 0; i < 8; i++) {
			ref.offset = (int32_t)(at + i);
			TRY(add_word(n, &n->longs, word, ref));
			if (i < 7)
				word = word >> 8 | (uint64_t)form_byte(ref.form, &v->is, at + i + 8)
							   << 56;
		}
	}
	n->has_longs = true;
	return CH_DONE;
}

/* The word at `offset` of a short text; where it goes over an end, one for each edge. */
static ch_err add_short_word(struct needles *n, struct needle_ref ref, size_t size)
{
	const struct needle_value *v = &n->values[ref.value];
	bool before = ref.offset < 0;
	bool behind = !before && (size_t)ref.offset + 4 > size;
	if (!before && !behind)
		return add_word(n, &n->shorts, word_at(v, ref.form, (size_t)ref.offset, 4), ref);
	uint64_t inner = word_at(v, ref.form, before ? 0 : (size_t)ref.offset, 3);
	for (size_t i = 0; i < COUNT_OF(edges); i++) {
		uint64_t word = before ? inner << 8 | edges[i] : inner | (uint64_t)edges[i] << 24;
		TRY(add_word(n, &n->shorts, word, ref));
	}
	return CH_DONE;
}

/* Text of eight bytes, and UTF-16, has a whole word of four at a multiple of four; a shorter
 * one has it together with an edge, of four bytes at a multiple of two. */
static ch_err add_short(struct needles *n, struct needle_ref ref, size_t size)
{
	bool bare = size >= 7;
	size_t step = size + 2 < 7 ? 2 : 4;
	for (size_t i = 0; i < step; i++) {
		ref.offset = (int32_t)i - !bare;
		TRY(add_short_word(n, ref, size));
	}
	if (step < n->short_step)
		n->short_step = (unsigned)step;
	n->has_shorts = true;
	return CH_DONE;
}

static ch_err add_value(struct needles *n, size_t value, unsigned scale)
{
	for (unsigned form = 0; form < forms_count(); form++) {
		struct needle_ref ref = { (uint32_t)value, form, 0 };
		size_t size = size_of(&n->values[value], form);
		if (size >= NEEDLE_SHORT)
			TRY(add_long(n, ref, size, scale));
		else if (size)
			TRY(add_short(n, ref, size));
	}
	return CH_DONE;
}

static ch_err fill(struct needles *n)
{
	unsigned scale = 0;
	size_t shorts = 0, longs = words_of(n, scale, &shorts);
	while (longs > NEEDLE_WORDS_MAX && scale < SCALE_MAX)
		longs = words_of(n, ++scale, &shorts);
	if (longs > NEEDLE_WORDS_MAX)
		return ch_fail(CH_E_LIMIT, "too many secrets to look for", longs);
	TRY(table_new(longs, &n->longs));
	TRY(table_new(shorts, &n->shorts));
	for (size_t i = 0; i < n->n_values; i++)
		TRY(add_value(n, i, scale));
	return CH_DONE;
}

static void forget(struct word_table *t)
{
	/* words of secrets are not in it, only where in which value they are */
	free(t->slots);
	free(t->bits);
}

void needles_done(struct needles **n)
{
	if (!*n)
		return;
	forget(&(*n)->longs);
	forget(&(*n)->shorts);
	free((*n)->values);
	mem_wipe(*n, sizeof(**n));
	free(*n);
	*n = NULL;
}

ch_err needles_new(const struct values *values, struct needles **ret_n)
{
	AUTO(needles_done) struct needles *n = calloc(1, sizeof(*n));
	if (!n)
		return ch_fail(CH_E_NOMEM, "no memory for needles", ENOMEM);
	n->n_values = values_count(values);
	n->values = calloc(n->n_values + 1, sizeof(*n->values));
	if (!n->values)
		return ch_fail(CH_E_NOMEM, "no memory for needles", n->n_values);
	for (size_t i = 0; i < n->n_values; i++) {
		const struct value *v = values_at(values, i);
		n->values[i] = (struct needle_value){ form_value_of(v->is, v->number), v->kind };
	}
	rand_fill(&n->factor, sizeof(n->factor));
	n->factor |= 1;
	n->short_step = 4;
	n->known = needles_known;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("bmi2"))
		n->known = needles_known_bmi2;
#endif
	TRY(fill(n));
	*ret_n = TAKE(n);
	return CH_DONE;
}
