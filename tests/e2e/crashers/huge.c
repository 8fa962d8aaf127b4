/* Crashes with a hostile shape: `huge mappings N` with so many mappings, none of which the kernel can
 * join to its neighbour, `huge threads N` with so many threads. Some bytes stand in each tenth. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096

static void mappings(long n)
{
	for (long i = 0; i < n; i++) {
		char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			       0);
		if (p == MAP_FAILED) {
			perror("mmap");
			exit(2);
		}
		if (i % 10 == 0)
			memset(p, 'a' + i % 26, 100);
		if (i % 2)
			mprotect(p, PAGE, PROT_READ);
	}
}

static void *idle(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return NULL;
}

static void threads(long n)
{
	pthread_attr_t a;
	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 16 * 1024);
	for (long i = 0; i < n; i++) {
		pthread_t t;
		if (pthread_create(&t, &a, idle, NULL) != 0) {
			perror("pthread_create");
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	if (strcmp(argv[1], "mappings") == 0)
		mappings(atol(argv[2]));
	else
		threads(atol(argv[2]));
	abort();
}
