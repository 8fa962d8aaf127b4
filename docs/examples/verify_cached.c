/* Tokens come again and again: a cache answers for those that were found good before. Reads
 * tokens from standard input, one a line, and judges all of them twice.
 *
 *   verify_cached ISSUER JWKS-FILE AUDIENCE < tokens
 *
 *   cc verify_cached.c $(pkg-config --cflags --libs chancery) */
#include <chancery/chancery.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CACHED 1024     /* tokens that this thread remembers */
#define TOKEN_SIZE 2048 /* of the longest that is remembered */
#define TOKENS 64

static char jwks[64 * 1024], tokens[TOKENS][8 * 1024 + 2];
static union ch_scratch scratch;

static struct ch_verifier *verifier_load(const char *name, const char *path, const char *audience)
{
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

/* Revocation is asked of cached tokens, too. */
static bool is_revoked(void *ctx, const struct ch_verified *v)
{
	const char *id = (const char *)ctx;
	return ch_text_is(v->jti, id);
}

int main(int argc, char **argv)
{
	static char id[] = "revoked-token";
	struct ch_options options = CH_OPTIONS_INIT;
	struct ch_verifier *verifier;
	struct ch_verified v;
	struct ch_counts counts;
	size_t i, round, n = 0, good = 0, size = ch_cache_size(CACHED, TOKEN_SIZE);
	void *storage;

	if (argc != 4) {
		fprintf(stderr, "usage: verify_cached ISSUER JWKS-FILE AUDIENCE < tokens\n");
		return 2;
	}
	verifier = verifier_load(argv[1], argv[2], argv[3]);
	storage = malloc(size);
	if (!verifier || !storage || ch_failed(ch_scratch_init(&scratch)) ||
	    ch_failed(ch_cache_use(&scratch, storage, size, CACHED, TOKEN_SIZE))) {
		fprintf(stderr, "cannot start\n");
		return 3;
	}
	while (n < TOKENS && fgets(tokens[n], sizeof(tokens[0]), stdin)) {
		tokens[n][strcspn(tokens[n], "\n")] = 0;
		n++;
	}

	options.revoked = is_revoked;
	options.revoked_ctx = id;
	for (round = 0; round < 2; round++)
		for (i = 0; i < n; i++)
			if (ch_verify(verifier, &scratch, ch_text_of(tokens[i]),
				      (int64_t)time(NULL), &options, &v) == CH_ACCEPTED)
				good++;
	counts = ch_cache_counts(&scratch);
	printf("%lu of %lu were good, %lu out of the cache\n", (unsigned long)good,
	       2 * (unsigned long)n, (unsigned long)counts.hits);

	ch_scratch_done(&scratch);
	ch_verifier_unref(verifier);
	free(storage);
	return good == 2 * n ? 0 : 1;
}
