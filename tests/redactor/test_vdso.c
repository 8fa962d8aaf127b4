/* Whether the kernel's page of code in a process that crashed is what the kernel put there. The
 * process is this one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>

#include <cmocka.h>

#include "redactor_internal.h"

enum { ADDR = 0x7f0000000000, SIZE_MAX_HERE = 16 * CORE_PAGE };

/* A copy of the page, at ADDR. */
static struct page {
	struct core_memory memory;
	uint8_t p[SIZE_MAX_HERE];
	size_t n;
} page;

static ch_err read_page(struct core_memory *m, uint64_t addr, void *to, size_t n, size_t *ret_n)
{
	const struct page *s = (const struct page *)m;
	uint64_t left = addr - ADDR < s->n ? s->n - (addr - ADDR) : 0;
	*ret_n = n < left ? n : (size_t)left;
	mem_copy(to, s->p + (addr - ADDR), *ret_n);
	return CH_DONE;
}

/* Is it believed? */
static bool judged(uint64_t mem_size, uint64_t addr)
{
	struct core_load load = { .addr = ADDR, .mem_size = mem_size, .file_size = mem_size };
	struct core_head head = { .map = { .loads = &load, .n = 1 }, .auxv_vdso = addr };
	assert_false(failed(vdso_judge(&head, &page.memory)));
	assert_true(head.auxv_vdso == 0 || head.auxv_vdso == addr);
	return head.auxv_vdso != 0;
}

static int copy(void **state)
{
	(void)state;
	page.memory.read = read_page;
	page.n = 0;
	const uint8_t *own = (const uint8_t *)getauxval(AT_SYSINFO_EHDR);
	if (!own)
		return 1;
	/* as many pages as vdso_judge takes for all of it: one of the sizes is believed */
	for (size_t n = CORE_PAGE; n <= SIZE_MAX_HERE; n += CORE_PAGE) {
		mem_copy(page.p + page.n, own + page.n, CORE_PAGE);
		page.n = n;
		if (judged(n, ADDR))
			return 0;
	}
	return 1;
}

static void one_byte_is_enough(void **state)
{
	(void)state;
	for (size_t at = 0; at < page.n; at += 509) {
		page.p[at] ^= 1;
		assert_false(judged(page.n, ADDR));
		page.p[at] ^= 1;
		assert_true(judged(page.n, ADDR));
	}
}

static void other_places_are_none(void **state)
{
	(void)state;
	assert_false(judged(page.n + CORE_PAGE, ADDR));
	assert_false(judged(page.n - CORE_PAGE, ADDR));
	assert_false(judged(page.n, ADDR + 8));
	assert_false(judged(page.n, 0));
	page.n -= 100;
	assert_false(judged(page.n + 100, ADDR));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_byte_is_enough, copy),
		cmocka_unit_test_setup(other_places_are_none, copy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
