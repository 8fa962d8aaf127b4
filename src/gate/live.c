/* The live set: a small map from a window of seconds to the table of the tokens that expire in it;
 * a table is an array of fingerprints, by open addressing. Nobody outside knows the key, so nobody
 * chooses what collides or where it lies. Must never say yes to what was not added: all 128
 * bits are compared. */
#include "live.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/rand.h"
#include "crypto/short_hash.h"

enum { SLOTS_MIN = 16, MAP_MIN = 64 };

struct live_slot {
	uint64_t first, second; /* first is 0: free */
};

struct window {
	int64_t number;          /* exp / LIVE_WINDOW_S */
	struct live_slot *slots; /* NULL: this place in the map is free */
	uint32_t n, room;
};

struct live {
	uint8_t key[SHORT_HASH_KEY_SIZE];
	uint64_t most, count, slots;
	int64_t floor_s;
	struct window *map; /* n_map places, a power of two, at most half of them taken */
	size_t n_map, windows;
};

static int64_t window_of(int64_t exp_s)
{
	return exp_s / LIVE_WINDOW_S;
}

/* Neighbours lie side by side: the windows of a day collide with nothing. */
static struct window *place_of(const struct live *l, int64_t number)
{
	size_t at = (size_t)number & (l->n_map - 1);
	while (l->map[at].slots && l->map[at].number != number)
		at = (at + 1) & (l->n_map - 1);
	return &l->map[at];
}

/* The slot of this one, or the free one where it belongs. */
static struct live_slot *slot_of(struct live_slot *slots, uint32_t room, uint64_t first,
				 uint64_t second)
{
	uint32_t at = (uint32_t)((first >> 32) * room >> 32);
	while (slots[at].first && (slots[at].first != first || slots[at].second != second))
		at = at + 1 == room ? 0 : at + 1;
	return &slots[at];
}

struct live_print live_print_of(const struct live *l, const uint8_t id[static LIVE_ID_SIZE],
				int64_t exp_s)
{
	struct wide_hash h = short_hash_wide(l->key, (bytes){ id, LIVE_ID_SIZE });
	return (struct live_print){ h.first ? h.first : 1, h.second, exp_s };
}

bool live_has(const struct live *l, const struct live_print *p)
{
	const struct window *w = place_of(l, window_of(p->exp_s));
	return w->slots && slot_of(w->slots, w->room, p->first, p->second)->first;
}

static void slots_done(struct live_slot **slots)
{
	live_slots_free(*slots);
}

/* One and a half times the room, so that three slots in four are taken at most. */
static ch_err window_grow(struct live *l, struct window *w)
{
	uint32_t room = w->room + w->room / 2;
	AUTO(slots_done) struct live_slot *slots = live_slots_new(room, sizeof(*slots));
	if (!slots)
		return ch_fail(CH_E_NOMEM, "no memory for live tokens", room);
	for (uint32_t i = 0; i < w->room; i++)
		if (w->slots[i].first)
			*slot_of(slots, room, w->slots[i].first, w->slots[i].second) = w->slots[i];
	l->slots += room - w->room;
	live_slots_free(w->slots);
	w->slots = TAKE(slots);
	w->room = room;
	return CH_DONE;
}

/* The map with so many places for the windows that are not forgotten. */
static ch_err map_make(struct live *l, size_t n_map)
{
	struct window *old = l->map, *fresh = calloc(n_map, sizeof(*fresh));
	size_t n_old = l->n_map;
	if (!fresh)
		return ch_fail(CH_E_NOMEM, "no memory for live tokens", n_map);
	l->map = fresh;
	l->n_map = n_map;
	for (size_t i = 0; i < n_old; i++)
		if (old[i].slots)
			*place_of(l, old[i].number) = old[i];
	free(old);
	return CH_DONE;
}

static ch_err window_new(struct live *l, int64_t number, struct window **ret_w)
{
	if (2 * (l->windows + 1) > l->n_map)
		TRY(map_make(l, 2 * l->n_map));
	struct live_slot *slots = live_slots_new(SLOTS_MIN, sizeof(*slots));
	if (!slots)
		return ch_fail(CH_E_NOMEM, "no memory for live tokens", SLOTS_MIN);
	struct window *w = place_of(l, number);
	*w = (struct window){ .number = number, .slots = slots, .room = SLOTS_MIN };
	l->slots += SLOTS_MIN;
	l->windows++;
	*ret_w = w;
	return CH_DONE;
}

ch_err live_add(struct live *l, const struct live_print *p)
{
	int64_t number = window_of(p->exp_s);
	if (p->exp_s <= l->floor_s)
		return CH_DONE;
	struct window *w = place_of(l, number);
	if (w->slots && slot_of(w->slots, w->room, p->first, p->second)->first)
		return CH_DONE;
	if (l->count >= l->most)
		return ch_fail(CH_E_LIMIT, "more tokens are live than there is room for", l->most);
	if (!w->slots)
		TRY(window_new(l, number, &w));
	if (4 * ((uint64_t)w->n + 1) > 3 * (uint64_t)w->room)
		TRY(window_grow(l, w));
	*slot_of(w->slots, w->room, p->first, p->second) =
		(struct live_slot){ p->first, p->second };
	w->n++;
	l->count++;
	return CH_DONE;
}

static void window_free(struct live *l, struct window *w)
{
	live_slots_free(w->slots);
	l->slots -= w->room;
	l->count -= w->n;
	l->windows--;
	*w = (struct window){ .slots = NULL };
}

void live_forget(struct live *l, int64_t floor_s)
{
	size_t before = l->windows, n_map = MAP_MIN;
	if (floor_s <= l->floor_s)
		return;
	bool next = l->floor_s == INT64_MIN || window_of(floor_s) != window_of(l->floor_s);
	l->floor_s = floor_s;
	for (size_t i = 0; next && i < l->n_map; i++)
		if (l->map[i].slots && l->map[i].number < window_of(floor_s))
			window_free(l, &l->map[i]);
	if (l->windows == before)
		return;
	while (n_map < 2 * l->windows + 2)
		n_map *= 2;
	/* places behind a window that went must be made again; without memory for it all goes */
	if (failed(map_make(l, n_map))) {
		live_clear(l);
		l->floor_s = INT64_MAX;
	}
}

int64_t live_floor(const struct live *l)
{
	return l->floor_s;
}

void live_clear(struct live *l)
{
	for (size_t i = 0; i < l->n_map; i++)
		if (l->map[i].slots)
			window_free(l, &l->map[i]);
	l->floor_s = INT64_MIN;
}

uint64_t live_count(const struct live *l)
{
	return l->count;
}

uint64_t live_most(const struct live *l)
{
	return l->most;
}

uint64_t live_bytes(const struct live *l)
{
	return sizeof(*l) + l->n_map * sizeof(*l->map) + l->slots * sizeof(struct live_slot);
}

ch_err live_new(uint64_t most, struct live **ret_l)
{
	AUTO(live_done) struct live *l = calloc(1, sizeof(*l));
	if (!l)
		return ch_fail(CH_E_NOMEM, "no memory for live tokens", most);
	l->most = most;
	l->floor_s = INT64_MIN;
	rand_fill(l->key, sizeof(l->key));
	TRY(map_make(l, MAP_MIN));
	*ret_l = TAKE(l);
	return CH_DONE;
}

void live_free(struct live *l)
{
	if (!l)
		return;
	live_clear(l);
	free(l->map);
	free(l);
}

void live_done(struct live **l)
{
	live_free(*l);
	*l = NULL;
}
