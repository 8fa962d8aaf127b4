/* One verifier and two threads: how many ES256 tokens a second by the clock, beside one
 * thread alone, in turns. usage: verify_threads DIR MILLISECONDS ROUNDS */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "chancery/verify.h"

enum { THREADS_MAX = 2, FILE_MAX = 65536 };

struct worker {
	union ch_scratch scratch;
	pthread_t thread;
	double seconds;
	double rate;
	bool bad;
};

static struct ch_verifier *verifier;
static char token[FILE_MAX], jwks[FILE_MAX];
static size_t token_n, jwks_n;
static struct worker workers[THREADS_MAX];

static double clock_s(void)
{
	struct timespec t = { 0 };
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct ch_verified good;
	double start = clock_s(), now = start;
	unsigned long n = 0;
	for (; now - start < w->seconds && !w->bad; now = clock_s())
		for (int i = 0; i < 256; i++, n++)
			w->bad |= ch_verify(verifier, &w->scratch, (ch_text){ token, token_n },
					    time(NULL), NULL, &good) != CH_ACCEPTED;
	w->rate = (double)n / (now - start);
	return NULL;
}

/* Tokens a second of so many threads together; 0: one was refused. */
static double run(size_t threads, double seconds)
{
	double sum = 0;
	bool bad = false;
	for (size_t i = 0; i < threads; i++) {
		workers[i].seconds = seconds;
		bad |= pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0;
	}
	for (size_t i = 0; i < threads && !bad; i++) {
		(void)pthread_join(workers[i].thread, NULL);
		bad |= workers[i].bad;
		sum += workers[i].rate;
	}
	return bad ? 0 : sum;
}

static size_t read_file(const char *dir, const char *name, char *text)
{
	char path[512];
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(text, 1, FILE_MAX, f) : 0;
	if (f)
		(void)fclose(f);
	while (n > 0 && text[n - 1] == '\n')
		n--;
	return n;
}

static bool prepare(const char *dir)
{
	const char *audiences[] = { "https://graph.mail.example" };
	struct ch_issuer issuer = CH_ISSUER_INIT;
	token_n = read_file(dir, "ES256.tok", token);
	jwks_n = read_file(dir, "ES256.jwks", jwks);
	issuer.issuer = "https://login.contoso-enterprise.example/0f3a/v2.0";
	issuer.realm = "enterprise";
	issuer.audiences = audiences;
	issuer.n_audiences = 1;
	issuer.jwks = jwks;
	issuer.jwks_size = jwks_n;
	if (ch_failed(ch_verifier_new(&issuer, 1, NULL, 0, &verifier)) ||
	    ch_failed(ch_verifier_warm(verifier)))
		return false;
	for (size_t i = 0; i < THREADS_MAX; i++)
		if (ch_failed(ch_scratch_init(&workers[i].scratch)))
			return false;
	return true;
}

int main(int argc, char **argv)
{
	unsigned long ms = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
	unsigned long rounds = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	if (ms == 0 || rounds == 0) {
		(void)fprintf(stderr, "usage: %s DIR MILLISECONDS ROUNDS\n", argv[0]);
		return 2;
	}
	if (!prepare(argv[1])) {
		(void)fprintf(stderr, "verify_threads: no token and key set in %s\n", argv[1]);
		return 3;
	}
	(void)printf("[");
	for (unsigned long i = 0; i < rounds; i++) {
		double one = run(1, (double)ms / 1e3);
		(void)printf("%s[%.0f, %.0f]", i ? ", " : "", one, run(2, (double)ms / 1e3));
	}
	(void)printf("]\n");
	return 0;
}
