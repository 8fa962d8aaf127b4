/* BIGNUMs lead to keys; what only looks like one leads nowhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "made_keys.h"
#include "plant.h"

enum { CONSTTIME = 4, SECURE = 8, MALLOCED = 1, STATIC = 2, LIMB = 8 };

static struct plant *p;

static int fresh(void **state)
{
	(void)state;
	p = plant_new();
	return 0;
}

static int gone(void **state)
{
	(void)state;
	plant_done(p);
	return 0;
}

struct header {
	uint64_t limbs;
	uint32_t top, dmax, neg, flags;
};

static uint64_t header(struct header h)
{
	return plant_put(p, (bytes){ (const uint8_t *)&h, sizeof(h) });
}

/* A number as BIGNUM; the address of its header. */
static uint64_t bignum(const struct made_number *n, uint32_t flags)
{
	uint8_t le[MADE_MAX] = { 0 };
	plant_turned(made(n), le);
	uint32_t top = (uint32_t)((n->n + LIMB - 1) / LIMB);
	uint64_t limbs = plant_put(p, (bytes){ le, top * LIMB });
	return header((struct header){ limbs, top, top, 0, flags });
}

static void rsa_by_its_product(void **state)
{
	(void)state;
	struct made_rsa k;
	made_rsa(1024, &k);
	bignum(&k.n, MALLOCED);
	bignum(&k.p, MALLOCED);
	bignum(&k.q, MALLOCED);
	plant_run(p, finder_bignum_new);
	const struct made_number *crt[] = { &k.dp, &k.dq, &k.qinv };
	assert_true(plant_says(p, VALUE_RSA_PRIME, made(&k.p)));
	assert_true(plant_says(p, VALUE_RSA_PRIME, made(&k.q)));
	for (size_t i = 0; i < COUNT_OF(crt); i++)
		assert_true(plant_says(p, VALUE_RSA_CRT, made(crt[i])));
	assert_true(plant_says(p, VALUE_RSA_EXPONENT, made(&k.d)));
	assert_int_equal(publics_count(p->hunt.publics, PUBLIC_RSA_MODULUS), 1);
	assert_true(bytes_eq(publics_at(p->hunt.publics, PUBLIC_RSA_MODULUS, 0), made(&k.n)));
	assert_false(plant_says(p, VALUE_BIGNUM, made(&k.n)));
	assert_int_equal(p->hunt.untried, 0);
}

/* The modulus may stand in a certificate alone. */
static void rsa_by_a_public_key(void **state)
{
	(void)state;
	struct made_rsa k;
	made_rsa(2048, &k);
	assert_false(failed(publics_add(p->hunt.publics, PUBLIC_RSA_MODULUS, made(&k.n))));
	bignum(&k.p, MALLOCED);
	bignum(&k.q, MALLOCED);
	plant_run(p, finder_bignum_new);
	assert_true(plant_says(p, VALUE_RSA_PRIME, made(&k.p)));
	assert_true(plant_says(p, VALUE_RSA_EXPONENT, made(&k.d)));
}

static void the_modulus_is_no_secret_for_its_flag(void **state)
{
	(void)state;
	struct made_rsa k;
	made_rsa(1024, &k);
	bignum(&k.n, CONSTTIME);
	bignum(&k.p, CONSTTIME);
	bignum(&k.q, CONSTTIME);
	plant_run(p, finder_bignum_new);
	assert_true(plant_says(p, VALUE_RSA_PRIME, made(&k.q)));
	assert_false(plant_says(p, VALUE_BIGNUM, made(&k.n)));
}

static void montgomery_beside_a_prime(void **state)
{
	(void)state;
	struct made_rsa k;
	struct made_number rr = { .n = 64 };
	made_rsa(1024, &k);
	plant_noise(rr.p, rr.n, 3);
	rr.p[0] |= 1;
	bignum(&k.n, MALLOCED);
	bignum(&k.q, MALLOCED);
	uint64_t first = bignum(&rr, MALLOCED), second = bignum(&k.p, MALLOCED);
	/* RR and N side by side, as in BN_MONT_CTX */
	struct header two[2];
	mem_copy(&two[0], p->p + (first - PLANT_BASE), sizeof(two[0]));
	mem_copy(&two[1], p->p + (second - PLANT_BASE), sizeof(two[1]));
	plant_put(p, (bytes){ (const uint8_t *)two, sizeof(two) });
	plant_run(p, finder_bignum_new);
	assert_true(plant_says(p, VALUE_BIGNUM, made(&rr)));
}

