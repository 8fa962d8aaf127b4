/* What has time: index files of closed segments, making old tiles durable, and the state on disk that
 * says how far both have come. The journal may be erased below that. */
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rw.h"
#include "ledger_internal.h"
#include "logstore/index.h"
#include "merkle/entry.h"

enum {
	SYNC_S = 30, /* by then the kernel has written most of it */
	FILES_A_TURN = 64,
	FINISH_MS = 2000,
};
#define SECOND UINT64_C(1000000000)
#define MS UINT64_C(1000000)

/* --- index files --- */

static ch_err rows_of_bundle(struct integrator *g, const struct tile_id *id, uint64_t from,
			     uint64_t to, struct logindex_row *rows)
{
	static uint8_t room[TILE_ROOM_MAX];
	NOT_ZEROED bytes entries[TILE_WIDTH];
	struct wr w = wr_of(room, sizeof(room));
	struct log_entry entry;
	TRY(tile_fetch(&g->store.tiles, id, &w));
	TRY(bundle_read(wr_bytes(&w), id->width, entries));
	for (uint64_t i = from; i < to; i++) {
		TRY(log_entry_read(entries[i % TILE_WIDTH], &entry));
		struct rd r = rd_of(BYTES_OF(entry.hash));
		*rows++ = (struct logindex_row){ rd_u64(&r), i };
	}
	return CH_DONE;
}

static ch_err rows_of(struct integrator *g, uint64_t size, uint64_t from, uint64_t to,
		      struct logindex_row *rows)
{
	for (uint64_t i = from, end = 0; i < to; i = end) {
		struct tile_id id;
		end = (i / TILE_WIDTH + 1) * TILE_WIDTH;
		end = end < to ? end : to;
		if (!tile_of(size, 0, i / TILE_WIDTH, &id))
			return ch_fail(CH_E_INTERNAL, "an index file comes too early", i);
		id.entries = true;
		TRY(rows_of_bundle(g, &id, i, end, rows + (i - from)));
	}
	return CH_DONE;
}

static ch_err index_segment(struct integrator *g, uint64_t size, uint64_t from, uint64_t to)
{
	size_t n = (size_t)(to - from) * sizeof(struct logindex_row);
	/* some megabytes, for some milliseconds */
	struct logindex_row *rows =
		mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (rows == MAP_FAILED)
		return ch_fail(CH_E_NOMEM, "no memory for an index file", n);
	ch_err e = rows_of(g, size, from, to, rows);
	if (!failed(e))
		e = logindex_write(g->folder, from, rows, (size_t)(to - from));
	(void)munmap(rows, n);
	return e;
}

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
			TRY(index_segment(g, size, g->state.indexed, to));
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
	uint64_t low = g->state.durable < g->state.indexed ? g->state.durable : g->state.indexed;
	atomic_store(&g->handover->erasable, low);
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

ch_err upkeep(struct integrator *g, uint64_t now_ns)
{
	TRY(upkeep_index(g));
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
	if (g->journal.left.n == 0 && !g->has_record) {
		g->journal.walk.have = 0;
		room_release(g->journal.walk.room, g->journal.walk.cap);
	}
	return CH_DONE;
}

ch_err upkeep_finish(struct integrator *g)
{
	uint64_t until = clock_mono_ns() + FINISH_MS * MS, to = full_tiles(g);
	TRY(upkeep_index(g));
	while (g->state.durable < to && clock_mono_ns() < until)
		TRY(logtree_sync(g->folder, g->state.durable, to, FILES_A_TURN, &g->state.durable));
	return write_state(g);
}
