/* ES256 by a key's table says what libcrypto says, above all where a formula might not:
 * equal points, opposite ones, infinity, an x over the order, numbers out of range. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "base/rand.h"
#include "crypto/key.h"
#include "work_internal.h"

enum { NUMBER = 32, SIG = 64, EDGES = 15 };

static struct key_work *work;
static EC_GROUP *curve;
static BN_CTX *numbers;
static const BIGNUM *order;

struct numbers {
	uint8_t hash[NUMBER], sig[SIG];
};

static BIGNUM *number(uint64_t v)
{
	BIGNUM *n = BN_CTX_get(numbers);
	assert_non_null(n);
	assert_int_equal(BN_set_word(n, v), 1);
	return n;
}

static BIGNUM *random_number(void)
{
	BIGNUM *n = number(0);
	while (BN_is_zero(n))
		assert_int_equal(BN_rand_range(n, order), 1);
	return n;
}

static BIGNUM *times(const BIGNUM *a, const BIGNUM *b)
{
	BIGNUM *n = number(0);
	assert_int_equal(BN_mod_mul(n, a, b, order, numbers), 1);
	return n;
}

static BIGNUM *over(const BIGNUM *a, const BIGNUM *b)
{
	BIGNUM *n = number(0);
	assert_non_null(BN_mod_inverse(n, b, order, numbers));
	return times(a, n);
}

static BIGNUM *minus(const BIGNUM *a, const BIGNUM *b)
{
	BIGNUM *n = number(0);
	assert_int_equal(BN_mod_sub(n, a, b, order, numbers), 1);
	return n;
}

static void write_number(const BIGNUM *n, uint8_t *ret)
{
	assert_int_equal(BN_bn2binpad(n, ret, NUMBER), NUMBER);
}

/* The warm key of a point; consumes it. */
static struct public_key *key_of(EC_POINT *q)
{
	struct key_parts parts = { .alg = ALG_ES256 };
	struct public_key *k = NULL;
	BIGNUM *x = number(0), *y = number(0);
	assert_int_equal(EC_POINT_get_affine_coordinates(curve, q, x, y, numbers), 1);
	write_number(x, parts.x);
	write_number(y, parts.y);
	EC_POINT_free(q);
	assert_false(failed(public_key_new(&parts, &k)));
	assert_false(public_key_is_warm(k));
	assert_false(failed(public_key_warm(k)));
	assert_true(public_key_is_warm(k));
	return k;
}

static EC_POINT *point(const BIGNUM *by_generator)
{
	EC_POINT *p = EC_POINT_new(curve);
	assert_int_equal(EC_POINT_mul(curve, p, by_generator, NULL, NULL, numbers), 1);
	return p;
}

/* x of k * G modulo the order */
static BIGNUM *r_of(const BIGNUM *k)
{
	BIGNUM *x = number(0);
	EC_POINT *p = point(k);
	assert_int_equal(EC_POINT_get_affine_coordinates(curve, p, x, NULL, numbers), 1);
	EC_POINT_free(p);
	assert_int_equal(BN_nnmod(x, x, order, numbers), 1);
	return x;
}

static struct numbers numbers_of(const BIGNUM *hash, const BIGNUM *r, const BIGNUM *s)
{
	struct numbers all;
	write_number(hash, all.hash);
	write_number(r, all.sig);
	write_number(s, all.sig + NUMBER);
	return all;
}

/* What both ways say. */
static enum ch_code both(const struct public_key *k, const struct numbers *all)
{
	struct signed_text t = { .text = { all->hash, NUMBER } };
	mem_copy(t.sha256, all->hash, NUMBER);
	enum ch_code stock = ch_code_of(public_key_verify(k, NULL, t, BYTES_OF(all->sig)));
	enum ch_code warm = ch_code_of(public_key_verify(k, work, t, BYTES_OF(all->sig)));
	assert_int_equal(stock, warm);
	return warm;
}

