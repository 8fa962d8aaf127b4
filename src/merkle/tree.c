/* Hashes of the tree, its right edge, and the two checks of proofs (RFC 9162 sections 2.1.3.2
 * and 2.1.4.2, which are RFC 6962's as algorithms). Proofs, sizes and indices are a stranger's: no
 * shift and no index here may go wrong by them. */
#include "merkle/tree.h"

#include <assert.h>

#include "crypto/hash.h"

_Static_assert((int)MERKLE_HASH_SIZE == (int)SHA256_SIZE, "hash");

void merkle_leaf(bytes entry, struct merkle_hash *ret_hash)
{
	sha256_tagged(0, entry, ret_hash->b);
}

void merkle_node(const struct merkle_hash *left, const struct merkle_hash *right,
		 struct merkle_hash *ret_hash)
{
	NOT_ZEROED struct merkle_hash both[2];
	both[0] = *left;
	both[1] = *right;
	sha256_tagged(1, (bytes){ both[0].b, sizeof(both) }, ret_hash->b);
}

void merkle_empty(struct merkle_hash *ret_root)
{
	sha256((bytes){ NULL, 0 }, ret_root->b);
}

bool merkle_eq(const struct merkle_hash *a, const struct merkle_hash *b)
{
	return mem_eq(a->b, b->b, MERKLE_HASH_SIZE);
}

void merkle_edge_add(struct merkle_edge *e, const struct merkle_hash *leaf)
{
	assert(e->size < MERKLE_SIZE_MAX && e->n < MERKLE_EDGE_MAX);
	e->h[e->n++] = *leaf;
	for (uint64_t left = e->size; left & 1; left >>= 1, e->n--)
		merkle_node(&e->h[e->n - 2], &e->h[e->n - 1], &e->h[e->n - 2]);
	e->size++;
}

void merkle_edge_root(const struct merkle_edge *e, struct merkle_hash *ret_root)
{
	if (e->n == 0) {
		merkle_empty(ret_root);
		return;
	}
	struct merkle_hash root = e->h[e->n - 1];
	for (size_t i = e->n - 1; i > 0; i--)
		merkle_node(&e->h[i - 1], &root, &root);
	*ret_root = root;
}

static ch_err no_inclusion(size_t n)
{
	return ch_fail(CH_E_MISMATCH, "the proof does not show that the entry is in the tree", n);
}

ch_err merkle_check_inclusion(const struct merkle_hash *leaf, uint64_t index, uint64_t size,
			      const struct merkle_proof *proof, const struct merkle_hash *root)
{
	struct merkle_hash r = *leaf;
	if (size > MERKLE_SIZE_MAX || index >= size)
		return ch_fail(CH_E_RANGE, "the tree has no such index", index);
	uint64_t at = index, last = size - 1;
	for (size_t i = 0; i < proof->n; i++) {
		if (last == 0)
			return no_inclusion(proof->n);
		if (at & 1 || at == last) {
			merkle_node(&proof->h[i], &r, &r);
			while (!(at & 1) && at != 0) {
				at >>= 1;
				last >>= 1;
			}
		} else {
			merkle_node(&r, &proof->h[i], &r);
		}
		at >>= 1;
		last >>= 1;
	}
	return last == 0 && merkle_eq(&r, root) ? CH_DONE : no_inclusion(proof->n);
}

static ch_err no_consistency(size_t n)
{
	return ch_fail(CH_E_MISMATCH, "the tree does not begin with the older one", n);
}

/* Of sizes 0 < old < size; the hashes that the walk meets: the proof's, and before them the old
 * root when the old tree is one full subtree. */
static ch_err consistency_walk(uint64_t old_size, const struct merkle_hash *old_root, uint64_t size,
			       const struct merkle_hash *root, const struct merkle_proof *proof)
{
	uint64_t at = old_size - 1, last = size - 1;
	bool whole = (old_size & at) == 0;
	if (proof->n == 0)
		return no_consistency(0);
	struct merkle_hash o = whole ? *old_root : proof->h[0], r = o;
	while (at & 1) {
		at >>= 1;
		last >>= 1;
	}
	for (size_t i = !whole; i < proof->n; i++) {
		if (last == 0)
			return no_consistency(proof->n);
		if (at & 1 || at == last) {
			merkle_node(&proof->h[i], &o, &o);
			merkle_node(&proof->h[i], &r, &r);
			while (!(at & 1) && at != 0) {
				at >>= 1;
				last >>= 1;
			}
		} else {
			merkle_node(&r, &proof->h[i], &r);
		}
		at >>= 1;
		last >>= 1;
	}
	return last == 0 && merkle_eq(&o, old_root) && merkle_eq(&r, root)
		       ? CH_DONE
		       : no_consistency(proof->n);
}

ch_err merkle_check_consistency(uint64_t old_size, const struct merkle_hash *old_root,
				uint64_t size, const struct merkle_hash *root,
				const struct merkle_proof *proof)
{
	if (size > MERKLE_SIZE_MAX || old_size > size)
		return ch_fail(CH_E_RANGE, "the older tree is the larger one", old_size);
	if (old_size > 0 && old_size < size)
		return consistency_walk(old_size, old_root, size, root, proof);
	struct merkle_hash empty;
	merkle_empty(&empty);
	if (proof->n != 0 || (old_size == 0 && !merkle_eq(old_root, &empty)) ||
	    (old_size == size && !merkle_eq(old_root, root)))
		return no_consistency(proof->n);
	return CH_DONE;
}
