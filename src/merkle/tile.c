/* Names and contents of tiles and entry bundles. Paths and bundles come from other people's
 * servers: one spelling a tile, and no length of theirs is believed. */
#include "merkle/tile.h"

#include <assert.h>

#include "codec/json.h"

enum { GROUP = 1000, GROUPS_MAX = 6 };
/* the last tile of level 0 that a tree can have */
#define TILE_N_MAX (MERKLE_SIZE_MAX / TILE_WIDTH)

static void group_write(struct wr *w, uint64_t v)
{
	wr_char(w, (char)('0' + v / 100));
	wr_char(w, (char)('0' + v / 10 % 10));
	wr_char(w, (char)('0' + v % 10));
}

void tile_path_write(struct wr *w, const struct tile_id *t)
{
	assert(t->width >= 1 && t->width <= TILE_WIDTH && t->level <= TILE_LEVEL_MAX);
	wr_lit(w, "tile/");
	if (t->entries)
		wr_lit(w, "entries");
	else
		wr_dec(w, t->level);
	uint64_t above = 1;
	while (t->n / above >= GROUP)
		above *= GROUP;
	for (; above >= 1; above /= GROUP) {
		wr_char(w, '/');
		if (above > 1)
			wr_char(w, 'x');
		group_write(w, t->n / above % GROUP);
	}
	if (t->width < TILE_WIDTH) {
		wr_lit(w, ".p/");
		wr_dec(w, t->width);
	}
}

static bool group_read(str s, uint64_t *ret_v)
{
	uint64_t v = 0;
	if (s.n != 3)
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(s.p[i] - '0');
	}
	*ret_v = v;
	return true;
}

/* "x001/x234/067", then nothing or ".p". */
static bool number_read(str *left, struct tile_id *t, bool *ret_partial)
{
	uint64_t v = 0;
	for (size_t i = 0; i < GROUPS_MAX && left->p; i++) {
		str part = str_cut(left, '/');
		bool last = !str_starts(part, LIT("x"));
		bool partial = last && str_ends(part, LIT(".p"));
		part = str_sub(part, !last, part.n - (partial ? 2 : 0) - !last);
		if (!group_read(part, &v))
			return false;
		t->n = t->n * GROUP + v;
		if (!last)
			continue;
		*ret_partial = partial;
		return t->n <= TILE_N_MAX;
	}
	return false;
}

static bool level_read(str part, struct tile_id *t)
{
	uint64_t level = 0;
	t->entries = str_eq(part, LIT("entries"));
	if (!t->entries && !str_to_u64(part, TILE_LEVEL_MAX, &level))
		return false;
	t->level = (uint8_t)level;
	return true;
}

/* What was read, written again, is what stood there: so no second spelling. */
static bool same_path(str path, const struct tile_id *t)
{
	uint8_t room[TILE_PATH_MAX];
	struct wr w = wr_of(room, sizeof(room));
	tile_path_write(&w, t);
	return !w.full && str_eq(path, wr_text(&w));
}

ch_err tile_path_read(str path, struct tile_id *ret_t)
{
	struct tile_id t = { .width = TILE_WIDTH };
	str left = path;
	bool partial = false;
	uint64_t width = TILE_WIDTH;
	if (!str_eq(str_cut(&left, '/'), LIT("tile")) || !left.p ||
	    !level_read(str_cut(&left, '/'), &t) || !left.p || !number_read(&left, &t, &partial))
		return ch_fail(CH_E_SYNTAX, "no path of a tile", path.n);
	if (partial && (!left.p || !str_to_u64(left, TILE_WIDTH - 1, &width) || width == 0))
		return ch_fail(CH_E_SYNTAX, "no width of a partial tile", path.n);
	t.width = (unsigned)width;
	if (!same_path(path, &t))
		return ch_fail(CH_E_SYNTAX, "no path of a tile as it is spelled", path.n);
	*ret_t = t;
	return CH_DONE;
}

uint64_t tile_hashes(uint64_t size, unsigned level)
{
	return level < TILE_LEVELS ? size >> 8 * level : 0;
}

bool tile_of(uint64_t size, unsigned level, uint64_t n, struct tile_id *ret_t)
{
	uint64_t hashes = tile_hashes(size, level);
	if (hashes / TILE_WIDTH < n || (hashes / TILE_WIDTH == n && hashes % TILE_WIDTH == 0))
		return false;
	*ret_t = (struct tile_id){ .n = n, .width = TILE_WIDTH, .level = (uint8_t)level };
	if (hashes / TILE_WIDTH == n)
		ret_t->width = (unsigned)(hashes % TILE_WIDTH);
	return true;
}

ch_err tile_root(bytes hashes, struct merkle_hash *ret_root)
{
	struct merkle_edge e = { 0 };
	struct merkle_hash h = { { 0 } };
	if (hashes.n == 0 || hashes.n > TILE_SIZE_MAX || hashes.n % MERKLE_HASH_SIZE != 0)
		return ch_fail(CH_E_RANGE, "a tile has 1 to 256 whole hashes", hashes.n);
	for (size_t i = 0; i < hashes.n; i += MERKLE_HASH_SIZE) {
		mem_copy(h.b, hashes.p + i, MERKLE_HASH_SIZE);
		merkle_edge_add(&e, &h);
	}
	merkle_edge_root(&e, ret_root);
	return CH_DONE;
}

/* --- which tiles are new --- */

static unsigned level_of(const struct tile_walk *w)
{
	return w->level == 0 ? 0 : w->level - 1;
}

/* The first tile of its level that was not full. */
static void level_begin(struct tile_walk *w)
{
	w->n = tile_hashes(w->old, level_of(w)) / TILE_WIDTH;
}

struct tile_walk tile_walk_of(uint64_t old, uint64_t size)
{
	struct tile_walk w = { .old = old, .size = size };
	level_begin(&w);
	return w;
}

bool tile_walk_next(struct tile_walk *w, struct tile_id *ret_t)
{
	while (w->level <= TILE_LEVELS) {
		bool grown = tile_hashes(w->old, level_of(w)) < tile_hashes(w->size, level_of(w));
		if (grown && tile_of(w->size, level_of(w), w->n, ret_t)) {
			ret_t->entries = w->level == 0;
			w->n++;
			return true;
		}
		w->level++;
		level_begin(w);
	}
	return false;
}

/* --- bundles --- */

void bundle_put(struct wr *w, bytes entry)
{
	assert(entry.n <= UINT16_MAX);
	wr_bytes16(w, entry);
}

ch_err bundle_read(bytes b, unsigned width, bytes ret_entries[static TILE_WIDTH])
{
	struct rd r = rd_of(b);
	assert(width <= TILE_WIDTH);
	for (unsigned i = 0; i < width; i++)
		ret_entries[i] = rd_bytes16(&r, UINT16_MAX);
	return rd_done(&r);
}

ch_err bundle_tile(bytes b, unsigned width, struct wr *ret_tile)
{
	bytes entries[TILE_WIDTH];
	struct merkle_hash h;
	TRY(bundle_read(b, width, entries));
	for (unsigned i = 0; i < width; i++) {
		merkle_leaf(entries[i], &h);
		wr_put(ret_tile, BYTES_OF(h.b));
	}
	return wr_done(ret_tile);
}
