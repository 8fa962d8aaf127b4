/* The Merkle tree of RFC 6962 section 2.1 (SHA-256; a leaf is H(0 ‖ entry), a node is
 * H(1 ‖ left ‖ right)), its right edge, and proofs: checked here, made in source.h. Pure. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

enum {
	MERKLE_HASH_SIZE = 32,
	MERKLE_EDGE_MAX = 64,
	MERKLE_PROOF_MAX = 64,
};
/* The most leaves; what is larger is no size. */
#define MERKLE_SIZE_MAX ((uint64_t)INT64_MAX)

struct merkle_hash {
	uint8_t b[MERKLE_HASH_SIZE];
};

void merkle_leaf(bytes entry, struct merkle_hash *ret_hash);
/* ret_hash may be one of the two. */
void merkle_node(const struct merkle_hash *left, const struct merkle_hash *right,
		 struct merkle_hash *ret_hash);
/* The root of the tree without leaves: H(""). */
void merkle_empty(struct merkle_hash *ret_root);
bool merkle_eq(const struct merkle_hash *a, const struct merkle_hash *b);

/* What must be kept of a tree to go on: its right edge, one full subtree for each bit of
 * size that is set, the largest first. Zeroed, it is the empty tree's. */
struct merkle_edge {
	uint64_t size;
	size_t n;
	struct merkle_hash h[MERKLE_EDGE_MAX];
};

/* Asserts that size stays under MERKLE_SIZE_MAX. */
void merkle_edge_add(struct merkle_edge *e, const struct merkle_hash *leaf);
void merkle_edge_root(const struct merkle_edge *e, struct merkle_hash *ret_root);

/* Inclusion (section 2.1.1) or consistency (2.1.2): hashes in RFC 6962's order. */
struct merkle_proof {
	size_t n;
	struct merkle_hash h[MERKLE_PROOF_MAX];
};

/* Is leaf the one at index of the tree of this size and root? E_RANGE: there is no such
 * index, or no such size; E_MISMATCH: the proof does not show it. */
ch_err merkle_check_inclusion(const struct merkle_hash *leaf, uint64_t index, uint64_t size,
			      const struct merkle_proof *proof, const struct merkle_hash *root);
/* Does the tree of size begin with all of the one of old_size? Of equal sizes the proof is
 * empty and the roots are equal; of old_size 0 the proof is empty and old_root is
 * merkle_empty. E_RANGE: old_size is greater than size, or no size; E_MISMATCH. */
ch_err merkle_check_consistency(uint64_t old_size, const struct merkle_hash *old_root,
				uint64_t size, const struct merkle_hash *root,
				const struct merkle_proof *proof);
