/* AES keys are found by their schedules, of each size and order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "plain_aes.h"
#include "plant.h"

static struct plant *p;
static struct aes_tables tables;

static int fresh(void **state)
{
	(void)state;
	p = plant_new();
	aes_tables_init(&tables);
	return 0;
}

static int gone(void **state)
{
	(void)state;
	plant_done(p);
	return 0;
}

/* FIPS 197 appendix A, the last round keys of its three keys. */
static void as_the_standard_has_it(void **state)
{
	static const struct {
		uint8_t key[32];
		size_t n;
		uint8_t last[16];
	} cases[] = {
		{ { 0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09,
		    0xcf, 0x4f, 0x3c },
		  16,
		  { 0xd0, 0x14, 0xf9, 0xa8, 0xc9, 0xee, 0x25, 0x89, 0xe1, 0x3f, 0x0c, 0xc8, 0xb6,
		    0x63, 0x0c, 0xa6 } },
		{ { 0x8e, 0x73, 0xb0, 0xf7, 0xda, 0x0e, 0x64, 0x52, 0xc8, 0x10, 0xf3, 0x2b,
		    0x80, 0x90, 0x79, 0xe5, 0x62, 0xf8, 0xea, 0xd2, 0x52, 0x2c, 0x6b, 0x7b },
		  24,
		  { 0xe9, 0x8b, 0xa0, 0x6f, 0x44, 0x8c, 0x77, 0x3c, 0x8e, 0xcc, 0x72, 0x04, 0x01,
		    0x00, 0x22, 0x02 } },
		{ { 0x60, 0x3d, 0xeb, 0x10, 0x15, 0xca, 0x71, 0xbe, 0x2b, 0x73, 0xae,
		    0xf0, 0x85, 0x7d, 0x77, 0x81, 0x1f, 0x35, 0x2c, 0x07, 0x3b, 0x61,
		    0x08, 0xd7, 0x2d, 0x98, 0x10, 0xa3, 0x09, 0x14, 0xdf, 0xf4 },
		  32,
		  { 0xfe, 0x48, 0x90, 0xd1, 0xe6, 0x18, 0x8d, 0x0b, 0x04, 0x6d, 0xf3, 0x44, 0x70,
		    0x6c, 0x63, 0x1e } },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		uint8_t w[AES_SCHEDULE_MAX], inverted[AES_SCHEDULE_MAX], key[AES_KEY_MAX];
		struct aes_guess g = { inverted, cases[i].n, false, true };
		size_t size = aes_schedule_size(cases[i].n);
		plain_aes_expand(&tables, (bytes){ cases[i].key, cases[i].n }, w);
		assert_memory_equal(w + size - 16, cases[i].last, 16);
		plain_aes_invert(w, size, inverted);
		assert_memory_equal(inverted, cases[i].last, 16);
		assert_true(aes_is_schedule(&tables, &g, key));
		assert_memory_equal(key, cases[i].key, cases[i].n);
	}
}

static void each_form_is_found(void **state)
{
	(void)state;
	for (unsigned form = 0; form < 3 * 4; form++) {
		uint8_t key[AES_KEY_MAX], w[AES_SCHEDULE_MAX], other[AES_SCHEDULE_MAX];
		size_t n = 16 + 8 * (form % 3), size = aes_schedule_size(n);
		plant_noise(key, n, 40 + form);
		plain_aes_expand(&tables, (bytes){ key, n }, w);
		if (form / 3 & 1) {
			plain_aes_invert(w, size, other);
			mem_copy(w, other, size);
		}
		for (size_t i = 0; form / 6 && i < size; i++)
			other[i] = w[i ^ 3];
		fresh(state);
		/* amid noise, not 8-aligned, over the edge of a window */
		plant_noise(p->p + WINDOW_SIZE - 2000, 4000, form);
		plant_at(p, WINDOW_SIZE - 100, (bytes){ form / 6 ? other : w, size });
		plant_run(p, finder_aes_new);
		assert_true(plant_says(p, VALUE_AES_KEY, (bytes){ key, n }));
		assert_true(plant_says(p, VALUE_AES_KEY, (bytes){ form / 6 ? other : w, size }));
		assert_int_equal(values_count(p->hunt.values), 2);
		if (form < 11)
			plant_done(p);
	}
}

