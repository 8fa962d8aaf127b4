/* The tree as RFC 6962 defines it, by recursion over all leaves, and a log of made-up entries as a
 * source of tiles: what src/merkle is compared with. */
#pragma once
#include "merkle/source.h"

enum { PLAIN_MAX = 70000 };

void plain_root(const struct merkle_hash *leaves, size_t n, struct merkle_hash *ret_root);
void plain_path(size_t m, const struct merkle_hash *leaves, size_t n, struct merkle_proof *p);
void plain_proof(size_t m, const struct merkle_hash *leaves, size_t n, bool whole,
		 struct merkle_proof *p);
bool plain_same(const struct merkle_proof *a, const struct merkle_proof *b);

/* Entry i: 1 to 200 bytes, none like another. */
void plain_entry(struct wr *w, size_t i);
/* The leaves of entries 0 to PLAIN_MAX, hashed once. */
const struct merkle_hash *plain_leaves(void);

struct plain_log {
	struct tile_source s;
	uint64_t size;    /* of the log: no wider tiles than it has */
	bool no_partials; /* where there is a full tile, there is no partial one */
	const struct tile_id *missing;
	unsigned asked;
};
struct plain_log plain_log_of(uint64_t size);
