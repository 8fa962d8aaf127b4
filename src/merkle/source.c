/* Proofs and edges out of tiles. A source may lie, and then a proof does not check; it must not
 * be able to do more: what it gives is held against the size that it must have. */
#include "merkle/source.h"

#include <assert.h>

/* --- one tile --- */

static bool whole_bundle(bytes b, unsigned width)
{
	bytes entries[TILE_WIDTH];
	return !failed(bundle_read(b, width, entries));
}

static ch_err form_check(const struct tile_id *t, bytes b)
{
	bool good = t->entries ? whole_bundle(b, t->width)
			       : b.n == (size_t)t->width * MERKLE_HASH_SIZE;
	return good ? CH_DONE : ch_fail(CH_E_MISMATCH, "a tile is not of its size", t->n);
}

/* How many bytes of the full tile the partial one is. */
static size_t part_size(const struct tile_id *t, bytes full)
{
	bytes entries[TILE_WIDTH];
	if (!t->entries)
		return (size_t)t->width * MERKLE_HASH_SIZE;
	if (failed(bundle_read(full, TILE_WIDTH, entries)))
		return 0;
	bytes last = entries[t->width - 1];
	return (size_t)(last.p + last.n - full.p);
}

static ch_err fetch_full(struct tile_source *s, const struct tile_id *t, struct wr *ret_tile)
{
	size_t before = ret_tile->n;
	struct tile_id full = *t;
	full.width = TILE_WIDTH;
	TRY(s->get(s, &full, ret_tile));
	TRY(wr_done(ret_tile));
	bytes got = { ret_tile->p + before, ret_tile->n - before };
	TRY(form_check(&full, got));
	ret_tile->n = before + part_size(t, got);
	return CH_DONE;
}

static bool is_missing(ch_err e)
{
	return failed(e) && ch_code_of(e) == CH_E_NOT_FOUND;
}

ch_err tile_fetch(struct tile_source *s, const struct tile_id *t, struct wr *ret_tile)
{
	size_t before = ret_tile->n;
	assert(t->width >= 1 && t->width <= TILE_WIDTH);
	ch_err e = s->get(s, t, ret_tile);
	if (is_missing(e) && t->width < TILE_WIDTH) {
		ret_tile->n = before;
		return fetch_full(s, t, ret_tile);
	}
	TRY(e);
	TRY(wr_done(ret_tile));
	return form_check(t, (bytes){ ret_tile->p + before, ret_tile->n - before });
}

/* --- what is read of a tree of one size; the last tile is kept, since siblings share it --- */

struct look {
	struct tile_source *source;
	uint64_t size;
	struct tile_id have; /* width 0: none */
	uint8_t room[TILE_SIZE_MAX];
};

static ch_err look_at(struct look *l, unsigned level, uint64_t n)
{
	struct tile_id t;
	struct wr w = wr_of(l->room, sizeof(l->room));
	bool is_there = tile_of(l->size, level, n, &t);
	assert(is_there);
	if (l->have.width == t.width && l->have.level == t.level && l->have.n == t.n)
		return CH_DONE;
	l->have.width = 0;
	TRY(tile_fetch(l->source, &t, &w));
	l->have = t;
	return CH_DONE;
}

/* The root of the 2^height leaves from `from`, which is a multiple of that. */
static ch_err subtree(struct look *l, unsigned height, uint64_t from, struct merkle_hash *ret_root)
{
	uint64_t at = from >> (height - height % 8); /* the first hash at the tiles' level */
	size_t count = (size_t)1 << height % 8;
	TRY(look_at(l, height / 8, at / TILE_WIDTH));
	const uint8_t *p = l->room + at % TILE_WIDTH * MERKLE_HASH_SIZE;
	return tile_root((bytes){ p, count * MERKLE_HASH_SIZE }, ret_root);
}

