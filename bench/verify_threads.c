/* One verifier and two threads: how many ES256 tokens a second, beside one thread alone and
 * beside two processes, which write to no memory in common: what those reach is all that
 * the machine has to give. In turns; each by the clock and by CPU time, which other
 * programs take nothing of. usage: verify_threads DIR MILLISECONDS ROUNDS
 *
 * Prints a list of rounds: [[by the clock, by CPU time] of one, of two, of two apart] */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "chancery/verify.h"

enum { TWO = 2, FILE_MAX = 65536, LINES = 128 /* bytes that are fetched at once */ };

struct rates {
	double clock, cpu;
};

/* Nothing that one worker writes is in a cache line of the other's. */
struct worker {
	_Alignas(LINES) union ch_scratch scratch;
	pthread_t thread;
	double seconds;
	struct rates rates; /* 0: a token was refused */
};

static struct ch_verifier *verifier;
static char token[FILE_MAX], jwks[FILE_MAX];
static size_t token_n, jwks_n;
static struct worker *workers; /* processes share them too */

static double clock_s(clockid_t clock)
{
	struct timespec t = { 0 };
	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool verify_some(union ch_scratch *scratch, int n)
{
	struct ch_verified good;
	bool bad = false;
	for (int i = 0; i < n; i++)
		bad |= ch_verify(verifier, scratch, (ch_text){ token, token_n }, time(NULL), NULL,
				 &good) != CH_ACCEPTED;
	return !bad;
}

static void measure(struct worker *w)
{
	enum { AT_ONCE = 256 };
	bool good = verify_some(&w->scratch, AT_ONCE);
	double cpu = clock_s(CLOCK_THREAD_CPUTIME_ID);
	double start = clock_s(CLOCK_MONOTONIC), now = start;
	unsigned long n = 0;
	for (; good && now - start < w->seconds; now = clock_s(CLOCK_MONOTONIC), n += AT_ONCE)
		good = verify_some(&w->scratch, AT_ONCE);
	cpu = clock_s(CLOCK_THREAD_CPUTIME_ID) - cpu;
	w->rates = good ? (struct rates){ (double)n / (now - start), (double)n / cpu }
			: (struct rates){ 0 };
}

/* The scratch is made in the thread that uses it: its numbers then lie in that one's heap. */
static void *work(void *arg)
{
	struct worker *w = arg;
	if (ch_failed(ch_scratch_init(&w->scratch)))
		return NULL;
	measure(w);
	ch_scratch_done(&w->scratch);
	return NULL;
}

static struct rates sum(size_t n)
{
	struct rates all = { 0 };
	for (size_t i = 0; i < n; i++) {
		if (workers[i].rates.clock <= 0)
			return (struct rates){ 0 };
		all.clock += workers[i].rates.clock;
		all.cpu += workers[i].rates.cpu;
	}
	return all;
}

static void begin(size_t n, double seconds)
{
	for (size_t i = 0; i < n; i++) {
		workers[i].seconds = seconds;
		workers[i].rates = (struct rates){ 0 };
	}
}

/* Tokens a second of so many threads together; 0: one was refused. */
static struct rates run(size_t threads, double seconds)
{
	size_t started = 0;
	begin(threads, seconds);
	while (started < threads &&
	       pthread_create(&workers[started].thread, NULL, work, &workers[started]) == 0)
		started++;
	for (size_t i = 0; i < started; i++)
		(void)pthread_join(workers[i].thread, NULL);
	return sum(threads);
}

/* The same of two processes. */
static struct rates run_apart(double seconds)
{
	pid_t pids[TWO];
	begin(TWO, seconds);
	for (size_t i = 0; i < TWO; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			(void)work(&workers[i]);
			_exit(0);
		}
	}
	for (size_t i = 0; i < TWO; i++)
		if (pids[i] > 0)
			(void)waitpid(pids[i], NULL, 0);
	return sum(TWO);
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
	workers = mmap(NULL, TWO * sizeof(*workers), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return workers != MAP_FAILED &&
	       !ch_failed(ch_verifier_new(&issuer, 1, NULL, 0, &verifier)) &&
	       !ch_failed(ch_verifier_warm(verifier));
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
		double seconds = (double)ms / 1e3;
		struct rates one = run(1, seconds), two = run(TWO, seconds);
		struct rates apart = run_apart(seconds);
		(void)printf("%s[[%.0f, %.0f], [%.0f, %.0f], [%.0f, %.0f]]", i ? ", " : "",
			     one.clock, one.cpu, two.clock, two.cpu, apart.clock, apart.cpu);
	}
	(void)printf("]\n");
	return 0;
}
