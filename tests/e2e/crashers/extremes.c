/* Crashes with memory that is unlike other programs'. `extremes reserved TB` has so many terabytes to write
 * to, `extremes shut TB` had, and shut them again (MariaDB's buffer pool), with a page in use here
 * and there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char *reserve(size_t n)
{
	char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);
	if (p == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	madvise(p, n, MADV_NOHUGEPAGE);
	return p;
}

static void reserved(long tb, int protection)
{
	size_t n = (size_t)tb << 40;
	char *p = reserve(n);
	strcpy(p, "first page");
	strcpy(p + n / 2, "page amid");
	strcpy(p + n - 4096, "last page");
	mprotect(p, n, protection);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	if (strcmp(argv[1], "reserved") == 0)
		reserved(atol(argv[2]), PROT_READ | PROT_WRITE);
	else if (strcmp(argv[1], "shut") == 0)
		reserved(atol(argv[2]), PROT_NONE);
	else
		return 2;
	abort();
}
