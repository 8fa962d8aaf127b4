/* Primes of a modulus in sight are found however they lie, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "made_keys.h"
#include "plant.h"

static struct plant *p;
static struct made_rsa key;

static int fresh(void **state)
{
	(void)state;
	p = plant_new();
	if (!key.n.n)
		made_rsa(2048, &key);
	assert_false(failed(publics_add(p->hunt.publics, PUBLIC_RSA_MODULUS, made(&key.n))));
	return 0;
}

static int gone(void **state)
{
	(void)state;
	plant_done(p);
	return 0;
}

static void assert_found(void)
{
	plant_run(p, finder_rsa_new);
	assert_true(plant_says(p, VALUE_RSA_PRIME, made(&key.p)));
	assert_true(plant_says(p, VALUE_RSA_PRIME, made(&key.q)));
	assert_true(plant_says(p, VALUE_RSA_EXPONENT, made(&key.d)));
	assert_true(plant_says(p, VALUE_RSA_CRT, made(&key.dp)));
	assert_true(plant_says(p, VALUE_RSA_CRT, made(&key.dq)));
	assert_true(plant_says(p, VALUE_RSA_CRT, made(&key.qinv)));
	assert_int_equal(p->hunt.untried, 0);
}

static void limbs_of_64_bits(void **state)
{
	(void)state;
	uint8_t le[MADE_MAX];
	plant_at(p, 80008, plant_turned(made(&key.p), le));
	assert_found();
}

static void limbs_of_32_bits(void **state)
{
	(void)state;
	uint8_t le[MADE_MAX];
	plant_at(p, 80012, plant_turned(made(&key.q), le));
	assert_found();
}

/* As a JDK's BigInteger has it. */
static void words_the_highest_first(void **state)
{
	(void)state;
	uint8_t words[MADE_MAX];
	for (size_t i = 0; i < key.p.n; i++)
		words[i] = key.p.p[i / 4 * 4 + 3 - i % 4];
	plant_at(p, 4 * 1000 + 4, (bytes){ words, key.p.n });
	assert_found();
}

static void big_endian_behind_a_zero(void **state)
{
	(void)state;
	plant_u64(p, 70000, 0x0081810200);
	plant_at(p, 70005, made(&key.p));
	assert_found();
}

static void big_endian_in_place(void **state)
{
	(void)state;
	plant_noise(p->p + 60000, 400, 9);
	plant_at(p, 60160, made(&key.p));
	assert_found();
}

static void at_both_ends_of_memory(void **state)
{
	(void)state;
	uint8_t le[MADE_MAX];
	plant_at(p, 0, plant_turned(made(&key.p), le));
	assert_found();
	plant_done(p);
	fresh(state);
	plant_at(p, PLANT_SIZE - key.p.n, plant_turned(made(&key.p), le));
	assert_found();
}

/* In random memory, over the edge of a window and of a piece. */
static void in_the_midst_of_noise(void **state)
{
	(void)state;
	uint8_t le[MADE_MAX];
	plant_turned(made(&key.p), le);
	plant_noise(p->p, PLANT_SIZE / 4, 11);
	plant_at(p, WINDOW_SIZE - 64, (bytes){ le, key.p.n });
	assert_found();
}

static void of_other_sizes(void **state)
{
	static const unsigned bits[] = { 1024, 1536, 3072, 2050, 1031 };
	(void)state;
	struct made_rsa k[COUNT_OF(bits)];
	for (size_t i = 0; i < COUNT_OF(bits); i++) {
		uint8_t le[MADE_MAX];
		made_rsa(bits[i], &k[i]);
		assert_false(
			failed(publics_add(p->hunt.publics, PUBLIC_RSA_MODULUS, made(&k[i].n))));
		plant_put(p, plant_turned(made(&k[i].p), le));
	}
	plant_run(p, finder_rsa_new);
	for (size_t i = 0; i < COUNT_OF(bits); i++)
		assert_true(plant_says(p, VALUE_RSA_PRIME, made(&k[i].q)));
}

/* So many moduli that not all can be divided: both primes are there, which tells. */
static void among_many_moduli(void **state)
{
	(void)state;
	uint8_t le[MADE_MAX], n[256];
	for (unsigned i = 0; i < 1000; i++) {
		plant_noise(n, sizeof(n), 100 + i);
		n[0] |= 0x80;
		n[255] |= 1;
		assert_false(failed(publics_add(p->hunt.publics, PUBLIC_RSA_MODULUS, BYTES_OF(n))));
	}
	plant_noise(p->p, PLANT_SIZE / 4, 12);
	plant_at(p, 80008, plant_turned(made(&key.p), le));
	plant_at(p, 90008, plant_turned(made(&key.q), le));
	plant_run(p, finder_rsa_new);
	assert_true(plant_says(p, VALUE_RSA_PRIME, made(&key.q)));
}

static void say(enum value_kind kind, const struct made_number *n)
{
	struct value v = { kind, true, made(n), LIT("test"), 0 };
	assert_false(failed(values_add(p->hunt.values, &v)));
}

static void a_key_that_is_known_is_not_looked_for(void **state)
{
	(void)state;
	uint8_t le[MADE_MAX];
	say(VALUE_RSA_PRIME, &key.p);
	say(VALUE_RSA_EXPONENT, &key.d);
	plant_at(p, 80008, plant_turned(made(&key.q), le));
	plant_run(p, finder_rsa_new);
	assert_int_equal(values_count(p->hunt.values), 2);
}

/* Nothing of it is in memory: who said the prime had no more of the key. */
static void of_a_prime_that_is_known_the_rest_is_said(void **state)
{
	(void)state;
	say(VALUE_RSA_PRIME, &key.q);
	assert_found();
}

/* Random memory, primes of others, the modulus itself, even numbers. */
static void nothing_else(void **state)
{
	(void)state;
	uint8_t le[MADE_MAX], even[256] = { 0xff };
	struct made_rsa other;
	made_rsa(2048, &other);
	plant_noise(p->p, PLANT_SIZE / 4, 13);
	plant_at(p, 80008, plant_turned(made(&other.p), le));
	plant_at(p, 90008, plant_turned(made(&key.n), le));
	plant_at(p, 99008, made(&key.n));
	assert_false(failed(publics_add(p->hunt.publics, PUBLIC_RSA_MODULUS, BYTES_OF(even))));
	plant_run(p, finder_rsa_new);
	assert_int_equal(values_count(p->hunt.values), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, fresh, gone)
		T(limbs_of_64_bits),
		T(limbs_of_32_bits),
		T(words_the_highest_first),
		T(big_endian_behind_a_zero),
		T(big_endian_in_place),
		T(at_both_ends_of_memory),
		T(in_the_midst_of_noise),
		T(of_other_sizes),
		T(among_many_moduli),
		T(a_key_that_is_known_is_not_looked_for),
		T(of_a_prime_that_is_known_the_rest_is_said),
		T(nothing_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
