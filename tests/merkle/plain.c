/* RFC 6962 section 2.1, word for word; slow, and on purpose unlike src/merkle. */
#include "plain.h"

#include <assert.h>

static size_t split_of(size_t n)
{
	size_t k = 1;
	while (2 * k < n)
		k *= 2;
	return k;
}

void plain_root(const struct merkle_hash *leaves, size_t n, struct merkle_hash *ret_root)
{
	struct merkle_hash left, right;
	if (n == 0) {
		merkle_empty(ret_root);
		return;
	}
	if (n == 1) {
		*ret_root = leaves[0];
		return;
	}
	size_t k = split_of(n);
	plain_root(leaves, k, &left);
	plain_root(leaves + k, n - k, &right);
	merkle_node(&left, &right, ret_root);
}

static void add_root(const struct merkle_hash *leaves, size_t n, struct merkle_proof *p)
{
	plain_root(leaves, n, &p->h[p->n]);
	p->n++;
}

void plain_path(size_t m, const struct merkle_hash *leaves, size_t n, struct merkle_proof *p)
{
	if (n == 1) {
		p->n = 0;
		return;
	}
	size_t k = split_of(n);
	if (m < k) {
		plain_path(m, leaves, k, p);
		add_root(leaves + k, n - k, p);
	} else {
		plain_path(m - k, leaves + k, n - k, p);
		add_root(leaves, k, p);
	}
}

void plain_proof(size_t m, const struct merkle_hash *leaves, size_t n, bool whole,
		 struct merkle_proof *p)
{
	if (m == n) {
		p->n = 0;
		if (!whole)
			add_root(leaves, n, p);
		return;
	}
	size_t k = split_of(n);
	if (m <= k) {
		plain_proof(m, leaves, k, whole, p);
		add_root(leaves + k, n - k, p);
	} else {
		plain_proof(m - k, leaves + k, n - k, false, p);
		add_root(leaves, k, p);
	}
}

bool plain_same(const struct merkle_proof *a, const struct merkle_proof *b)
{
	return a->n == b->n && mem_eq(a->h, b->h, a->n * sizeof(a->h[0]));
}

void plain_entry(struct wr *w, size_t i)
{
	wr_lit(w, "entry ");
	wr_dec(w, i);
	for (size_t k = 0; k < i % 190; k++)
		wr_u8(w, (uint8_t)(i + k));
}

const struct merkle_hash *plain_leaves(void)
{
	static struct merkle_hash leaves[PLAIN_MAX];
	static bool made;
	uint8_t room[BUNDLE_ENTRY_MAX];
	for (size_t i = 0; !made && i < PLAIN_MAX; i++) {
		struct wr w = wr_of(room, sizeof(room));
		plain_entry(&w, i);
		merkle_leaf(wr_bytes(&w), &leaves[i]);
	}
	made = true;
	return leaves;
}

static void tile_make(const struct tile_id *t, struct wr *w)
{
	uint8_t room[BUNDLE_ENTRY_MAX];
	struct merkle_hash h;
	size_t below = (size_t)1 << 8 * t->level;
	for (size_t i = t->n * TILE_WIDTH; i < t->n * TILE_WIDTH + t->width; i++) {
		if (t->entries) {
			struct wr e = wr_of(room, sizeof(room));
			plain_entry(&e, i);
			bundle_put(w, wr_bytes(&e));
		} else {
			plain_root(plain_leaves() + i * below, below, &h);
			wr_put(w, BYTES_OF(h.b));
		}
	}
}

static bool same_tile(const struct tile_id *a, const struct tile_id *b)
{
	return a->n == b->n && a->level == b->level && a->entries == b->entries;
}

static ch_err plain_get(struct tile_source *s, const struct tile_id *t, struct wr *ret_tile)
{
	struct plain_log *l = (struct plain_log *)s;
	struct tile_id have;
	l->asked++;
	if (!tile_of(l->size, t->level, t->n, &have) || have.width < t->width ||
	    (l->missing && same_tile(t, l->missing)) ||
	    (l->no_partials && have.width == TILE_WIDTH && t->width < TILE_WIDTH))
		return ch_fail(CH_E_NOT_FOUND, "no such tile", t->n);
	tile_make(t, ret_tile);
	return CH_DONE;
}

struct plain_log plain_log_of(uint64_t size)
{
	assert(size <= PLAIN_MAX);
	return (struct plain_log){ .s = { plain_get }, .size = size };
}
