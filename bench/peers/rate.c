/* The measuring half of a peer: CPU time of this thread over a stated while, and how often
 * malloc is called for one token, the libraries' calls included. */
#include "rate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char rate_issuer[] = "https://login.contoso-enterprise.example/0f3a/v2.0";
const char rate_audience[] = "https://graph.mail.example";

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

/* also where a build hides its symbols: libraries must call these */
#define SEEN_BY_ALL __attribute__((visibility("default")))

static unsigned long allocations;

SEEN_BY_ALL void *malloc(size_t n)
{
	allocations++;
	return __libc_malloc(n);
}

SEEN_BY_ALL void *calloc(size_t n, size_t size)
{
	allocations++;
	return __libc_calloc(n, size);
}

SEEN_BY_ALL void *realloc(void *p, size_t n)
{
	allocations++;
	return __libc_realloc(p, n);
}

static double cpu_s(void)
{
	struct timespec t = { 0 };
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

char *rate_file(const char *dir, const char *alg, const char *suffix, size_t *ret_n)
{
	char path[512];
	(void)snprintf(path, sizeof(path), "%s/%s%s", dir, alg, suffix);
	FILE *f = fopen(path, "re");
	char *text = calloc(1, 65536);
	if (!f || !text) {
		(void)fprintf(stderr, "cannot read %s\n", path);
		exit(3);
	}
	size_t n = fread(text, 1, 65535, f);
	(void)fclose(f);
	while (n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
	if (ret_n)
		*ret_n = n;
	return text;
}

static void measure(bool (*one)(void), double seconds)
{
	unsigned long n = 0, mallocs = 0;
	bool good = one();
	if (good) {
		unsigned long before = allocations;
		good = one();
		mallocs = allocations - before;
	}
	double start = cpu_s(), now = start, last = start;
	for (unsigned long step = 1; good && now - start < seconds; last = now) {
		for (unsigned long i = 0; i < step && good; i++, n++)
			good = one();
		now = cpu_s();
		if (now - last < seconds / 50) /* looking at the clock must cost nothing */
			step *= 2;
	}
	if (good)
		(void)printf("{\"per_s\": %.1f, \"mallocs\": %lu}\n", (double)n / (now - start),
			     mallocs);
	else
		(void)printf("{\"left_out\": \"it does not take the token\"}\n");
}

static void answer(const char *dir, const char *alg, const char *what, unsigned long ms)
{
	rate_way *way = rate_of(what);
	if (!way)
		(void)printf("{\"left_out\": \"it has no way to do this\"}\n");
	else if (!rate_load(dir, alg))
		(void)printf("{\"left_out\": \"no %s\"}\n", alg);
	else
		measure(way, (double)ms / 1e3);
	(void)fflush(stdout);
}

int main(int argc, char **argv)
{
	char line[128];
	if (argc != 2) {
		(void)fprintf(stderr, "usage: %s DIR < questions\n", argv[0]);
		return 2;
	}
	while (fgets(line, sizeof(line), stdin)) {
		char *rest = NULL;
		const char *alg = strtok_r(line, " ", &rest), *what = strtok_r(NULL, " ", &rest);
		unsigned long ms = what ? strtoul(rest, NULL, 10) : 0;
		if (ms == 0) {
			(void)fprintf(stderr, "a question is ALG WAY MILLISECONDS\n");
			return 2;
		}
		answer(argv[1], alg, what, ms);
	}
	return 0;
}
