/* The search: every 8 bytes of the hay are looked up at once in a table of all windows of
 * all sequences, behind a bit map that is small enough for the cache. A window that hits
 * is grown to the run that it belongs to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hunter.h"

enum { DISTINCT_MIN = 4, BITS_A_WINDOW = 16, MAP_BITS_MIN = 16 };

struct slot {
	uint64_t window;
	uint32_t sequence; /* 1 + its number; 0: empty */
	uint32_t offset;
};

struct index {
	const struct prey *prey;
	uint64_t *map;
	unsigned map_shift;
	struct slot *slots;
	size_t mask;
};

/* A window sets two bits, the second far from the first. */
static uint64_t second_bit(const struct index *x, uint64_t h)
{
	return (h << 24) >> x->map_shift;
}

static uint64_t load(const uint8_t *p)
{
	uint64_t w;
	memcpy(&w, p, sizeof(w));
	return w;
}

static uint64_t mix(uint64_t w)
{
	return w * 0x9e3779b97f4a7c15U;
}

/* Repetitions such as zeros say nothing of a key. */
static bool is_trivial(const uint8_t *p)
{
	unsigned distinct = 0;
	for (size_t i = 0; i < WINDOW; i++)
		distinct += !memchr(p, p[i], i);
	return distinct < DISTINCT_MIN;
}

/* A run of 16 characters covers one whole window that starts at a multiple of 8. */
static uint32_t stride(const struct sequence *s)
{
	return s->run_min >= 2 * WINDOW ? WINDOW : 1;
}

/* The first offset from `from` on that the table knows. */
static uint32_t next_offset(const struct sequence *s, uint32_t from)
{
	uint32_t step = stride(s), at = (from + step - 1) / step * step;
	while (at + WINDOW <= s->n && is_trivial(s->p + at))
		at += step;
	return at;
}

static void put(struct index *x, uint64_t window, size_t sequence, uint32_t offset)
{
	uint64_t h = mix(window), bit = h >> x->map_shift, other = second_bit(x, h);
	size_t i = (size_t)(h >> 20) & x->mask;
	while (x->slots[i].sequence)
		i = (i + 1) & x->mask;
	x->slots[i] = (struct slot){ window, (uint32_t)sequence + 1, offset };
	x->map[bit >> 6] |= (uint64_t)1 << (bit & 63);
	x->map[other >> 6] |= (uint64_t)1 << (other & 63);
}

static size_t count_windows(const struct prey *prey)
{
	size_t n = 0;
	for (size_t i = 0; i < prey->n; i++)
		n += prey->sequences[i].n / stride(&prey->sequences[i]) + 1;
	return n;
}

struct index *index_new(const struct prey *prey)
{
	struct index *x = calloc(1, sizeof(*x));
	size_t n = count_windows(prey), slots = 1024;
	unsigned bits = MAP_BITS_MIN;
	while (slots < n * 2)
		slots *= 2;
	while (((size_t)1 << bits) < n * BITS_A_WINDOW)
		bits++;
	if (!x)
		abort();
	x->prey = prey;
	x->map_shift = 64 - bits;
	x->mask = slots - 1;
	x->slots = calloc(slots, sizeof(*x->slots));
	x->map = calloc((size_t)1 << (bits - 6), sizeof(*x->map));
	if (!x->slots || !x->map)
		abort();
	for (size_t i = 0; i < prey->n; i++) {
		const struct sequence *s = &prey->sequences[i];
		for (uint32_t at = next_offset(s, 0); at + WINDOW <= s->n;
		     at = next_offset(s, at + 1))
			put(x, load(s->p + at), i, at);
	}
	return x;
}

void index_free(struct index *x)
{
	if (!x)
		return;
	free(x->slots);
	free(x->map);
	free(x);
}

/* Where we are in the hay. */
struct hunt {
	const struct index *x;
	bytes hay;
	enum place place;
	const char *where;
	struct finds *finds;
};

static void note(struct hunt *h, const struct sequence *s, size_t at, size_t length)
{
	struct find *f = &h->finds->at[s->name][s->form][h->place];
	if (f->runs++ == 0)
		(void)snprintf(f->first, sizeof(f->first), "%.70s+0x%zx", h->where, at);
	f->whole += length == s->n;
	if (length > f->longest)
		f->longest = length;
	if (s->owner < h->finds->n_owners)
		h->finds->owners[h->place][s->owner] = 1;
}

/* Counts the run around this window, once: at the first window of it in the table. */
static void grow(struct hunt *h, const struct slot *slot, size_t at)
{
	const struct sequence *s = &h->x->prey->sequences[slot->sequence - 1];
	uint32_t start = slot->offset, end = slot->offset + WINDOW;
	size_t from = at, to = at + WINDOW;
	while (start > 0 && from > 0 && s->p[start - 1] == h->hay.p[from - 1])
		start--, from--;
	while (end < s->n && to < h->hay.n && s->p[end] == h->hay.p[to])
		end++, to++;
	if (to - from >= s->run_min && next_offset(s, start) == slot->offset)
		note(h, s, from, to - from);
}

static void look_up(struct hunt *h, uint64_t window, size_t at)
{
	const struct index *x = h->x;
	uint64_t other = second_bit(x, mix(window));
	if (!(x->map[other >> 6] >> (other & 63) & 1))
		return;
	for (size_t i = (size_t)(mix(window) >> 20) & x->mask; x->slots[i].sequence;
	     i = (i + 1) & x->mask)
		if (x->slots[i].window == window)
			grow(h, &x->slots[i], at);
}

void index_hunt(const struct index *x, bytes hay, enum place place, const char *where,
		struct finds *finds)
{
	struct hunt h = { x, hay, place, where, finds };
	finds->bytes += hay.n;
	for (size_t at = 0; at + WINDOW <= hay.n; at++) {
		uint64_t window = load(hay.p + at), bit = mix(window) >> x->map_shift;
		if (x->map[bit >> 6] >> (bit & 63) & 1)
			look_up(&h, window, at);
	}
}
