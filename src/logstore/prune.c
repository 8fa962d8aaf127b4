/* Pruning: what tlog-tiles calls the minimum index. Full tiles and bundles that end at or below it
 * go, but those whose parent tile is not full yet stay: from them the right edge is made. What is
 * under no head, and whatever expired too late, is not touched. */
#include <errno.h>
#include <unistd.h>

#include "base/rw.h"
#include "logstore/check.h"
#include "logstore/index.h"
#include "logstore/state.h"
#include "logstore_internal.h"
#include "merkle/entry.h"

enum { INDEX_FILES_MAX = 4096 };

static ch_err erase(int dir_fd, const char *path, uint64_t *erased)
{
	if (unlinkat(dir_fd, path, 0) == 0)
		(*erased)++;
	else if (errno != ENOENT)
		return ch_fail(CH_E_IO, "cannot erase a file of the log", errno);
	return CH_DONE;
}

/* How many tiles of the level, from the first on, may be gone at this minimum. */
static uint64_t prunable(uint64_t minimum, uint64_t size, unsigned level)
{
	uint64_t below = tile_hashes(minimum, level) / TILE_WIDTH;
	/* all below a full tile of the next level */
	uint64_t spare = tile_hashes(size, level + 1) / TILE_WIDTH * TILE_WIDTH;
	return below < spare ? below : spare;
}

static bool is_there(int dir_fd, const struct tile_id *t)
{
	struct path path;
	tile_file(&path, t);
	return faccessat(dir_fd, path.p, F_OK, 0) == 0;
}

/* Tiles are erased in order, so what an earlier pruning has left, because it was cut short or a parent
 * tile was not full then, lies in a row below `from`. */
static uint64_t first_left(int dir_fd, unsigned level, uint64_t from)
{
	struct tile_id t = { .n = from, .width = TILE_WIDTH, .level = (uint8_t)level };
	for (; t.n > 0; t.n--) {
		struct tile_id before = t, bundle = t;
		before.n = bundle.n = t.n - 1;
		bundle.entries = true;
		if (!is_there(dir_fd, &before) && (level > 0 || !is_there(dir_fd, &bundle)))
			break;
	}
	return t.n;
}

static ch_err erase_level(int dir_fd, unsigned level, uint64_t from, uint64_t to, uint64_t *erased)
{
	struct path path;
	struct tile_id t = { .width = TILE_WIDTH, .level = (uint8_t)level };
	for (t.n = first_left(dir_fd, level, from); t.n < to; t.n++) {
		t.entries = false;
		tile_file(&path, &t);
		TRY(erase(dir_fd, path.p, erased));
		if (level > 0)
			continue;
		t.entries = true;
		tile_file(&path, &t);
		TRY(erase(dir_fd, path.p, erased));
	}
	return CH_DONE;
}

static ch_err erase_index(int dir_fd, uint64_t minimum, uint64_t *erased)
{
	static uint64_t firsts[INDEX_FILES_MAX];
	size_t n = 0;
	ch_err e = logindex_names(dir_fd, firsts, INDEX_FILES_MAX, &n);
	if (failed(e))
		return e;
	/* the last one may go on above */
	for (size_t i = 0; i + 1 < n && firsts[i + 1] <= minimum; i++) {
		struct path path;
		index_file(&path, firsts[i]);
		TRY(erase(dir_fd, path.p, erased));
	}
	return CH_DONE;
}

/* A ledger that starts goes back to what is on disk for good: nothing above that is touched. */
static ch_err settled_size(int dir_fd, uint64_t *size)
{
	struct logstate state;
	TRY(logstate_read(dir_fd, &state));
	uint64_t low = logstate_floor(&state);
	*size = low < *size ? low : *size - *size % TILE_WIDTH;
	return CH_DONE;
}

ch_err logprune(int dir_fd, uint64_t minimum, uint64_t size, uint64_t *ret_erased)
{
	uint64_t before = 0, erased = 0;
	TRY(logminimum_read(dir_fd, &before));
	TRY(settled_size(dir_fd, &size));
	if (minimum > size || minimum < before)
		return ch_fail(CH_E_RANGE, "the minimum index cannot be there", size);
	if (minimum > before)
		TRY(logminimum_write(dir_fd, minimum));
	for (unsigned level = 0; level + 1 < TILE_LEVELS; level++)
		TRY(erase_level(dir_fd, level, prunable(before, size, level),
				prunable(minimum, size, level), &erased));
	TRY(erase_index(dir_fd, minimum, &erased));
	*ret_erased = erased;
	return CH_DONE;
}

/* How many entries at the start of a bundle expired before then; all: go on. */
static ch_err expired_in(struct logstore *s, const struct tile_id *t, uint64_t from,
			 int64_t before_s, uint64_t *ret_upto)
{
	static uint8_t room[TILE_ROOM_MAX];
	NOT_ZEROED bytes entries[TILE_WIDTH];
	struct wr w = wr_of(room, sizeof(room));
	TRY(tile_fetch(&s->tiles, t, &w));
	TRY(bundle_read(wr_bytes(&w), t->width, entries));
	uint64_t i = from;
	for (; i < t->width; i++) {
		struct log_entry e;
		TRY(log_entry_read(entries[i], &e));
		if (e.exp_s >= before_s)
			break;
	}
	*ret_upto = i;
	return CH_DONE;
}

ch_err logprune_point(struct logstore *s, uint64_t size, int64_t before_s, uint64_t *ret_index)
{
	uint64_t index = 0;
	struct tile_id t;
	TRY(logstore_minimum(s, &index));
	TRY(settled_size(s->dir_fd, &size));
	while (index < size && tile_of(size, 0, index / TILE_WIDTH, &t)) {
		uint64_t upto = 0;
		t.entries = true;
		TRY(expired_in(s, &t, index % TILE_WIDTH, before_s, &upto));
		index = t.n * TILE_WIDTH + upto;
		if (upto < t.width)
			break;
	}
	*ret_index = index;
	return CH_DONE;
}
