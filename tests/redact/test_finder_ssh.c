/* OpenSSH's prekeys are found by what leads to them or by their chunk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plant.h"

enum { PREKEY = 16 * 1024, AT = 100000, BLOB = 50000, KEY = 60000 };

static struct plant *p;
static uint8_t prekey[PREKEY];

static int fresh(void **state)
{
	(void)state;
	p = plant_new();
	plant_noise(prekey, PREKEY, 5);
	return 0;
}

static int gone(void **state)
{
	(void)state;
	plant_done(p);
	return 0;
}

/* The last members of a struct sshkey. */
static void sshkey(uint64_t blob, uint64_t blob_n, uint64_t to, uint64_t n)
{
	const uint64_t members[] = { blob, blob_n, to, n };
	for (size_t i = 0; i < COUNT_OF(members); i++)
		plant_u64(p, KEY + 8 * i, members[i]);
}

static void assert_found(size_t n)
{
	plant_run(p, finder_ssh_new);
	assert_int_equal(values_count(p->hunt.values), n);
	if (n)
		assert_true(plant_says(p, VALUE_SSH_PREKEY, BYTES_OF(prekey)));
}

static void by_its_struct(void **state)
{
	(void)state;
	plant_at(p, AT + 4, BYTES_OF(prekey));
	sshkey(PLANT_BASE + BLOB, 1376, PLANT_BASE + AT + 4, PREKEY);
	assert_found(1);
}

static void by_its_chunk(void **state)
{
	(void)state;
	plant_u64(p, AT - 8, (PREKEY + 16) | 1);
	plant_at(p, AT, BYTES_OF(prekey));
	assert_found(1);
}

static void over_the_edge_of_a_window(void **state)
{
	(void)state;
	plant_u64(p, WINDOW_SIZE - 8008, (PREKEY + 16) | 5);
	plant_at(p, WINDOW_SIZE - 8000, BYTES_OF(prekey));
	assert_found(1);
}

static void structs_that_lie(void **state)
{
	(void)state;
	plant_at(p, AT, BYTES_OF(prekey));
	sshkey(PLANT_BASE + BLOB, 1376, PLANT_BASE + AT, PREKEY - 8);
	assert_found(0);
	sshkey(PLANT_BASE + BLOB, 1375, PLANT_BASE + AT, PREKEY);
	assert_found(0);
	sshkey(0, 1376, PLANT_BASE + AT, PREKEY);
	assert_found(0);
	sshkey(PLANT_BASE + BLOB, 1376, UINT64_MAX, PREKEY);
	assert_found(0);
	sshkey(PLANT_BASE + BLOB, 1376, PLANT_BASE + PLANT_SIZE - PREKEY + 1, PREKEY);
	assert_found(0);
	/* to itself */
	sshkey(PLANT_BASE + KEY, 1376, PLANT_BASE + KEY, PREKEY);
	assert_found(0);
}

/* Text, pointers, a chunk half filled. */
static void chunks_of_something_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < PREKEY; i++)
		p->p[AT + i] = (uint8_t)('a' + i * 7 % 26);
	plant_u64(p, AT - 8, (PREKEY + 16) | 1);
	plant_u64(p, 2 * AT - 8, (PREKEY + 16) | 1);
	plant_at(p, 2 * AT, (bytes){ prekey, PREKEY / 2 });
	for (size_t i = 0; i < PREKEY / 8; i++)
		plant_u64(p, 3 * AT + 8 * i, PLANT_BASE + i * 4096);
	plant_u64(p, 3 * AT - 8, (PREKEY + 16) | 1);
	assert_found(0);
}

static void random_memory_says_nothing(void **state)
{
	(void)state;
	plant_noise(p->p, PLANT_SIZE, 8);
	assert_found(0);
}

static void many_are_bounded(void **state)
{
	(void)state;
	plant_noise(p->p, PLANT_SIZE, 8);
	for (size_t at = 0; at < PLANT_SIZE; at += 512)
		plant_u64(p, at, (PREKEY + 16) | 1);
	plant_run(p, finder_ssh_new);
	assert_int_equal(values_count(p->hunt.values), 64);
	assert_true(p->hunt.untried > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, fresh, gone)
		T(by_its_struct),
		T(by_its_chunk),
		T(over_the_edge_of_a_window),
		T(structs_that_lie),
		T(chunks_of_something_else),
		T(random_memory_says_nothing),
		T(many_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