static enum ch_code both_of(const struct public_key *k, const BIGNUM *hash, const BIGNUM *r,
			    const BIGNUM *s)
{
	const struct numbers all = numbers_of(hash, r, s);
	return both(k, &all);
}

/* A signature of d over a random hash. */
static struct numbers signature(const BIGNUM *d, BIGNUM **ret_s)
{
	BIGNUM *k = random_number(), *hash = random_number(), *r = r_of(k), *sum = number(0);
	assert_int_equal(BN_mod_add(sum, hash, times(r, d), order, numbers), 1);
	*ret_s = over(sum, k);
	return numbers_of(hash, r, *ret_s);
}

static void random_signatures(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++) {
		BN_CTX_start(numbers);
		BIGNUM *d = random_number(), *s = NULL;
		AUTO(public_key_done) struct public_key *k = key_of(point(d));
		for (int j = 0; j < 40; j++) {
			struct numbers all = signature(d, &s), changed = all;
			uint8_t where = 0;
			assert_int_equal(both(k, &all), CH_OK);
			rand_fill(&where, 1);
			changed.sig[where % SIG] ^= (uint8_t)(1 << (where / SIG));
			assert_int_equal(both(k, &changed), CH_E_MISMATCH);
			changed = all;
			changed.hash[where % NUMBER] ^= 1;
			assert_int_equal(both(k, &changed), CH_E_MISMATCH);
			/* ECDSA cannot tell s from -s */
			write_number(minus(number(0), s), all.sig + NUMBER);
			assert_int_equal(both(k, &all), CH_OK);
			rand_fill(all.sig, SIG);
			assert_int_equal(both(k, &all), CH_E_MISMATCH);
		}
		BN_CTX_end(numbers);
	}
}

/* base + by */
static BIGNUM *beside(const BIGNUM *base, int by)
{
	BIGNUM *n = number(0);
	assert_non_null(BN_copy(n, base));
	assert_int_equal(by < 0 ? BN_sub_word(n, (BN_ULONG)-by) : BN_add_word(n, (BN_ULONG)by), 1);
	return n;
}

static BIGNUM *gap_of_field_and_order(void)
{
	BIGNUM *n = number(0);
	assert_int_equal(BN_sub(n, EC_GROUP_get0_field(curve), order), 1);
	return n;
}

/* 0, 1, the order and the field with what is around them, and the largest */
static void edge_numbers(BIGNUM *ret[static EDGES])
{
	const BIGNUM *field = EC_GROUP_get0_field(curve), *gap = gap_of_field_and_order();
	BIGNUM *largest = number(0);
	assert_int_equal(BN_set_bit(largest, 8 * NUMBER), 1);
	BIGNUM *all[EDGES] = { number(0),         number(1),         number(2),
			       beside(gap, -1),   beside(gap, 0),    beside(gap, 1),
			       beside(order, -2), beside(order, -1), beside(order, 0),
			       beside(order, 1),  beside(order, 2),  beside(field, -1),
			       beside(field, 0),  beside(field, 1),  beside(largest, -1) };
	mem_copy(ret, all, sizeof(all));
}

/* r, s and the hash each run through the edges, for keys that make points meet. */
static void every_edge(void **state)
{
	(void)state;
	BN_CTX_start(numbers);
	BIGNUM *edge[16],
		*keys[] = { number(1), minus(number(0), number(1)), number(2), random_number() };
	const size_t n = EDGES;
	edge_numbers(edge);
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		AUTO(public_key_done) struct public_key *k = key_of(point(keys[i]));
		for (size_t at = 0; at < n * n * n; at++) {
			const BIGNUM *r = edge[at % n], *s = edge[at / n % n];
			bool in_range = !BN_is_zero(r) && !BN_is_zero(s) && BN_ucmp(r, order) < 0 &&
					BN_ucmp(s, order) < 0;
			bool ok = both_of(k, edge[at / n / n], r, s) == CH_OK;
			assert_true(in_range || !ok);
		}
	}
	BN_CTX_end(numbers);
}

