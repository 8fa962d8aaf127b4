/* Where tiles come from (a folder, a server, memory), and what is made of them: proofs and the
 * right edge. Nothing that comes from a source is believed: whoever made a proof, or an edge,
 * holds it against a root that was signed. Pure: the source does what there is to do. */
#pragma once
#include "base/err.h"
#include "merkle/tile.h"

struct tile_source {
	/* Appends exactly the tile; E_NOT_FOUND: there is none of this width, or it is pruned. */
	ch_err (*get)(struct tile_source *s, const struct tile_id *t, struct wr *ret_tile);
};

/* Asks for the tile, and for the full one instead of a partial one that is gone, and cuts that.
 * E_MISMATCH: the source gave none of that size. room: TILE_ROOM_MAX holds any of ours. */
ch_err tile_fetch(struct tile_source *s, const struct tile_id *t, struct wr *ret_tile);

/* RFC 6962 section 2.1.1. E_RANGE: index is not below size; the source's errors. */
ch_err merkle_prove_inclusion(struct tile_source *s, uint64_t index, uint64_t size,
			      struct merkle_proof *ret_proof);
/* Section 2.1.2; empty for old_size 0 and for equal sizes. E_RANGE: old_size is above size. */
ch_err merkle_prove_consistency(struct tile_source *s, uint64_t old_size, uint64_t size,
				struct merkle_proof *ret_proof);
/* The right edge of the tree of this size: of one whose head was published, since logs keep no other
 * partial tiles. */
ch_err merkle_edge_at(struct tile_source *s, uint64_t size, struct merkle_edge *ret_edge);
/* The edge of its first `at` entries, out of the tiles of a tree of `size`. */
ch_err merkle_edge_within(struct tile_source *s, uint64_t at, uint64_t size,
			  struct merkle_edge *ret_edge);
