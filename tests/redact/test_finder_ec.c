/* Scalars of points in sight are found where programs keep them, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "made_keys.h"
#include "noise.h"
#include "plant.h"

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

static const struct {
	const char *name;
	enum public_kind kind;
	size_t size;
} curves[] = { { "P-256", PUBLIC_P256, 32 },
	       { "P-384", PUBLIC_P384, 48 },
	       { "P-521", PUBLIC_P521, 66 },
	       { "secp256k1", PUBLIC_SECP256K1, 32 } };
enum { CURVES = COUNT_OF(curves) };

/* A key whose point is in sight; its scalar has all its bytes. */
static void make(size_t c, struct made_ec *k)
{
	do
		made_ec(curves[c].name, k);
	while (k->d.n < curves[c].size);
	bytes xy = { k->xy, k->n_xy };
	assert_false(failed(publics_add(p->hunt.publics, curves[c].kind, xy)));
}

/* As make; nothing of it is plain by chance, as one in 64 is: where no header tells, such a
 * one is not seen. */
static void make_noisy(size_t c, struct made_ec *k)
{
	uint8_t le[72];
	size_t n = curves[c].size;
	uint64_t all = (1ull << n / NOISE_LIMB) - 1;
	do
		make(c, k);
	while (noise_bits(k->d.p, n) != all ||
	       noise_bits(plant_turned(made(&k->d), le).p, n) != all);
}

static void assert_found(const struct made_ec *k)
{
	plant_run(p, finder_ec_new);
	assert_true(plant_says(p, VALUE_EC_SCALAR, made(&k->d)));
	assert_int_equal(p->hunt.untried, 0);
}

static void allocated_as_limbs(void **state)
{
	(void)state;
	struct made_ec k[CURVES];
	uint8_t le[72];
	for (size_t c = 0; c < CURVES; c++) {
		mem_zero(le, sizeof(le));
		make(c, &k[c]);
		plant_turned(made(&k[c].d), le);
		plant_put(p, (bytes){ le, (k[c].d.n + 7) / 8 * 8 });
	}
	plant_run(p, finder_ec_new);
	for (size_t c = 0; c < CURVES; c++)
		assert_true(plant_says(p, VALUE_EC_SCALAR, made(&k[c].d)));
	assert_int_equal(values_count(p->hunt.values), CURVES);
}

static void allocated_in_big_endian(void **state)
{
	(void)state;
	struct made_ec k[2];
	for (size_t c = 0; c < 2; c++) {
		make(c, &k[c]);
		plant_put(p, made(&k[c].d));
	}
	plant_run(p, finder_ec_new);
	for (size_t c = 0; c < 2; c++)
		assert_true(plant_says(p, VALUE_EC_SCALAR, made(&k[c].d)));
}

/* RFC 5915: in DER, at any address, amid other bytes. */
static void behind_its_header(void **state)
{
	(void)state;
	struct made_ec k[CURVES];
	for (size_t c = 0; c < CURVES; c++) {
		uint8_t header[] = { 2, 1, 1, 4, (uint8_t)curves[c].size };
		size_t at = 80003 + 1000 * c;
		make(c, &k[c]);
		plant_noise(p->p + at - 100, 300, c);
		plant_at(p, at, BYTES_OF(header));
		plant_at(p, at + 5, made(&k[c].d));
	}
	plant_run(p, finder_ec_new);
	for (size_t c = 0; c < CURVES; c++)
		assert_true(plant_says(p, VALUE_EC_SCALAR, made(&k[c].d)));
}

/* d, x, y in one piece of noise. */
static void beside_its_point(void **state)
{
	(void)state;
	struct made_ec k;
	make(0, &k);
	plant_noise(p->p + 80000, 400, 3);
	plant_at(p, 80128, made(&k.d));
	plant_at(p, 80160, (bytes){ k.xy, 64 });
	assert_found(&k);
}

/* The head of something longer, as a table of windows. */
static void at_the_edge_of_noise(void **state)
{
	(void)state;
	struct made_ec k;
	make_noisy(0, &k);
	plant_noise(p->p + 80032, 4000, 3);
	plant_at(p, 80000, made(&k.d));
	assert_found(&k);
}

static void in_a_java_array(void **state)
{
	(void)state;
	struct made_ec k;
	uint8_t le[72];
	make(1, &k);
	/* with a limb that is plain by chance: the header tells */
	do
		make(0, &k);
	while (k.d.p[8] & 0x80 || k.d.p[9] & 0x80 || k.d.p[10] & 0x80);
	plant_noise(p->p + 80000, 2000, 3);
	plant_u64(p, 80800, 1);
	plant_u64(p, 80808, 32ull << 32 | 0x6848);
	plant_at(p, 80816, plant_turned(made(&k.d), le));
	assert_found(&k);
}

static void over_the_edge_of_a_window(void **state)
{
	(void)state;
	struct made_ec k;
	uint8_t le[72];
	make_noisy(0, &k);
	for (size_t at = 0; at < PLANT_SIZE; at += 64)
		p->p[at] = 1;
	plant_at(p, WINDOW_SIZE - 16, plant_turned(made(&k.d), le));
	assert_found(&k);
}

/* As many as it likes of what looks like a key: the work is bounded, and that is said. */
static void more_than_can_be_tried(void **state)
{
	(void)state;
	struct made_ec k;
	make(1, &k);
	for (size_t at = 64; at + 64 <= PLANT_SIZE; at += 64) {
		plant_noise(p->p + at, 48, at);
		plant_u64(p, at - 8, 64 | 1);
	}
	plant_run(p, finder_ec_new);
	assert_true(p->hunt.untried > 0);
	assert_int_equal(values_count(p->hunt.values), 0);
}

static void nothing_without_a_point(void **state)
{
	(void)state;
	struct made_ec k;
	uint8_t le[72];
	made_ec("P-256", &k);
	plant_put(p, plant_turned(made(&k.d), le));
	plant_run(p, finder_ec_new);
	assert_int_equal(values_count(p->hunt.values), 0);
}

/* Scalars of other points, the point itself, numbers over the order, text, zeros. */
static void nothing_else(void **state)
{
	(void)state;
	struct made_ec k, other;
	uint8_t le[72], high[32];
	make(0, &k);
	made_ec("P-256", &other);
	plant_put(p, plant_turned(made(&other.d), le));
	plant_put(p, (bytes){ k.xy, 32 });
	plant_put(p, (bytes){ k.xy, 64 });
	for (size_t i = 0; i < sizeof(high); i++)
		high[i] = 0xff;
	plant_put(p, BYTES_OF(high));
	plant_put(p, bytes_of_str(LIT("the quick brown fox jumps over a")));
	plant_noise(p->p + PLANT_SIZE / 2, PLANT_SIZE / 2, 4);
	plant_run(p, finder_ec_new);
	assert_int_equal(values_count(p->hunt.values), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, fresh, gone)
		T(allocated_as_limbs),        T(allocated_in_big_endian),
		T(behind_its_header),         T(beside_its_point),
		T(at_the_edge_of_noise),      T(in_a_java_array),
		T(over_the_edge_of_a_window), T(more_than_can_be_tried),
		T(nothing_without_a_point),   T(nothing_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
