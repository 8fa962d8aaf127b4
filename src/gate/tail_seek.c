/* Where to begin in a log: the first bundle that may hold a token that lives. Entries come about
 * in the order of their time, but a clock may have been wrong: so not only the neighbour is looked
 * at, but bundles ever further apart, back to the beginning. Must never take a bundle for too
 * old that was not read, but one that was pruned behind one that is. */
#include "merkle/entry.h"
#include "tail.h"

enum { REORDER_S = 60 }; /* signers append side by side */

ch_err tail_bundle(struct tail *t, struct tile_source *s, uint64_t n, unsigned *ret_width)
{
	struct tile_id id;
	bool is_there = tile_of(t->target.size, 0, n, &id);
	if (!is_there)
		return ch_fail(CH_E_RANGE, "a log has no such bundle", n);
	id.entries = true;
	t->bundle = wr_of(t->room, sizeof(t->room));
	TRY(tile_fetch(s, &id, &t->bundle));
	*ret_width = id.width;
	return CH_DONE;
}

/* An entry of another form speaks of no token that is taken here. */
static bool is_aged(const struct tail *t, bytes entry, int64_t floor_s)
{
	struct log_entry e;
	if (failed(log_entry_read(entry, &e)))
		return true;
	return e.iat_s <= floor_s - t->max_ttl_s - REORDER_S;
}

static ch_err probe(struct tail *t, struct tile_source *s, uint64_t n, int64_t floor_s,
		    bool *ret_aged)
{
	NOT_ZEROED bytes entries[TILE_WIDTH];
	unsigned width = 0;
	bool aged = true;
	TRY(tail_bundle(t, s, n, &width));
	TRY(bundle_read(wr_bytes(&t->bundle), width, entries));
	for (unsigned i = 0; i < width && aged; i++)
		aged = is_aged(t, entries[i], floor_s);
	*ret_aged = aged;
	return CH_DONE;
}

static uint64_t bundles_of(uint64_t size)
{
	return (size + TILE_WIDTH - 1) / TILE_WIDTH;
}

void tail_seek_begin(struct tail *t)
{
	uint64_t n = bundles_of(t->target.size);
	t->first_live = n > 0 ? n - 1 : 0;
	t->last_aged = 0;
	t->step = 1;
}

/* From the end in steps that grow by a fourth: so a stretch of what lives, behind one that a wrong
 * clock made look old, is not stepped over unless it is shorter than a fourth of what follows. */
static ch_err leap(struct tail *t, struct tile_source *s, int64_t floor_s)
{
	uint64_t n = bundles_of(t->target.size) - t->step;
	bool aged = false;
	ch_err e = probe(t, s, n, floor_s, &aged);
	if (ch_code_of(e) == CH_E_NOT_FOUND && t->last_aged > 0) {
		t->step = UINT64_MAX; /* pruned: older than what is older than all that lives */
		return CH_DONE;
	}
	TRY(e);
	if (!aged) {
		t->first_live = n;
		t->last_aged = 0;
	} else if (t->last_aged == 0) {
		t->last_aged = n + 1;
	}
	t->step += t->step / 4 + 1;
	return CH_DONE;
}

ch_err tail_seek(struct tail *t, struct tile_source *s, int64_t floor_s, bool *ret_done)
{
	bool aged = false;
	*ret_done = false;
	if (t->step <= bundles_of(t->target.size))
		return leap(t, s, floor_s);
	if (t->last_aged >= t->first_live) {
		*ret_done = true;
		return CH_DONE;
	}
	uint64_t middle = t->last_aged + (t->first_live - t->last_aged) / 2;
	TRY(probe(t, s, middle, floor_s, &aged));
	if (aged)
		t->last_aged = middle + 1;
	else
		t->first_live = middle;
	return CH_DONE;
}
