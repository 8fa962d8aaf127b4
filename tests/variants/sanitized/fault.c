/* Test variant: a sanitized role with one error (FAULT), made as soon as its walls are up.
 * It must be reported, or the silence about the others means nothing. */
#include <limits.h>
#include <stdlib.h>

#include "sandbox/sandbox.h"
#include "variant.h"

VARIANT("fault");

/* volatile: the compiler may not see through them */
static volatile int zero, seen;
static int *volatile place;

static __attribute__((unused, noinline)) int fault_heap(void)
{
	place = calloc(2, sizeof(int));
	int last = place ? place[2] : 0;
	free(place);
	return last;
}

static __attribute__((unused, noinline)) int fault_freed(void)
{
	place = calloc(2, sizeof(int));
	free(place);
	return *place;
}

static __attribute__((unused, noinline)) int fault_stack(void)
{
	int few[2] = { 0 };
	place = few;
	return place[2];
}

static __attribute__((noinline)) void keep_own(void)
{
	int own = 1;
	int *at = &own;
	place = at;
}

static __attribute__((unused, noinline)) int fault_returned(void)
{
	keep_own();
	return *place;
}

static __attribute__((unused, noinline)) int fault_integer(void)
{
	return INT_MAX - zero + 1;
}

ch_err __real_sandbox_seccomp(const struct syscall_list *lists, size_t n);
ch_err __wrap_sandbox_seccomp(const struct syscall_list *lists, size_t n);

ch_err __wrap_sandbox_seccomp(const struct syscall_list *lists, size_t n)
{
	TRY(__real_sandbox_seccomp(lists, n));
	seen = FAULT();
	return CH_DONE;
}
