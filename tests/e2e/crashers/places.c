/* A process with secrets where a dump may forget to look: of each place 64 random bytes, then a
 * token of 400 characters, come through standard input, are put there, and are nowhere else.
 * argv[1]: a folder for its files. Says "ready" and waits. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { KEY = 64, TOKEN = 400, ONE = KEY + TOKEN, PAGE = 4096, ROOM = 6 * PAGE, HUGE = 8 << 20 };
enum { RW = PROT_READ | PROT_WRITE };

static const char *folder;

static uint8_t *map(size_t n, int flags, int fd)
{
	void *p = mmap(NULL, n, RW, flags, fd, 0);
	if (p == MAP_FAILED)
		_exit(8);
	return p;
}

static int file(const char *name)
{
	char path[500];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	if (ftruncate(fd, ROOM))
		_exit(8);
	return fd;
}

static uint8_t *anonymous(void)
{
	return map(ROOM, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static void put(uint8_t *p, const uint8_t *one)
{
	memcpy(p + 100, one, KEY);
	memcpy(p + 300, one + KEY, TOKEN);
}

/* Half of each in one mapping, half in the next. */
static uint8_t *over_a_border(const uint8_t *one)
{
	uint8_t *p = anonymous();
	memcpy(p + 2 * PAGE - KEY / 2, one, KEY);
	memcpy(p + 4 * PAGE - TOKEN / 2, one + KEY, TOKEN);
	return p + 2 * PAGE;
}

static void border_of_constants(const uint8_t *one)
{
	mprotect(over_a_border(one), 2 * PAGE, PROT_READ);
}

static void border_of_nothing(const uint8_t *one)
{
	mprotect(over_a_border(one), 2 * PAGE, PROT_NONE);
}

static void border_of_code(const uint8_t *one)
{
	mprotect(over_a_border(one), 2 * PAGE, RW | PROT_EXEC);
}

static void border_of_locked(const uint8_t *one)
{
	if (mlock(over_a_border(one), 2 * PAGE))
		_exit(8);
}

static void out_of_reach(const uint8_t *one)
{
	uint8_t *p = anonymous();
	put(p, one);
	mprotect(p, ROOM, PROT_NONE);
}

static void made_code(const uint8_t *one)
{
	uint8_t *p = anonymous();
	put(p, one);
	mprotect(p, ROOM, PROT_READ | PROT_EXEC);
}

static void shared(const uint8_t *one)
{
	put(map(ROOM, MAP_SHARED | MAP_ANONYMOUS, -1), one);
}

/* Another process may write what this one only sees. */
static void shared_to_be_read(const uint8_t *one)
{
	int fd = (int)syscall(SYS_memfd_create, "x", 0);
	if (ftruncate(fd, ROOM))
		_exit(8);
	uint8_t *p = map(ROOM, MAP_SHARED, fd);
	put(p, one);
	mprotect(p, ROOM, PROT_READ);
}

static void system_v(const uint8_t *one)
{
	int id = shmget(IPC_PRIVATE, ROOM, IPC_CREAT | 0600);
	put(shmat(id, NULL, 0), one);
	shmctl(id, IPC_RMID, NULL);
}

static void page_of_a_file(const uint8_t *one)
{
	put(map(ROOM, MAP_PRIVATE, file("private")), one);
}

static void constant_of_a_file(const uint8_t *one)
{
	uint8_t *p = map(ROOM, MAP_PRIVATE, file("constant"));
	put(p, one);
	mprotect(p, ROOM, PROT_READ);
}

static void huge_page(const uint8_t *one)
{
	uint8_t *p = map(HUGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	madvise(p, HUGE, MADV_HUGEPAGE);
	put(p + HUGE / 2 - 128, one);
}

static void page_of_the_kernel(const uint8_t *one)
{
	uint8_t *p = (uint8_t *)getauxval(AT_SYSINFO_EHDR);
	if (mprotect(p, 2 * PAGE, RW | PROT_EXEC))
		_exit(8);
	put(p + PAGE, one);
	mprotect(p, 2 * PAGE, PROT_READ | PROT_EXEC);
}

static __attribute__((noinline)) void stack_that_was(const uint8_t *one)
{
	uint8_t room[20000];
	put(room, one);
	__asm__ volatile("" ::"r"(room) : "memory");
}

static void stack_of_signals(const uint8_t *one)
{
	uint8_t *p = anonymous();
	sigaltstack(&(stack_t){ .ss_sp = p, .ss_size = ROOM }, NULL);
	put(p + ROOM - 1000, one);
}

static pthread_barrier_t loaded;

static void *holds(void *arg)
{
	const uint8_t *k = arg;
	uint64_t w[4];
	memcpy(w, k, sizeof(w));
	pthread_barrier_wait(&loaded);
	__asm__ volatile("mov %0, %%rbx\n mov %1, %%r12\n mov %2, %%r13\n mov %3, %%r14\n"
			 "movdqu (%4), %%xmm0\n movdqu 16(%4), %%xmm1\n movdqu 32(%4), %%xmm15\n"
			 "movdqu 48(%4), %%xmm7\n"
			 "1: movb $0, (%4)\n mov $34, %%eax\n syscall\n jmp 1b\n" ::"r"(w[0]),
			 "r"(w[1]), "r"(w[2]), "r"(w[3]), "r"(k)
			 : "rbx", "r12", "r13", "r14", "xmm0", "xmm1", "xmm7", "xmm15", "memory");
	return NULL;
}

static void registers_of_a_thread(const uint8_t *one)
{
	static uint8_t key[KEY];
	pthread_t t;
	memcpy(key, one, KEY);
	pthread_barrier_init(&loaded, NULL, 2);
	pthread_create(&t, NULL, holds, key);
	pthread_barrier_wait(&loaded);
	while (*(volatile uint8_t *)key) /* its last act before it waits */
		usleep(1000);
	memset(key, 0, KEY);
}

static void words_turned(const uint8_t *one)
{
	uint64_t *to = calloc(1, KEY), word;
	for (int i = 0; i < KEY / 8; i++) {
		memcpy(&word, one + 8 * i, 8);
		to[i] = __builtin_bswap64(word);
	}
}

static void wide(const uint8_t *one)
{
	uint16_t *to = calloc(TOKEN + 1, sizeof(*to));
	for (int i = 0; i < TOKEN; i++)
		to[i] = one[KEY + i];
}

static void (*const places[])(const uint8_t *one) = {
	border_of_constants,
	border_of_nothing,
	border_of_code,
	border_of_locked,
	out_of_reach,
	made_code,
	shared,
	shared_to_be_read,
	system_v,
	page_of_a_file,
	constant_of_a_file,
	huge_page,
	page_of_the_kernel,
	stack_that_was,
	stack_of_signals,
	registers_of_a_thread,
	words_turned,
	wide,
};

int main(int argc, char **argv)
{
	enum { COUNT = sizeof(places) / sizeof(places[0]) };
	if (argc < 2)
		return 9;
	folder = argv[1];
	/* unmapped when all is placed, so that nothing of it stays */
	uint8_t *given = map(COUNT * ONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	for (size_t at = 0; at < COUNT * ONE;) {
		ssize_t n = read(STDIN_FILENO, given + at, COUNT * ONE - at);
		if (n <= 0)
			return 9;
		at += (size_t)n;
	}
	for (size_t i = 0; i < COUNT; i++)
		places[i](given + i * ONE);
	munmap(given, COUNT * ONE);
	if (write(STDOUT_FILENO, "ready\n", 6) < 0)
		return 9;
	for (;;)
		pause();
}