static void scalars_of_points_in_sight(void **state)
{
	static const struct {
		const char *name;
		enum public_kind kind;
	} curves[] = { { "P-256", PUBLIC_P256 },
		       { "P-384", PUBLIC_P384 },
		       { "P-521", PUBLIC_P521 },
		       { "secp256k1", PUBLIC_SECP256K1 } };
	(void)state;
	struct made_ec k[4], stranger;
	for (size_t i = 0; i < 4; i++) {
		made_ec(curves[i].name, &k[i]);
		bytes xy = { k[i].xy, k[i].n_xy };
		assert_false(failed(publics_add(p->hunt.publics, curves[i].kind, xy)));
		bignum(&k[i].d, MALLOCED);
	}
	made_ec("P-256", &stranger);
	bignum(&stranger.d, MALLOCED);
	plant_run(p, finder_bignum_new);
	for (size_t i = 0; i < 4; i++)
		assert_true(plant_says(p, VALUE_EC_SCALAR, made(&k[i].d)));
	assert_int_equal(values_count(p->hunt.values), 4);
}

enum library { MBEDTLS, GMP, LIBTOMMATH, LIBRARIES };

/* Digits of 60 bits, the lowest first; how many. */
static uint64_t digits_of(const struct made_number *n, uint64_t *to)
{
	enum { BITS = 60 };
	uint64_t count = (8 * n->n + BITS - 1) / BITS;
	for (size_t bit = 0; bit < 8 * n->n; bit++)
		to[bit / BITS] |= (uint64_t)(n->p[n->n - 1 - bit / 8] >> bit % 8 & 1) << bit % BITS;
	while (count && !to[count - 1])
		count--;
	return count;
}

/* As these have numbers. */
static void of_another_library(const struct made_number *n, enum library l, uint64_t *ret_header)
{
	uint64_t le[MADE_MAX / 4] = { 0 };
	uint64_t top = (n->n + LIMB - 1) / LIMB;
	if (l == LIBTOMMATH)
		top = digits_of(n, le);
	else
		plant_turned(made(n), (uint8_t *)le);
	uint64_t limbs = plant_put(p, (bytes){ (const uint8_t *)le, (size_t)top * LIMB });
	const uint64_t headers[LIBRARIES][3] = { [MBEDTLS] = { 1, top, limbs },
						 [GMP] = { (top + 1) | top << 32, limbs, 0 },
						 [LIBTOMMATH] = { top | 32ull << 32, 0, limbs } };
	mem_copy(ret_header, headers[l], sizeof(headers[l]));
}

static void rsa_of_another_library(void **state)
{
	for (enum library l = 0; l < LIBRARIES; l++) {
		struct made_rsa k;
		uint64_t headers[3][3];
		made_rsa(1024, &k);
		of_another_library(&k.n, l, headers[0]);
		of_another_library(&k.p, l, headers[1]);
		of_another_library(&k.q, l, headers[2]);
		for (size_t i = 0; i < 3; i++)
			plant_put(p, (bytes){ (const uint8_t *)headers[i], l == GMP ? 16 : 24 });
		plant_run(p, finder_bignum_new);
		assert_true(plant_says(p, VALUE_RSA_PRIME, made(&k.q)));
		assert_true(plant_says(p, VALUE_RSA_EXPONENT, made(&k.d)));
		plant_done(p);
		fresh(state);
	}
}

