/* The heap in a fixed region: alignment, wiping, resizing, running out. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/heap.h"

enum { REGION = 1 << 16 };

static _Alignas(16) uint8_t region[REGION];
static struct heap heap;

static int start(void **state)
{
	(void)state;
	memset(region, 0, sizeof(region));
	heap_init(&heap, region, sizeof(region));
	return 0;
}

static bool inside(const void *p, size_t n)
{
	const uint8_t *at = p;
	return at >= region && n <= (size_t)(region + REGION - at);
}

static bool holds(uint8_t byte, size_t times)
{
	size_t run = 0;
	for (size_t i = 0; i < REGION; i++) {
		run = region[i] == byte ? run + 1 : 0;
		if (run == times)
			return true;
	}
	return false;
}

static void aligned_inside_and_apart(void **state)
{
	(void)state;
	uint8_t *before = NULL;
	for (size_t n = 0; n < 200; n++) {
		uint8_t *p = heap_alloc(&heap, n);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		assert_true(inside(p, n));
		memset(p, (int)n, n);
		if (before && n > 1)
			assert_int_equal(before[n - 2], n - 1);
		before = p;
	}
}

static void freed_is_wiped_and_given_again(void **state)
{
	(void)state;
	for (size_t n = 24; n < 5000; n = n * 2 + 1) {
		uint8_t *p = heap_alloc(&heap, n);
		memset(p, 0x5e, n);
		assert_true(holds(0x5e, n));
		heap_free(&heap, p);
		assert_false(holds(0x5e, 1));
		assert_ptr_equal(heap_alloc(&heap, n), p);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
	}
	heap_free(&heap, NULL);
}

static void resized(void **state)
{
	(void)state;
	uint8_t *p = heap_resize(&heap, NULL, 10);
	assert_non_null(p);
	memset(p, 0x77, 10);
	assert_ptr_equal(heap_resize(&heap, p, 16), p); /* fits its class */
	uint8_t *q = heap_resize(&heap, p, 4000);
	assert_true(q != p && inside(q, 4000));
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(q[i], 0x77);
	memset(q, 0x33, 4000);
	assert_null(heap_resize(&heap, q, REGION)); /* and q is still whole */
	assert_int_equal(q[3999], 0x33);
	assert_ptr_equal(heap_resize(&heap, q, 1), q);
	heap_free(&heap, q);
	assert_false(holds(0x33, 1));
	assert_false(holds(0x77, 8));
}

static void runs_out_and_recovers(void **state)
{
	(void)state;
	void *blocks[REGION / 32] = { 0 };
	size_t n = 0;
	assert_null(heap_alloc(&heap, REGION));
	assert_null(heap_alloc(&heap, REGION + 1));
	assert_null(heap_alloc(&heap, SIZE_MAX));
	assert_null(heap_alloc(&heap, SIZE_MAX - 15));
	while ((blocks[n] = heap_alloc(&heap, 1000)))
		n++;
	assert_int_equal(n, REGION / 1024);
	assert_int_equal(heap.used, REGION);
	heap_free(&heap, blocks[3]);
	assert_ptr_equal(heap_alloc(&heap, 900), blocks[3]);
	assert_null(heap_alloc(&heap, 900));
}

/* Runs fn in a child; the signal that ended it, 0 for none. */
static int dies_of(void (*fn)(void))
{
	int status = 0;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)signal(SIGABRT, SIG_DFL);
		(void)close(STDERR_FILENO);
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void free_once(void)
{
	heap_free(&heap, heap_alloc(&heap, 100));
}

static void free_twice(void)
{
	void *p = heap_alloc(&heap, 100);
	heap_free(&heap, p);
	heap_free(&heap, p);
}

static void free_the_middle(void)
{
	uint8_t *p = heap_alloc(&heap, 100);
	heap_free(&heap, p + 32);
}

static void misuse_stops_the_process(void **state)
{
	(void)state;
	assert_int_equal(dies_of(free_once), 0);
	assert_int_equal(dies_of(free_twice), SIGABRT);
	assert_int_equal(dies_of(free_the_middle), SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(aligned_inside_and_apart, start),
		cmocka_unit_test_setup(freed_is_wiped_and_given_again, start),
		cmocka_unit_test_setup(resized, start),
		cmocka_unit_test_setup(runs_out_and_recovers, start),
		cmocka_unit_test_setup(misuse_stops_the_process, start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