/* hash = 0 (and the order, which is as good): the generator's part is infinity. */
static void no_part_of_the_generator(void **state)
{
	(void)state;
	BN_CTX_start(numbers);
	BIGNUM *d = random_number(), *k = random_number(), *r = r_of(k);
	AUTO(public_key_done) struct public_key *key = key_of(point(d));
	BIGNUM *s = over(times(r, d), k);
	assert_int_equal(both_of(key, number(0), r, s), CH_OK);
	assert_int_equal(both_of(key, order, r, s), CH_OK);
	assert_int_equal(both_of(key, number(1), r, s), CH_E_MISMATCH);
	BN_CTX_end(numbers);
}

/* hash = r d: both parts are the same point, and the sum is its double. With -d they are
 * opposite, and the sum is infinity. */
static void equal_and_opposite_parts(void **state)
{
	(void)state;
	BIGNUM *ones[] = { NULL, NULL, NULL };
	BN_CTX_start(numbers);
	ones[0] = number(1); /* the key is the generator */
	ones[1] = minus(number(0), number(1));
	ones[2] = random_number();
	for (size_t i = 0; i < COUNT_OF(ones); i++) {
		BIGNUM *d = ones[i], *k = random_number(), *r = r_of(k);
		BIGNUM *hash = times(r, d), *s = over(times(number(2), hash), k);
		AUTO(public_key_done) struct public_key *key = key_of(point(d));
		assert_int_equal(both_of(key, hash, r, s), CH_OK);
		hash = minus(number(0), hash);
		for (int j = 0; j < 5; j++) {
			assert_int_equal(both_of(key, hash, r, s), CH_E_MISMATCH);
			s = random_number();
		}
	}
	BN_CTX_end(numbers);
}

/* The key by which (r, s) with this hash verifies at the point that has this x: the key is
 * (s R - hash G) / r. NULL when there is no such point. */
static struct public_key *recover(const BIGNUM *x, const BIGNUM *hash, const BIGNUM *r,
				  const BIGNUM *s)
{
	EC_POINT *p = EC_POINT_new(curve);
	if (EC_POINT_set_compressed_coordinates(curve, p, x, 1, numbers) != 1) {
		EC_POINT_free(p);
		return NULL;
	}
	BIGNUM *by_generator = minus(number(0), over(hash, r));
	assert_int_equal(EC_POINT_mul(curve, p, by_generator, p, over(s, r), numbers), 1);
	return key_of(p);
}

/* x of the point is r, from 1 on, or order + r, up to the field: so r + order must be tried,
 * and only as long as it is a number of the field. */
static void x_over_the_order(void **state)
{
	(void)state;
	size_t low = 0, high = 0;
	BN_CTX_start(numbers);
	const BIGNUM *gap = gap_of_field_and_order();
	for (BN_ULONG i = 0; i < 16; i++) {
		BIGNUM *hash = random_number(), *s = random_number(), *r = number(i / 2 + 1);
		BIGNUM *x = number(0);
		if (i % 2) /* the other end: r = field - order - 1, and down */
			assert_int_equal(BN_sub(r, gap, r), 1);
		AUTO(public_key_done) struct public_key *k = recover(r, hash, r, s);
		assert_int_equal(BN_add(x, r, order), 1);
		AUTO(public_key_done) struct public_key *over_k = recover(x, hash, r, s);
		if (k)
			assert_int_equal(both_of(k, hash, r, s), CH_OK);
		if (over_k) {
			assert_int_equal(both_of(over_k, hash, r, s), CH_OK);
			/* x itself is no r: a second text of one signature */
			assert_int_equal(both_of(over_k, hash, x, s), CH_E_MISMATCH);
		}
		low += k != NULL;
		high += over_k != NULL;
	}
	assert_true(low > 2 && high > 2);
	BN_CTX_end(numbers);
}