/* Words that have a bit above 60 are no digits. */
static void digits_of_more_bits(void **state)
{
	(void)state;
	struct made_rsa k;
	uint64_t headers[3][3];
	made_rsa(1024, &k);
	const struct made_number *n[] = { &k.n, &k.p, &k.q };
	for (size_t i = 0; i < 3; i++) {
		of_another_library(n[i], LIBTOMMATH, headers[i]);
		size_t at = (size_t)(headers[i][2] - PLANT_BASE);
		p->p[at + 7] |= 0x10;
		plant_put(p, (bytes){ (const uint8_t *)headers[i], 24 });
	}
	plant_run(p, finder_bignum_new);
	assert_int_equal(values_count(p->hunt.values), 0);
}

/* libtomcrypt's key pair: each of its numbers in a piece of its own. */
static void ec_of_libtomcrypt(void **state)
{
	static const char *const names[] = { "P-256", "P-384", "P-521", "secp256k1" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct made_ec k;
		struct made_number xy[2];
		uint64_t header[3];
		made_ec(names[i], &k);
		for (size_t c = 0; c < 2; c++) {
			xy[c].n = k.n_xy / 2;
			mem_copy(xy[c].p, k.xy + c * xy[c].n, xy[c].n);
			of_another_library(&xy[c], LIBTOMMATH, header);
			plant_put(p, (bytes){ (const uint8_t *)header, sizeof(header) });
		}
		of_another_library(&k.d, LIBTOMMATH, header);
		plant_put(p, (bytes){ (const uint8_t *)header, sizeof(header) });
		plant_run(p, finder_bignum_new);
		assert_true(plant_says(p, VALUE_EC_SCALAR, made(&k.d)));
		assert_int_equal(values_count(p->hunt.values), i + 1);
	}
}

/* mbedTLS's key pair: the point is told by its equation, the scalar by the point. */
static void ec_of_mbedtls(void **state)
{
	static const char *const names[] = { "P-256", "P-384", "P-521", "secp256k1" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct made_ec k;
		struct made_number xy[2];
		uint64_t headers[3][3];
		made_ec(names[i], &k);
		for (size_t c = 0; c < 2; c++) {
			xy[c].n = k.n_xy / 2;
			mem_copy(xy[c].p, k.xy + c * xy[c].n, xy[c].n);
			of_another_library(&xy[c], MBEDTLS, headers[1 + c]);
		}
		of_another_library(&k.d, MBEDTLS, headers[0]);
		plant_put(p, (bytes){ (const uint8_t *)headers, sizeof(headers) });
		plant_run(p, finder_bignum_new);
		assert_true(plant_says(p, VALUE_EC_SCALAR, made(&k.d)));
		assert_int_equal(values_count(p->hunt.values), i + 1);
	}
}

static void what_openssl_flags_is_secret(void **state)
{
	(void)state;
	struct made_number a = { .n = 32 }, b = { .n = 20 }, c = { .n = 256 };
	plant_noise(a.p, a.n, 1);
	plant_noise(b.p, b.n, 2);
	plant_noise(c.p, c.n, 4);
	a.p[0] |= 1;
	b.p[0] |= 1;
	bignum(&a, CONSTTIME | MALLOCED);
	bignum(&b, SECURE | MALLOCED);
	bignum(&c, MALLOCED);
	plant_run(p, finder_bignum_new);
	assert_true(plant_says(p, VALUE_BIGNUM, made(&a)));
	assert_true(plant_says(p, VALUE_BIGNUM, made(&b)));
	assert_int_equal(values_count(p->hunt.values), 2);
}

