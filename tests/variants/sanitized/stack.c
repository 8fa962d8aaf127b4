/* Test variant: tells AddressSanitizer which stack a signer is on. It switches once, to
 * the stack in secret memory, and once back. */
#include <dlfcn.h>
#include <gnu/lib-names.h>
#include <stddef.h>
#include <ucontext.h>

#include <sanitizer/common_interface_defs.h>

#include "variant.h"

VARIANT("sanitized stack");

static struct {
	void (*work)(void);
	void *outer_fake; /* ASan's own account of the stack that is left */
	const void *outer;
	size_t outer_size;
} stack;

static void arrive(void)
{
	__sanitizer_finish_switch_fiber(NULL, &stack.outer, &stack.outer_size);
	stack.work();
	__sanitizer_start_switch_fiber(NULL, stack.outer, stack.outer_size);
}

void __real_makecontext(ucontext_t *to, void (*work)(void), int n, ...);
void __wrap_makecontext(ucontext_t *to, void (*work)(void), int n, ...);
int __wrap_swapcontext(ucontext_t *from, const ucontext_t *to);

void __wrap_makecontext(ucontext_t *to, void (*work)(void), int n, ...)
{
	stack.work = work;
	__real_makecontext(to, arrive, n);
}

/* The C library's own: ASan's stands before it only to report that it might be wrong. */
static int (*swap_of_libc(void))(ucontext_t *, const ucontext_t *)
{
	void *libc = dlopen(LIBC_SO, RTLD_NOW | RTLD_NOLOAD);
	return libc ? (int (*)(ucontext_t *, const ucontext_t *))dlsym(libc, "swapcontext") : NULL;
}

int __wrap_swapcontext(ucontext_t *from, const ucontext_t *to)
{
	int (*swap)(ucontext_t *, const ucontext_t *) = swap_of_libc();
	if (!swap)
		return -1;
	__sanitizer_start_switch_fiber(&stack.outer_fake, to->uc_stack.ss_sp, to->uc_stack.ss_size);
	int r = swap(from, to);
	__sanitizer_finish_switch_fiber(stack.outer_fake, NULL, NULL);
	return r;
}
