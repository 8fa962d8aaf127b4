/* A process with threads in every state that unwinding finds hard, and secrets in every place:
 * 8 keys of 32 bytes and one number come through standard input, are put where they shall
 * be, and nowhere else. argv[1] == "overflow": runs over its stack, and its handler, on a
 * stack in the heap, aborts. Otherwise says "ready" and waits. */
#include <pthread.h>
#include <dlfcn.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { KEY = 32, STACK = 64 * 1024 };
enum { IN_HEAP, ON_STACK, IN_DATA, IN_TLS, IN_REGISTERS, IN_MAIN, IN_BSS, IN_MMAP, KEYS };

static struct {
	uint8_t *heap, *map, *on_stack;
	uint64_t *registers;
} at;
static uint8_t in_data[KEY] = "initial";
static int64_t pin_in_data = 1;
static uint8_t in_bss[KEY];
static __thread uint8_t in_tls[KEY];
static pthread_barrier_t given, placed;
static volatile int *nil;
static ucontext_t back, other;
static uint8_t coroutine_stack[STACK];

#define USED(p) __asm__ volatile("" ::"r"(p) : "memory")
#define NOINLINE __attribute__((noinline))

static void take(void *to, size_t n)
{
	if (read(STDIN_FILENO, to, n) != (ssize_t)n)
		_exit(9);
}

static NOINLINE int rest(int depth)
{
	uint8_t room[48] = { 0 };
	USED(room);
	if (depth == 0)
		return pause();
	int r = rest(depth - 1);
	USED(room);
	return r + room[3];
}

static void on_signal(int number)
{
	rest(number > 0 ? 2 : 0);
	USED(&number);
}

static void abort_in_handler(int number)
{
	USED(&number);
	abort();
}

/* A frame that finds its caller by a saved pointer: aligned locals beside alloca. */
static NOINLINE int realigned(int n)
{
	__attribute__((aligned(64))) uint8_t wide[128];
	uint8_t *more = __builtin_alloca((size_t)n * 16 + 16);
	memset(wide, n, sizeof(wide));
	memset(more, n, (size_t)n * 16);
	USED(wide);
	USED(more);
	int r = n == 0 ? rest(1) : realigned(n - 1);
	USED(wide);
	return r + more[0];
}

/* Waits in a system call with 40 bytes of secrets in registers that no call clobbers. */
static NOINLINE void hold(const uint64_t *key)
{
	__asm__ volatile("mov 0(%0), %%rbx\n\t"
			 "mov 8(%0), %%r12\n\t"
			 "mov 16(%0), %%r13\n\t"
			 "mov 24(%0), %%r14\n\t"
			 "mov 32(%0), %%r15\n\t"
			 "movdqu 0(%0), %%xmm7\n\t"
			 "movq $0, 0(%0)\n\t"
			 "movq $0, 8(%0)\n\t"
			 "movq $0, 16(%0)\n\t"
			 "movq $0, 24(%0)\n\t"
			 "movq $0, 32(%0)\n\t"
			 "1: mov $34, %%eax\n\t" /* pause */
			 "syscall\n\t"
			 "jmp 1b\n\t"
			 :
			 : "D"(key)
			 : "rax", "rbx", "rcx", "r11", "r12", "r13", "r14", "r15", "xmm7",
			   "memory");
}

static void coroutine(void)
{
	rest(2);
}

static int compare(const void *a, const void *b)
{
	rest(1);
	return (int)((const uint8_t *)a - (const uint8_t *)b);
}

static void *in_handler(void *unused)
{
	stack_t alternate = { .ss_sp = malloc(STACK), .ss_size = STACK };
	(void)unused;
	sigaltstack(&alternate, NULL);
	pthread_kill(pthread_self(), SIGUSR1);
	return NULL;
}

static void *in_coroutine(void *unused)
{
	(void)unused;
	getcontext(&other);
	other.uc_stack.ss_sp = coroutine_stack;
	other.uc_stack.ss_size = sizeof(coroutine_stack);
	other.uc_link = &back;
	makecontext(&other, coroutine, 0);
	swapcontext(&back, &other);
	return NULL;
}

static void *in_realigned(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)realigned(3);
}

static void *in_qsort(void *unused)
{
	uint8_t v[4] = { 4, 3, 2, 1 };
	(void)unused;
	qsort(v, 4, 1, compare);
	return NULL;
}

static NOINLINE int with_secrets(void)
{
	uint8_t key[KEY];
	volatile int64_t pin = 0;
	at.on_stack = key;
	pthread_barrier_wait(&given);
	pthread_barrier_wait(&placed);
	pin = pin_in_data;
	memcpy(in_tls, in_bss, KEY);
	for (size_t i = 0; i < KEY; i++)
		in_tls[i] ^= 0x55;
	int r = rest(3);
	USED(key);
	return r + (int)pin;
}

static void *with_secrets_start(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)with_secrets();
}

static void *holding(void *unused)
{
	(void)unused;
	hold(at.registers);
	return NULL;
}

static int cloned(void *unused)
{
	(void)unused;
	return rest(1);
}

static void start(void *(*run)(void *))
{
	pthread_t t;
	if (pthread_create(&t, NULL, run, NULL) != 0)
		_exit(8);
}

static NOINLINE int overflow(int n)
{
	volatile uint8_t room[256];
	room[0] = (uint8_t)n;
	return overflow(n + 1) + room[0];
}

static void place(uint8_t *on_main)
{
	at.heap = malloc(KEY + 8);
	at.registers = malloc(40);
	at.map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	start(with_secrets_start);
	pthread_barrier_wait(&given);
	uint8_t *const places[KEYS] = {
		at.heap, at.on_stack, in_data,     in_tls, (uint8_t *)at.registers,
		on_main, in_bss,      at.map + 100
	};
	for (size_t i = 0; i < KEYS; i++)
		take(places[i], KEY);
	take(&pin_in_data, sizeof(pin_in_data));
	memcpy(at.heap + KEY, &pin_in_data, sizeof(pin_in_data));
	at.registers[4] = (uint64_t)pin_in_data;
	pthread_barrier_wait(&placed);
}

int main(int argc, char **argv)
{
	uint8_t on_main[KEY];
	static uint8_t clone_stack[STACK];
	prctl(PR_SET_DUMPABLE, 1);
	pthread_barrier_init(&given, NULL, 2);
	pthread_barrier_init(&placed, NULL, 2);
	place(on_main);
	signal(SIGUSR1, on_signal);
	sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = on_signal, .sa_flags = SA_ONSTACK },
		  NULL);
	if (argc > 1 && strcmp(argv[1], "overflow") == 0) {
		stack_t alternate = { .ss_sp = malloc(STACK), .ss_size = STACK };
		sigaltstack(&alternate, NULL);
		sigaction(SIGSEGV,
			  &(struct sigaction){ .sa_handler = abort_in_handler,
					       .sa_flags = SA_ONSTACK },
			  NULL);
		return overflow(0) + (nil ? *nil : 0);
	}
	void *(*const all[])(void *) = { in_handler, in_coroutine, in_realigned, in_qsort,
					 holding };
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		start(all[i]);
	clone(cloned, clone_stack + STACK,
	      CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD, NULL);
#ifdef WITH_DLOPEN
	USED(dlopen("libz.so.1", RTLD_NOW));
#endif
	sleep(1);
	(void)!write(STDOUT_FILENO, "ready\n", 6);
	pause();
	USED(on_main);
	return in_data[0];
}