static void one_bit_makes_it_none(void **state)
{
	(void)state;
	uint8_t key[16], w[AES_SCHEDULE_MAX];
	plant_noise(key, 16, 1);
	plain_aes_expand(&tables, BYTES_OF(key), w);
	for (size_t i = 0; i < 176; i++) {
		w[i] ^= 4;
		plant_at(p, 4096 + i * 1024, (bytes){ w, 176 });
		w[i] ^= 4;
	}
	plant_run(p, finder_aes_new);
	assert_int_equal(values_count(p->hunt.values), 0);
}

/* Of the processor, for what is planted; nothing is found. */
static double seconds(void)
{
	struct timespec from, to;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	plant_run(p, finder_aes_new);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	assert_int_equal(values_count(p->hunt.values), 0);
	return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) * 1e-9;
}

/* What agrees with all sums but no key: words that follow from two before them, for each size and
 * for decryption. It takes some ten times as long as noise; when a schedule was computed for each,
 * it was a thousand times. */
static void nearly_schedules_cost_little(void **state)
{
	static const struct {
		size_t far, near;
	} sums[] = { { 4, 1 }, { 6, 1 }, { 8, 1 }, { 5, 4 }, { 9, 8 } };
	(void)state;
	plant_noise(p->p, PLANT_SIZE, 1);
	double noise = seconds();
	for (size_t k = 0; k < COUNT_OF(sums); k++) {
		for (size_t i = 64; i < PLANT_SIZE; i++)
			p->p[i] = p->p[i - 4 * sums[k].far] ^ p->p[i - 4 * sums[k].near];
		double took = seconds();
		print_message("%zu, %zu: %.1f\n", sums[k].far, sums[k].near, took / noise);
		assert_true(took < 150 * noise);
	}
}

/* The same key again and again leaves room for others. */
static void one_many_times_is_one(void **state)
{
	(void)state;
	uint8_t key[16], w[AES_SCHEDULE_MAX];
	plant_noise(key, 16, 1);
	plain_aes_expand(&tables, BYTES_OF(key), w);
	for (size_t at = 0; at + 512 <= PLANT_SIZE; at += 256)
		plant_at(p, at, (bytes){ w, 176 });
	plant_noise(key, 16, 2);
	plain_aes_expand(&tables, BYTES_OF(key), w);
	plant_at(p, PLANT_SIZE - 256, (bytes){ w, 176 });
	plant_run(p, finder_aes_new);
	assert_int_equal(p->hunt.untried, 0);
	assert_true(plant_says(p, VALUE_AES_KEY, BYTES_OF(key)));
	assert_int_equal(values_count(p->hunt.values), 4);
}

static void cut_off_by_the_end_of_memory(void **state)
{
	(void)state;
	uint8_t key[16], w[AES_SCHEDULE_MAX];
	plant_noise(key, 16, 1);
	plain_aes_expand(&tables, BYTES_OF(key), w);
	plant_at(p, PLANT_SIZE - 168, (bytes){ w, 168 });
	plant_run(p, finder_aes_new);
	assert_int_equal(values_count(p->hunt.values), 0);
	plant_at(p, PLANT_SIZE - 176, (bytes){ w, 176 });
	plant_run(p, finder_aes_new);
	assert_int_equal(values_count(p->hunt.values), 2);
}

static void nothing_else(void **state)
{
	(void)state;
	double f = 0.1;
	plant_noise(p->p, PLANT_SIZE / 2, 2);
	for (size_t at = PLANT_SIZE / 2; at < PLANT_SIZE - 8; at += 8, f *= 1.01)
		plant_at(p, at, (bytes){ (const uint8_t *)&f, 8 });
	plant_run(p, finder_aes_new);
	assert_int_equal(values_count(p->hunt.values), 0);
}

/* One key after another: bounded, and said so. */
static void many_are_bounded(void **state)
{
	(void)state;
	uint8_t key[16], w[AES_SCHEDULE_MAX];
	for (size_t at = 0; at + 256 <= PLANT_SIZE; at += 256) {
		plant_noise(key, 16, at);
		plain_aes_expand(&tables, BYTES_OF(key), w);
		plant_at(p, at, (bytes){ w, 176 });
	}
	plant_run(p, finder_aes_new);
	assert_true(p->hunt.untried > 0);
	assert_int_equal(values_count(p->hunt.values), 2048);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, fresh, gone)
		T(as_the_standard_has_it),       T(each_form_is_found),    T(one_bit_makes_it_none),
		T(cut_off_by_the_end_of_memory), T(nothing_else),          T(many_are_bounded),
		T(nearly_schedules_cost_little), T(one_many_times_is_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