static void headers_that_lie(void **state)
{
	static uint8_t noise[2048], text[256], pointers[256];
	(void)state;
	plant_noise(noise, sizeof(noise), 5);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)('a' + i % 26);
	for (size_t i = 0; i < sizeof(pointers); i++)
		pointers[i] = i % 8 < 6 ? noise[i] & 0x7f : 0;
	uint64_t to = plant_put(p, BYTES_OF(noise)), words = plant_put(p, BYTES_OF(text));
	uint64_t nodes = plant_put(p, BYTES_OF(pointers));
	const struct header lies[] = {
		{ 0, 4, 4, 0, CONSTTIME },                       /* nowhere */
		{ to + 4, 4, 4, 0, CONSTTIME },                  /* not aligned */
		{ to, 5, 4, 0, CONSTTIME },                      /* more than there is room */
		{ to, 4, 4, 2, CONSTTIME },                      /* a sign of 2 */
		{ to, 4, 4, 0, CONSTTIME | 0x40 },               /* an unknown flag */
		{ to, 1000, 1000, 0, CONSTTIME },                /* too long */
		{ words, 16, 16, 0, CONSTTIME },                 /* text */
		{ nodes, 16, 16, 0, CONSTTIME },                 /* pointers */
		{ PLANT_BASE + PLANT_SIZE, 4, 4, 0, CONSTTIME }, /* not mapped */
		{ PLANT_BASE + PLANT_SIZE - 16, 16, 16, 0, CONSTTIME }, /* over the end */
		{ PLANT_BASE + PLANT_SIZE / 2, 16, 16, 0, CONSTTIME },  /* zeros */
		{ UINT64_MAX - 7, 4, 4, 0, CONSTTIME },
	};
	for (size_t i = 0; i < COUNT_OF(lies); i++)
		header(lies[i]);
	/* leads to itself */
	uint64_t self = header((struct header){ 0, 4, 4, 0, CONSTTIME });
	plant_u64(p, (size_t)(self - PLANT_BASE), self);
	plant_run(p, finder_bignum_new);
	assert_int_equal(values_count(p->hunt.values), 0);
	assert_int_equal(publics_count(p->hunt.publics, PUBLIC_RSA_MODULUS), 0);
}

static void random_memory_says_nothing(void **state)
{
	(void)state;
	plant_noise(p->p, PLANT_SIZE, 6);
	plant_run(p, finder_bignum_new);
	assert_int_equal(values_count(p->hunt.values), 0);
}

/* More headers than there is room for, and many numbers with one lowest limb: it ends, and
 * says that not all was tried. */
static void more_than_it_can_take(void **state)
{
	(void)state;
	plant_noise(p->p, PLANT_SIZE / 2, 7);
	for (size_t at = PLANT_SIZE / 2; at + 24 <= PLANT_SIZE; at += 24) {
		size_t to = at * 16 % (PLANT_SIZE / 2 - 512);
		struct header h = { PLANT_BASE + to, 16, 16, 0, MALLOCED };
		plant_u64(p, to, 1);
		plant_at(p, at, (bytes){ (const uint8_t *)&h, sizeof(h) });
	}
	plant_run(p, finder_bignum_new);
	assert_true(p->hunt.untried > 0);
}

/* Numbers whose lowest limbs are 1: each pair may be the primes of each modulus, by those. What is
 * flagged is said for all that, and that not all was tried. */
static void lowest_limbs_that_all_fit(void **state)
{
	(void)state;
	enum { MODULI = 60, PRIMES = 240 };
	for (size_t i = 0; i < MODULI + PRIMES; i++) {
		uint8_t le[128];
		uint32_t top = i < MODULI ? 16 : 8;
		plant_noise(le, sizeof(le), i);
		mem_zero(le, LIMB);
		le[0] = 1;
		le[top * LIMB - 1] |= 0x80;
		uint64_t limbs = plant_put(p, (bytes){ le, top * LIMB });
		header((struct header){ limbs, top, top, 0, MALLOCED });
	}
	struct made_rsa k;
	made_rsa(1024, &k);
	bignum(&k.p, MALLOCED | CONSTTIME);
	plant_run(p, finder_bignum_new);
	assert_true(p->hunt.untried > 0);
	assert_true(plant_says(p, VALUE_BIGNUM, made(&k.p)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, fresh, gone)
		T(rsa_by_its_product),
		T(rsa_by_a_public_key),
		T(the_modulus_is_no_secret_for_its_flag),
		T(montgomery_beside_a_prime),
		T(scalars_of_points_in_sight),
		T(rsa_of_another_library),
		T(digits_of_more_bits),
		T(ec_of_mbedtls),
		T(ec_of_libtomcrypt),
		T(what_openssl_flags_is_secret),
		T(headers_that_lie),
		T(random_memory_says_nothing),
		T(more_than_it_can_take),
		T(lowest_limbs_that_all_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
