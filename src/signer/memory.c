/* Where keys may be: one region of secret memory with libcrypto's whole heap and the
 * stack that signs. Everything after the switch runs on that stack, so that neither a
 * spilled register nor a temporary lies in memory that can be read from outside. */
#include <ucontext.h>

#include "signer_internal.h"

enum { HEAP_SIZE = 2 * 1024 * 1024, STACK_SIZE = 256 * 1024 };

static struct {
	struct secretmem heap_memory, stack_memory;
	struct heap heap;
	ucontext_t outside, inside;
	ch_err (*work)(struct signer *);
	struct signer *signer;
	ch_err result;
} memory;

static void run_inside(void)
{
	memory.result = crypto_init(&memory.heap);
	if (!failed(memory.result))
		memory.result = memory.work(memory.signer);
}

ch_err memory_run(enum secretmem_kind kind, ch_err (*work)(struct signer *), struct signer *s)
{
	secret_use_kind(kind);
	TRY(secretmem_map(kind, HEAP_SIZE, &memory.heap_memory));
	TRY(secretmem_map(kind, STACK_SIZE, &memory.stack_memory));
	heap_init(&memory.heap, memory.heap_memory.p, memory.heap_memory.n);
	memory.work = work;
	memory.signer = s;
	if (getcontext(&memory.inside) != 0)
		return ch_fail(CH_E_INTERNAL, "cannot make a stack in secret memory", 0);
	memory.inside.uc_stack.ss_sp = memory.stack_memory.p;
	memory.inside.uc_stack.ss_size = memory.stack_memory.n;
	memory.inside.uc_link = &memory.outside;
	makecontext(&memory.inside, run_inside, 0);
	if (swapcontext(&memory.outside, &memory.inside) != 0)
		return ch_fail(CH_E_INTERNAL, "cannot switch to the stack in secret memory", 0);
	return memory.result;
}
