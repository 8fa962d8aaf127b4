/* Seeds and scalars of Ed25519 and X25519 are found where programs keep them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/related.h"
#include "plant.h"

enum { KEY = 32 };

static struct plant *p;
static uint8_t seed[KEY], both[2 * KEY], public[KEY], x_public[KEY];

static int fresh(void **state)
{
	(void)state;
	p = plant_new();
	plant_noise(seed, KEY, 77);
	ed25519_expand(seed, both);
	ed25519_of_seed(seed, public);
	assert_false(failed(x25519_of(seed, x_public)));
	return 0;
}

static int gone(void **state)
{
	(void)state;
	plant_done(p);
	return 0;
}

static void in_sight(enum public_kind kind)
{
	bytes is = { kind == PUBLIC_ED25519 ? public : x_public, KEY };
	assert_false(failed(publics_add(p->hunt.publics, kind, is)));
}

static void assert_seed_found(void)
{
	plant_run(p, finder_ed25519_new);
	assert_true(plant_says(p, VALUE_ED25519_SEED, (bytes){ seed, KEY }));
	assert_true(plant_says(p, VALUE_ED25519_SCALAR, (bytes){ both, KEY }));
	assert_true(plant_says(p, VALUE_ED25519_SCALAR, (bytes){ both + KEY, KEY }));
	/* on a stack the hash is not yet a scalar */
	assert_true(plant_says(p, VALUE_ED25519_SCALAR, (bytes){ both + 1, KEY - 2 }));
	assert_int_equal(values_count(p->hunt.values), 4);
}

static void a_seed_alone(void **state)
{
	(void)state;
	in_sight(PUBLIC_ED25519);
	plant_put(p, BYTES_OF(seed));
	assert_seed_found();
}

static void a_seed_in_der(void **state)
{
	static const uint8_t header[] = { 4, 34, 4, 32 };
	(void)state;
	in_sight(PUBLIC_ED25519);
	plant_noise(p->p + 80000, 1000, 1);
	plant_at(p, 80333, BYTES_OF(header));
	plant_at(p, 80337, BYTES_OF(seed));
	assert_seed_found();
}

static void an_expanded_key(void **state)
{
	(void)state;
	in_sight(PUBLIC_ED25519);
	plant_put(p, (bytes){ both, KEY });
	plant_run(p, finder_ed25519_new);
	assert_true(plant_says(p, VALUE_ED25519_SCALAR, (bytes){ both, KEY }));
	assert_int_equal(values_count(p->hunt.values), 1);
}

/* It tells of itself. */
static void seed_and_public_in_one(void **state)
{
	(void)state;
	uint8_t pair[2 * KEY];
	mem_copy(pair, seed, KEY);
	mem_copy(pair + KEY, public, KEY);
	plant_put(p, BYTES_OF(pair));
	assert_seed_found();
}

static void seed_before_its_public_in_noise(void **state)
{
	(void)state;
	in_sight(PUBLIC_ED25519);
	plant_noise(p->p + 80000, 2000, 1);
	plant_at(p, 81000, BYTES_OF(seed));
	plant_at(p, 81032, BYTES_OF(public));
	assert_seed_found();
}

/* A pointer beside the public key leads to it. */
static void a_link_beside_the_public_key(void **state)
{
	(void)state;
	in_sight(PUBLIC_ED25519);
	plant_noise(p->p + 80000, 2000, 1);
	plant_at(p, 81000, BYTES_OF(seed));
	plant_at(p, 90000, BYTES_OF(public));
	plant_u64(p, 90040, PLANT_BASE + 81000);
	assert_seed_found();
}

/* libcrypto's ECX_KEY, without a public key in sight. */
static void ecx_key(size_t at, const uint8_t *is, uint32_t kind)
{
	plant_at(p, at + 17, (bytes){ is, KEY });
	plant_u64(p, at + 80, PLANT_BASE + 81000);
	plant_u64(p, at + 88, KEY);
	plant_u64(p, at + 96, kind | 1ull << 32);
	plant_noise(p->p + 80000, 2000, 1);
	plant_at(p, 81000, BYTES_OF(seed));
}

static void libcrypto_ed25519(void **state)
{
	(void)state;
	ecx_key(90000, public, 2);
	assert_seed_found();
}

