/* One verifier, several threads, each with a scratch of its own. Judges every line of
 * standard input as a token and prints how many were good.
 *
 *   verify_threads ISSUER JWKS-FILE AUDIENCE < tokens
 *
 *   cc verify_threads.c $(pkg-config --cflags --libs chancery) -pthread */
#include <chancery/chancery.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS 4
#define TOKENS 64

static char tokens[TOKENS][8 * 1024 + 2];
static size_t n_tokens;

struct worker {
	const struct ch_verifier *verifier;
	size_t first; /* takes every fourth token from here */
	size_t good;
	int started;
	pthread_t thread;
};

static void *work(void *arg)
{
	struct worker *w = (struct worker *)arg;
	union ch_scratch *scratch = (union ch_scratch *)malloc(sizeof(*scratch));
	struct ch_verified v;
	size_t i;

	if (!scratch || ch_failed(ch_scratch_init(scratch))) {
		free(scratch);
		return NULL;
	}
	for (i = w->first; i < n_tokens; i += THREADS)
		if (ch_verify(w->verifier, scratch, ch_text_of(tokens[i]), (int64_t)time(NULL),
			      NULL, &v) == CH_ACCEPTED)
			w->good++;
	ch_scratch_done(scratch);
	free(scratch);
	return NULL;
}

static struct ch_verifier *verifier_load(const char *name, const char *path, const char *audience)
{
	static char jwks[64 * 1024];
	struct ch_issuer issuer = CH_ISSUER_INIT;
	struct ch_verifier *verifier = NULL;
	char why[256];
	FILE *file = fopen(path, "r");

	issuer.issuer = name;
	issuer.realm = "example";
	issuer.audiences = &audience;
	issuer.n_audiences = 1;
	issuer.jwks = jwks;
	issuer.jwks_size = file ? fread(jwks, 1, sizeof(jwks), file) : 0;
	if (file)
		fclose(file);
	if (ch_failed(ch_verifier_new(&issuer, 1, why, sizeof(why), &verifier)))
		fprintf(stderr, "%s: %s\n", path, why);
	return verifier;
}

int main(int argc, char **argv)
{
	struct worker workers[THREADS];
	struct ch_verifier *verifier;
	size_t i, good = 0;

	if (argc != 4) {
		fprintf(stderr, "usage: verify_threads ISSUER JWKS-FILE AUDIENCE < tokens\n");
		return 2;
	}
	verifier = verifier_load(argv[1], argv[2], argv[3]);
	if (!verifier)
		return 3;
	while (n_tokens < TOKENS && fgets(tokens[n_tokens], sizeof(tokens[0]), stdin)) {
		tokens[n_tokens][strcspn(tokens[n_tokens], "\n")] = 0;
		n_tokens++;
	}

	memset(workers, 0, sizeof(workers));
	for (i = 0; i < THREADS; i++) {
		workers[i].verifier = verifier;
		workers[i].first = i;
		workers[i].started = pthread_create(&workers[i].thread, NULL, work, &workers[i]) ==
				     0;
	}
	/* faster from now on, for threads that are at work already, too */
	if (ch_failed(ch_verifier_warm(verifier)))
		fprintf(stderr, "without tables, and slower\n");
	for (i = 0; i < THREADS; i++) {
		if (workers[i].started)
			pthread_join(workers[i].thread, NULL);
		good += workers[i].good;
	}
	printf("%zu of %zu are good\n", good, n_tokens);
	ch_verifier_unref(verifier);
	return good == n_tokens ? 0 : 1;
}
