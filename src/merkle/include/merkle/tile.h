/* Tiles: a tree as static files (https://c2sp.org/tlog-tiles). A hash tile has the hashes
 * of 256 neighbours at every eighth level of the tree; an entry bundle has the 256 entries
 * below a tile of level 0. The last one of a level is partial: fewer, but never none. Pure. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/rw.h"
#include "merkle/tree.h"

enum {
	TILE_WIDTH = 256,
	TILE_LEVELS = 8, /* what a tree of MERKLE_SIZE_MAX has */
	TILE_LEVEL_MAX = 63,
	TILE_SIZE_MAX = TILE_WIDTH * MERKLE_HASH_SIZE,
	BUNDLE_ENTRY_MAX = 256,                              /* of our entries; see entry.h */
	TILE_ROOM_MAX = TILE_WIDTH * (2 + BUNDLE_ENTRY_MAX), /* any tile or bundle of ours */
	TILE_PATH_MAX = 64,
};

struct tile_id {
	uint64_t n;     /* which one of its level */
	unsigned width; /* 1 to TILE_WIDTH; less than that: partial */
	uint8_t level;  /* 0 of bundles */
	bool entries;   /* a bundle, no hash tile */
};

/* "tile/0/x001/234.p/7", "tile/entries/000"; at most TILE_PATH_MAX bytes. */
void tile_path_write(struct wr *w, const struct tile_id *t);
/* Only what tile_path_write writes is a path. E_SYNTAX, detail = offset. */
ch_err tile_path_read(str path, struct tile_id *ret_t);

/* How many hashes a tree of size has at a level of tiles (0: leaves, 1: roots of 256, …). */
uint64_t tile_hashes(uint64_t size, unsigned level);
/* The tile n of a level as a tree of size has it; false: it has none. The bundle beside a tile of
 * level 0 differs in `entries` alone. */
bool tile_of(uint64_t size, unsigned level, uint64_t n, struct tile_id *ret_t);
/* The root over the 1 to 256 hashes of a tile; of a full one that is its hash at the next level.
 * E_RANGE: not so many whole hashes. */
ch_err tile_root(bytes hashes, struct merkle_hash *ret_root);

/* Every tile, and every bundle, that a tree of `size` has and one of `old` had not: new ones,
 * and those that are wider now. By level, bundles first. */
struct tile_walk {
	uint64_t old, size;
	uint64_t n;
	unsigned level; /* 0: bundles; 1 + the level of tiles */
};
struct tile_walk tile_walk_of(uint64_t old, uint64_t size);
bool tile_walk_next(struct tile_walk *w, struct tile_id *ret_t);

/* Entry bundles: u16 length, entry; w turns full when there is no room. Asserts that the
 * entry is not longer than 65535. */
void bundle_put(struct wr *w, bytes entry);
/* The `width` entries of a bundle, slices of b. E_TRUNCATED, E_TRAILING: it has not exactly so
 * many. Entries of any length are read. */
ch_err bundle_read(bytes b, unsigned width, bytes ret_entries[static TILE_WIDTH]);
/* The bundle's tile of level 0: width hashes. Errors as above. */
ch_err bundle_tile(bytes b, unsigned width, struct wr *ret_tile);
