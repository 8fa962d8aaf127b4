/* The newest entries: what was added is there, what was not is not, and memory is bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "crypto/hash.h"
#include "known.h"

static void hash_of(uint64_t n, uint8_t ret[static 32])
{
	uint8_t b[8];
	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)(n >> 8 * i);
	sha256(BYTES_OF(b), ret);
}

static void what_was_added_is_there(void **state)
{
	struct known k;
	uint8_t h[32];
	(void)state;
	known_init(&k);
	hash_of(1, h);
	assert_false(known_has(&k, h));
	for (uint64_t i = 0; i < 20000; i++) {
		hash_of(i, h);
		assert_false(failed(known_add(&k, h)));
		assert_false(failed(known_add(&k, h)));
	}
	for (uint64_t i = 0; i < 40000; i++) {
		hash_of(i, h);
		assert_int_equal(known_has(&k, h), i < 20000);
	}
	assert_int_equal(k.young.n, 20000);
	known_done(&k);
}

/* The older half goes, the younger one stays. */
static void the_oldest_are_forgotten(void **state)
{
	enum { N = 1200 * 1000 };
	struct known k;
	uint8_t h[32] = { 0 };
	uint64_t n = 0;
	(void)state;
	known_init(&k);
	for (uint64_t i = 0; i < N; i++) {
		mem_copy(h, &i, sizeof(i));
		assert_false(failed(known_add(&k, h)));
	}
	for (uint64_t i = 0; i < N; i++) {
		mem_copy(h, &i, sizeof(i));
		bool has = known_has(&k, h);
		assert_true(has || i < N - 512 * 1024);
		n += has;
	}
	assert_in_range(n, 512 * 1024, 1024 * 1024);
	known_done(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_added_is_there),
		cmocka_unit_test(the_oldest_are_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