/* At r = field - order + i, order + r is over the field and must not be reduced to i. */
static void x_over_the_field(void **state)
{
	(void)state;
	size_t seen = 0;
	BN_CTX_start(numbers);
	for (BN_ULONG i = 0; i < 16; i++) {
		BIGNUM *hash = random_number(), *s = random_number();
		BIGNUM *r = beside(gap_of_field_and_order(), (int)i);
		AUTO(public_key_done) struct public_key *k = recover(number(i), hash, r, s);
		if (k)
			assert_int_equal(both_of(k, hash, r, s), CH_E_MISMATCH);
		seen += k != NULL;
	}
	assert_true(seen > 2);
	BN_CTX_end(numbers);
}

/* es256_x_is for the point of x, as (x z^2, y z^3, z) */
static bool x_is(const BIGNUM *x, const BIGNUM *z, const BIGNUM *r)
{
	const BIGNUM *field = EC_GROUP_get0_field(curve);
	assert_int_equal(BN_mod_sqr(work->x, z, field, numbers), 1);
	assert_int_equal(BN_mod_mul(work->x, work->x, x, field, numbers), 1);
	assert_non_null(BN_copy(work->z, z));
	assert_non_null(BN_copy(work->r, r));
	return es256_x_is(work);
}

static void comparing_x(void **state)
{
	(void)state;
	BN_CTX_start(numbers);
	const BIGNUM *field = EC_GROUP_get0_field(curve);
	BIGNUM *edge[EDGES], *zs[] = { number(1), number(2), random_number(), number(0) };
	const size_t n = EDGES;
	size_t equal = 0;
	edge_numbers(edge);
	assert_int_equal(BN_sub(zs[3], field, number(1)), 1);
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			BIGNUM *reduced = number(0);
			if (BN_ucmp(edge[i], field) >= 0 || BN_ucmp(edge[j], order) >= 0)
				continue;
			assert_int_equal(BN_nnmod(reduced, edge[i], order, numbers), 1);
			bool want = BN_cmp(reduced, edge[j]) == 0;
			for (size_t z = 0; z < COUNT_OF(zs); z++)
				assert_int_equal(x_is(edge[i], zs[z], edge[j]), want);
			equal += want;
		}
	}
	assert_true(equal > 8);
	BN_CTX_end(numbers);
}

static void only_es256_has_tables(void **state)
{
	(void)state;
	AUTO(private_key_done) struct private_key *priv = NULL;
	AUTO(public_key_done) struct public_key *k = NULL;
	struct key_parts parts;
	assert_false(failed(private_key_generate(ALG_EDDSA, &priv)));
	assert_false(failed(private_key_public(priv, &parts)));
	assert_false(failed(public_key_new(&parts, &k)));
	assert_false(failed(public_key_warm(k)));
	assert_false(public_key_is_warm(k));
}

static void warm_again_is_nothing(void **state)
{
	(void)state;
	BN_CTX_start(numbers);
	AUTO(public_key_done) struct public_key *k = key_of(point(random_number()));
	const EC_GROUP *table = k->table;
	assert_false(failed(public_key_warm(k)));
	assert_ptr_equal(k->table, table);
	BN_CTX_end(numbers);
}

static int init(void **state)
{
	(void)state;
	curve = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	numbers = BN_CTX_new();
	order = curve ? EC_GROUP_get0_order(curve) : NULL;
	return !curve || !numbers || failed(crypto_init(NULL)) || failed(key_work_new(&work));
}

static int finish(void **state)
{
	(void)state;
	key_work_done(&work);
	key_work_done(&work); /* NULL is fine */
	BN_CTX_free(numbers);
	EC_GROUP_free(curve);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_signatures),
		cmocka_unit_test(every_edge),
		cmocka_unit_test(no_part_of_the_generator),
		cmocka_unit_test(equal_and_opposite_parts),
		cmocka_unit_test(x_over_the_order),
		cmocka_unit_test(x_over_the_field),
		cmocka_unit_test(comparing_x),
		cmocka_unit_test(only_es256_has_tables),
		cmocka_unit_test(warm_again_is_nothing),
	};
	return cmocka_run_group_tests(tests, init, finish);
}
