/* The tree as files: entries go in one after another, and each full tile and bundle goes to disk as
 * it fills, the open ones when a head is made. Nothing here is synced but by logtree_sync:
 * all of it can be made again from the journal.
 *
 * The same walk compares instead of writing, so what was written is read again and hashed again by
 * code that would have written it. One owner; no lock of its own. */
#pragma once
#include "merkle/tile.h"
#include "merkle/tree.h"

enum logtree_mode {
	LOGTREE_WRITE,   /* a file that is there and the same stays; another is replaced */
	LOGTREE_COMPARE, /* E_MISMATCH at a file that differs or is not there */
	LOGTREE_FORGET,  /* hashes alone, no file is touched */
};

/* Of one level: the tile that is not full yet. */
struct logtree_level {
	uint64_t n;              /* which one of its level */
	struct merkle_edge edge; /* of the hashes in it */
	uint8_t hashes[TILE_SIZE_MAX];
	unsigned settled; /* how many of them the newest partial file has */
};

/* About 150 KiB, of which little is touched. */
struct logtree {
	int dir_fd; /* of the log; the caller's */
	enum logtree_mode mode;
	uint64_t size;
	size_t bundle_n;
	struct tile_id fault; /* of E_MISMATCH and E_IO: the tile */
	struct logtree_level levels[TILE_LEVELS];
	uint8_t bundle[TILE_ROOM_MAX];
	uint8_t read[TILE_ROOM_MAX];
};

/* Begins at `size`, a multiple of TILE_WIDTH, with what the full tiles below it say; they are
 * read, not compared with anything. E_NOT_FOUND, E_MISMATCH: t->fault is missing or too short. */
ch_err logtree_begin(struct logtree *t, int dir_fd, enum logtree_mode mode, uint64_t size);
/* E_RANGE: an entry of no byte, or over BUNDLE_ENTRY_MAX; E_MISMATCH, E_IO, E_NO_ROOM: see fault. On
 * failure it was not added, and can be again. */
ch_err logtree_add(struct logtree *t, bytes entry);
/* The open tiles and the open bundle as partial files: before a head of this size. Errors
 * as above. */
ch_err logtree_settle(struct logtree *t);
/* After logtree_settle. */
void logtree_root(const struct logtree *t, struct merkle_hash *ret_root);

/* Makes durable the full tiles and bundles of a tree of `to` entries that one of `from` had not, both
 * multiples of TILE_WIDTH, at most `files` of them; *ret_upto: so far they are, below `to` when
 * there were more. */
ch_err logtree_sync(int dir_fd, uint64_t from, uint64_t to, size_t files, uint64_t *ret_upto);