static void libcrypto_x25519(void **state)
{
	(void)state;
	ecx_key(90000, x_public, 0);
	plant_run(p, finder_ed25519_new);
	assert_true(plant_says(p, VALUE_X25519, BYTES_OF(seed)));
	assert_int_equal(values_count(p->hunt.values), 2);
}

/* An ECX_KEY of n bytes; plain: one half of it is no key. */
static void one_448(size_t n, uint32_t kind, unsigned plain, bool found)
{
	plant_noise(p->p + 81000, n, 5);
	plant_noise(p->p + 90017, n, 6);
	if (plain)
		mem_zero(p->p + (plain == 1 ? 81010 : 90030), 32);
	plant_u64(p, 90080, PLANT_BASE + 81000);
	plant_u64(p, 90088, n);
	plant_u64(p, 90096, kind | 1ull << 32);
	plant_run(p, finder_ed25519_new);
	assert_int_equal(plant_says(p, VALUE_PRIVATE_KEY, (bytes){ p->p + 81000, n }), found);
	assert_int_equal(values_count(p->hunt.values), found);
}

/* Of the larger curves the structure is all there is, and it must be all there. */
static void libcrypto_448(void **state)
{
	static const struct {
		size_t n;
		uint32_t kind;
		bool found;
	} rows[] = { { 56, 1, true },
		     { 57, 3, true },
		     { 56, 3, false },
		     { 57, 1, false },
		     { 55, 1, false } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		for (unsigned plain = 0; plain < 3; plain++) {
			gone(state);
			fresh(state);
			one_448(rows[i].n, rows[i].kind, plain, rows[i].found && !plain);
		}
	}
}

static void x25519_alone(void **state)
{
	(void)state;
	in_sight(PUBLIC_X25519);
	plant_put(p, BYTES_OF(seed));
	plant_run(p, finder_ed25519_new);
	assert_true(plant_says(p, VALUE_X25519, BYTES_OF(seed)));
}

static void links_that_lie(void **state)
{
	static const uint64_t to[] = { 0, PLANT_BASE + PLANT_SIZE - 8, PLANT_BASE + PLANT_SIZE,
				       UINT64_MAX, PLANT_BASE + 90000 };
	(void)state;
	in_sight(PUBLIC_ED25519);
	for (size_t i = 0; i < COUNT_OF(to); i++) {
		ecx_key(90000 + 200 * i, public, 2);
		plant_u64(p, 90000 + 200 * i + 80, to[i]);
	}
	mem_zero(p->p + 81000, KEY);
	plant_run(p, finder_ed25519_new);
	assert_int_equal(values_count(p->hunt.values), 0);
}

static void nothing_else(void **state)
{
	(void)state;
	uint8_t pair[2 * KEY];
	in_sight(PUBLIC_ED25519);
	in_sight(PUBLIC_X25519);
	plant_noise(pair, sizeof(pair), 5);
	plant_put(p, BYTES_OF(pair));
	plant_put(p, BYTES_OF(public));
	plant_put(p, BYTES_OF(x_public));
	plant_noise(p->p + PLANT_SIZE / 2, PLANT_SIZE / 2, 6);
	plant_run(p, finder_ed25519_new);
	assert_int_equal(values_count(p->hunt.values), 0);
}

static void more_than_can_be_tried(void **state)
{
	(void)state;
	in_sight(PUBLIC_ED25519);
	for (size_t at = 48; at + 64 <= PLANT_SIZE; at += 48) {
		plant_noise(p->p + at, 32, at);
		plant_u64(p, at - 8, 48 | 1);
	}
	plant_run(p, finder_ed25519_new);
	assert_true(p->hunt.untried > 0);
	assert_int_equal(values_count(p->hunt.values), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, fresh, gone)
		T(a_seed_alone),
		T(a_seed_in_der),
		T(an_expanded_key),
		T(seed_and_public_in_one),
		T(seed_before_its_public_in_noise),
		T(a_link_beside_the_public_key),
		T(libcrypto_ed25519),
		T(libcrypto_x25519),
		T(libcrypto_448),
		T(x25519_alone),
		T(links_that_lie),
		T(nothing_else),
		T(more_than_can_be_tried),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
