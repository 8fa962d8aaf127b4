/* What has time: index files of closed segments, making old tiles durable, and the state on disk that
 * says how far both have come. The journal may be erased below that. */
#include "base/clock.h"
#include "ledger_internal.h"
#include "logstore/index.h"

enum {
	SYNC_S = 30, /* by then the kernel has written most of it */
	FILES_A_TURN = 64,
	FINISH_MS = 2000,
};
#define SECOND UINT64_C(1000000000)
#define MS UINT64_C(1000000)

/* --- index files --- */

/* So many entries have their bundles on disk. */
static uint64_t on_disk(const struct integrator *g)
{
	uint64_t full = g->tree->size == 0 ? 0 : (g->tree->size - 1) / TILE_WIDTH * TILE_WIDTH;
	return g->settled > full ? g->settled : full;
}

ch_err upkeep_index(struct integrator *g)
{
	uint64_t size = on_disk(g);
	while (g->n_boundaries > 0 && g->boundaries[0] <= size) {
		uint64_t to = g->boundaries[0];
		if (to > g->state.indexed)
			TRY(logindex_make(&g->store, size, g->state.indexed, to));
		g->state.indexed = to > g->state.indexed ? to : g->state.indexed;
		g->n_boundaries--;
		mem_move(g->boundaries, g->boundaries + 1,
			 g->n_boundaries * sizeof(g->boundaries[0]));
	}
	return CH_DONE;
}

/* --- syncing --- */

static ch_err write_state(struct integrator *g)
{
	g->state.head_size = g->published.size;
	g->state.root = g->published.root;
	TRY(logstate_write(g->folder, &g->state));
	atomic_store(&g->handover->erasable, logstate_floor(&g->state));
	return CH_DONE;
}

static uint64_t full_tiles(const struct integrator *g)
{
	return g->settled / TILE_WIDTH * TILE_WIDTH;
}

bool upkeep_waits(const struct integrator *g)
{
	return g->state.durable < g->mark;
}

void upkeep_note(struct integrator *g)
{
	static const struct boot_id unknown;
	struct logwritten w = { g->written.boot, full_tiles(g), g->state.indexed };
	bool is_new = w.tiles != g->written.tiles || w.indexed != g->written.indexed;
	if (!is_new || mem_eq(w.boot.id, unknown.id, BOOT_ID_SIZE) ||
	    failed(logwritten_write(g->folder, &w)))
		return;
	g->written = w;
}

/* A cursor reads ahead as far as its room goes; once all of it is in the tree, it goes back. */
static void release_room(struct integrator *g)
{
	enum { MUCH = 64 * 1024 };
	struct chain_walk *w = &g->journal.walk;
	if (g->journal.left.n > 0 || g->has_record || w->have < MUCH)
		return;
	w->have = 0;
	room_release(w->room, w->cap);
}

ch_err upkeep(struct integrator *g, uint64_t now_ns)
{
	release_room(g);
	TRY(upkeep_index(g));
	if (now_ns - g->written_ns >= SECOND) {
		upkeep_note(g);
		g->written_ns = now_ns;
	}
	if (upkeep_waits(g)) {
		TRY(logtree_sync(g->folder, g->state.durable, g->mark, FILES_A_TURN,
				 &g->state.durable));
		return upkeep_waits(g) ? CH_DONE : write_state(g);
	}
	if (now_ns - g->mark_ns < SYNC_S * SECOND)
		return CH_DONE;
	/* what is on disk now is synced when the next mark is set */
	g->mark = g->next_mark;
	g->next_mark = full_tiles(g);
	g->mark_ns = now_ns;
	return CH_DONE;
}

ch_err upkeep_finish(struct integrator *g)
{
	uint64_t until = clock_mono_ns() + FINISH_MS * MS, to = full_tiles(g);
	TRY(upkeep_index(g));
	while (g->state.durable < to && clock_mono_ns() < until)
		TRY(logtree_sync(g->folder, g->state.durable, to, FILES_A_TURN, &g->state.durable));
	upkeep_note(g);
	return write_state(g);
}
