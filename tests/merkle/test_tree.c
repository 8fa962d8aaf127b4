/* Hashes, edges and the two checks: RFC 6962's test vectors, then against the plain tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rand.h"
#include "plain.h"

enum { SMALL = 70 };

static struct merkle_hash of_hex(const char *hex)
{
	struct merkle_hash h = { 0 };
	for (size_t i = 0; i < 2 * sizeof(h.b); i++) {
		char c = hex[i];
		uint8_t v = (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
		h.b[i / 2] = (uint8_t)(h.b[i / 2] << 4 | v);
	}
	return h;
}

/* Of the test data of certificate-transparency and golang.org/x/mod. */
static const bytes entries[] = {
	{ (const uint8_t *)"", 0 },
	{ (const uint8_t *)"\x00", 1 },
	{ (const uint8_t *)"\x10", 1 },
	{ (const uint8_t *)"\x20\x21", 2 },
	{ (const uint8_t *)"\x30\x31", 2 },
	{ (const uint8_t *)"\x40\x41\x42\x43", 4 },
	{ (const uint8_t *)"\x50\x51\x52\x53\x54\x55\x56\x57", 8 },
	{ (const uint8_t *)"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16 },
};
static const char *const roots[] = {
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
	"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

static void test_published_roots(void **state)
{
	struct merkle_edge e = { 0 };
	struct merkle_hash root, leaf, wanted;
	(void)state;
	for (size_t n = 0; n < COUNT_OF(roots); n++) {
		merkle_edge_root(&e, &root);
		wanted = of_hex(roots[n]);
		assert_true(merkle_eq(&root, &wanted));
		if (n < COUNT_OF(entries)) {
			merkle_leaf(entries[n], &leaf);
			merkle_edge_add(&e, &leaf);
		}
	}
}

struct vector {
	uint64_t a, size; /* index or old size */
	size_t n;
	const char *path[4];
};
static const struct vector inclusions[] = {
	{ 0, 1, 0, { 0 } },
	{ 0,
	  8,
	  3,
	  { "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
	    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
	    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4" } },
	{ 5,
	  8,
	  3,
	  { "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
	    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
	    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7" } },
	{ 2, 3, 1, { "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125" } },
};
static const struct vector consistencies[] = {
	{ 1, 1, 0, { 0 } },
	{ 1,
	  8,
	  3,
	  { "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
	    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
	    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4" } },
	{ 6,
	  8,
	  3,
	  { "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
	    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
	    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7" } },
	{ 2,
	  5,
	  2,
	  { "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
	    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b" } },
};

static struct merkle_proof proof_of(const struct vector *v)
{
	struct merkle_proof p = { .n = v->n };
	for (size_t i = 0; i < v->n; i++)
		p.h[i] = of_hex(v->path[i]);
	return p;
}

static void test_published_proofs(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(inclusions); i++) {
		const struct vector *v = &inclusions[i];
		struct merkle_proof p = proof_of(v);
		struct merkle_hash leaf, root = of_hex(roots[v->size]);
		merkle_leaf(entries[v->a], &leaf);
		assert_false(failed(merkle_check_inclusion(&leaf, v->a, v->size, &p, &root)));
	}
	for (size_t i = 0; i < COUNT_OF(consistencies); i++) {
		const struct vector *v = &consistencies[i];
		struct merkle_proof p = proof_of(v);
		struct merkle_hash old = of_hex(roots[v->a]), root = of_hex(roots[v->size]);
		assert_false(failed(merkle_check_consistency(v->a, &old, v->size, &root, &p)));
	}
}

/* Every edge of sizes up to a few tiles is the plain tree's. */
static void test_edges(void **state)
{
	const struct merkle_hash *leaves = plain_leaves();
	struct merkle_edge e = { 0 };
	struct merkle_hash root, wanted;
	(void)state;
	for (size_t n = 0; n < 1100; n++) {
		merkle_edge_root(&e, &root);
		plain_root(leaves, n, &wanted);
		assert_true(merkle_eq(&root, &wanted));
		assert_int_equal(e.size, n);
		assert_int_equal(e.n, __builtin_popcountll(n));
		merkle_edge_add(&e, &leaves[n]);
	}
}

static bool includes(size_t index, size_t n, const struct merkle_proof *p,
		     const struct merkle_hash *root)
{
	return !failed(merkle_check_inclusion(&plain_leaves()[index], index, n, p, root));
}

/* A proof that is longer, shorter or has a changed bit shows nothing. */
static void inclusion_mutants(size_t index, size_t n, struct merkle_proof *p,
			      const struct merkle_hash *root)
{
	for (size_t i = 0; i < p->n; i++) {
		p->h[i].b[i % 32] ^= 1;
		assert_false(includes(index, n, p, root));
		p->h[i].b[i % 32] ^= 1;
	}
	p->h[p->n] = *root;
	p->n++;
	assert_false(includes(index, n, p, root));
	p->n -= 2;
	if (n > 1)
		assert_false(includes(index, n, p, root));
	p->n++;
}

static void test_inclusion_small(void **state)
{
	const struct merkle_hash *leaves = plain_leaves();
	struct merkle_proof p;
	struct merkle_hash root;
	(void)state;
	for (size_t n = 1; n <= SMALL; n++) {
		plain_root(leaves, n, &root);
		for (size_t i = 0; i < n; i++) {
			plain_path(i, leaves, n, &p);
			assert_true(includes(i, n, &p, &root));
			inclusion_mutants(i, n, &p, &root);
			for (size_t k = 0; k < n; k++)
				assert_true(k == i || failed(merkle_check_inclusion(&leaves[i], k,
										    n, &p, &root)));
		}
		assert_int_equal(ch_code_of(merkle_check_inclusion(leaves, n, n, &p, &root)),
				 CH_E_RANGE);
	}
}

static bool consistent(size_t m, const struct merkle_hash *old, size_t n,
		       const struct merkle_hash *root, const struct merkle_proof *p)
{
	return !failed(merkle_check_consistency(m, old, n, root, p));
}

static void consistency_mutants(size_t m, struct merkle_hash *old, size_t n,
				struct merkle_hash *root, struct merkle_proof *p)
{
	for (size_t i = 0; i < p->n; i++) {
		p->h[i].b[i % 32] ^= 0x80;
		assert_false(consistent(m, old, n, root, p));
		p->h[i].b[i % 32] ^= 0x80;
	}
	old->b[5] ^= 1;
	assert_false(consistent(m, old, n, root, p));
	old->b[5] ^= 1;
	root->b[5] ^= 1;
	assert_true(m == 0 || !consistent(m, old, n, root, p));
	root->b[5] ^= 1;
	p->h[p->n++] = *root;
	assert_false(consistent(m, old, n, root, p));
	p->n--;
	if (p->n > 0) {
		p->n--;
		assert_false(consistent(m, old, n, root, p));
		p->n++;
	}
}

static void test_consistency_small(void **state)
{
	const struct merkle_hash *leaves = plain_leaves();
	struct merkle_proof p = { 0 };
	struct merkle_hash root, old;
	(void)state;
	for (size_t n = 0; n <= SMALL; n++) {
		plain_root(leaves, n, &root);
		for (size_t m = 0; m <= n; m++) {
			plain_root(leaves, m, &old);
			p.n = 0;
			if (m > 0)
				plain_proof(m, leaves, n, true, &p);
			assert_true(consistent(m, &old, n, &root, &p));
			consistency_mutants(m, &old, n, &root, &p);
		}
		assert_int_equal(ch_code_of(merkle_check_consistency(n + 1, &old, n, &root, &p)),
				 CH_E_RANGE);
	}
}

/* Sizes near the end of the numbers: nothing shifts out of them. */
static void test_huge(void **state)
{
	struct merkle_proof p = { 0 };
	struct merkle_hash h = { { 1 } }, g = { { 2 } };
	const uint64_t sizes[] = { MERKLE_SIZE_MAX, MERKLE_SIZE_MAX - 1, MERKLE_SIZE_MAX / 2 + 1,
				   MERKLE_SIZE_MAX + 1, UINT64_MAX };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(sizes); i++)
		for (p.n = 0; p.n <= MERKLE_PROOF_MAX; p.n++) {
			uint64_t n = sizes[i];
			assert_true(failed(merkle_check_inclusion(&h, n - 1, n, &p, &g)));
			assert_true(failed(merkle_check_inclusion(&h, n / 2, n, &p, &g)));
			assert_true(failed(merkle_check_consistency(n - 1, &h, n, &g, &p)));
			assert_true(failed(merkle_check_consistency(n / 3, &h, n, &g, &p)));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_roots),
		cmocka_unit_test(test_published_proofs),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_inclusion_small),
		cmocka_unit_test(test_consistency_small),
		cmocka_unit_test(test_huge),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