/* The subtrees of leaves [from, to), which begin where a larger one could: the largest first. */
static ch_err edge_of(struct look *l, uint64_t from, uint64_t to, struct merkle_edge *ret_edge)
{
	uint64_t left = to - from, at = from;
	ret_edge->n = 0;
	ret_edge->size = left;
	while (left > 0) {
		unsigned height = 63U - (unsigned)__builtin_clzll(left);
		TRY(subtree(l, height, at, &ret_edge->h[ret_edge->n]));
		ret_edge->n++;
		at += UINT64_C(1) << height;
		left -= UINT64_C(1) << height;
	}
	return CH_DONE;
}

/* --- proofs: the ranges of leaves that their hashes stand for, from the root down --- */

struct range {
	uint64_t from, to;
};
struct ranges {
	size_t n;
	struct range r[MERKLE_PROOF_MAX];
};

static void range_add(struct ranges *r, uint64_t from, uint64_t to)
{
	assert(r->n < MERKLE_PROOF_MAX);
	r->r[r->n++] = (struct range){ from, to };
}

/* The largest power of two below n > 1. */
static uint64_t split_of(uint64_t n)
{
	return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

static void inclusion_ranges(uint64_t index, uint64_t size, struct ranges *r)
{
	uint64_t from = 0, to = size;
	while (to - from > 1) {
		uint64_t middle = from + split_of(to - from);
		if (index < middle) {
			range_add(r, middle, to);
			to = middle;
		} else {
			range_add(r, from, middle);
			from = middle;
		}
	}
}

static void consistency_ranges(uint64_t old_size, uint64_t size, struct ranges *r)
{
	uint64_t from = 0, to = size;
	while (to != old_size) {
		uint64_t middle = from + split_of(to - from);
		if (old_size <= middle) {
			range_add(r, middle, to);
			to = middle;
		} else {
			range_add(r, from, middle);
			from = middle;
		}
	}
	if (from > 0)
		range_add(r, from, to);
}

static ch_err hashes_of(struct tile_source *s, uint64_t size, const struct ranges *r,
			struct merkle_proof *ret_proof)
{
	NOT_ZEROED struct look l;
	NOT_ZEROED struct merkle_edge edge;
	l.source = s;
	l.size = size;
	l.have = (struct tile_id){ 0 };
	for (size_t i = 0; i < r->n; i++) {
		const struct range *at = &r->r[r->n - 1 - i];
		TRY(edge_of(&l, at->from, at->to, &edge));
		merkle_edge_root(&edge, &ret_proof->h[i]);
	}
	ret_proof->n = r->n;
	return CH_DONE;
}

ch_err merkle_prove_inclusion(struct tile_source *s, uint64_t index, uint64_t size,
			      struct merkle_proof *ret_proof)
{
	struct ranges r = { 0 };
	if (size > MERKLE_SIZE_MAX || index >= size)
		return ch_fail(CH_E_RANGE, "the tree has no such index", index);
	inclusion_ranges(index, size, &r);
	return hashes_of(s, size, &r, ret_proof);
}

ch_err merkle_prove_consistency(struct tile_source *s, uint64_t old_size, uint64_t size,
				struct merkle_proof *ret_proof)
{
	struct ranges r = { 0 };
	if (size > MERKLE_SIZE_MAX || old_size > size)
		return ch_fail(CH_E_RANGE, "the older tree is the larger one", old_size);
	if (old_size > 0)
		consistency_ranges(old_size, size, &r);
	return hashes_of(s, size, &r, ret_proof);
}

ch_err merkle_edge_within(struct tile_source *s, uint64_t at, uint64_t size,
			  struct merkle_edge *ret_edge)
{
	NOT_ZEROED struct look l;
	struct merkle_edge edge = { 0 };
	if (size > MERKLE_SIZE_MAX || at > size)
		return ch_fail(CH_E_RANGE, "no tree is so large", at);
	l.source = s;
	l.size = size;
	l.have = (struct tile_id){ 0 };
	TRY(edge_of(&l, 0, at, &edge));
	*ret_edge = edge;
	return CH_DONE;
}

ch_err merkle_edge_at(struct tile_source *s, uint64_t size, struct merkle_edge *ret_edge)
{
	return merkle_edge_within(s, size, size, ret_edge);
}
