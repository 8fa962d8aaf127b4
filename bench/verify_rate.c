/* Our row of `bench/run verify`: libchancery as an application calls it, warm, cold and
 * through its cache. Answers the questions of peers/rate.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chancery/cache.h"
#include "chancery/verify.h"
#include "peers/rate.h"

enum { CACHED_TOKENS = 64 };

static struct ch_verifier *warm, *cold;
static union ch_scratch scratch, caching;
static char *token;
static size_t token_n;

static void must(ch_err e, const char *what)
{
	if (!ch_failed(e))
		return;
	(void)fprintf(stderr, "verify_rate: %s: %s\n", what, e.site->what);
	exit(3);
}

static struct ch_verifier *verifier_of(const char *jwks, size_t n)
{
	const char *audiences[] = { rate_audience };
	struct ch_issuer issuer = CH_ISSUER_INIT;
	struct ch_verifier *v = NULL;
	issuer.issuer = rate_issuer;
	issuer.realm = "enterprise";
	issuer.audiences = audiences;
	issuer.n_audiences = 1;
	issuer.jwks = jwks;
	issuer.jwks_size = n;
	must(ch_verifier_new(&issuer, 1, NULL, 0, &v), "no verifier");
	return v;
}

static void start(void)
{
	static bool started;
	if (started)
		return;
	started = true;
	size_t n = ch_cache_size(CACHED_TOKENS, 1024);
	must(ch_scratch_init(&scratch), "no scratch");
	must(ch_scratch_init(&caching), "no scratch");
	must(ch_cache_use(&caching, aligned_alloc(64, n), n, CACHED_TOKENS, 1024), "no cache");
}

bool rate_load(const char *dir, const char *alg)
{
	size_t n = 0;
	start();
	ch_verifier_unref(warm);
	ch_verifier_unref(cold);
	free(token);
	token = rate_file(dir, alg, ".tok", &token_n);
	char *jwks = rate_file(dir, alg, ".jwks", &n);
	warm = verifier_of(jwks, n);
	cold = verifier_of(jwks, n);
	free(jwks);
	must(ch_verifier_warm(warm), "no table");
	return true;
}

static bool by(const struct ch_verifier *v, union ch_scratch *with)
{
	struct ch_verified good;
	return ch_verify(v, with, (ch_text){ token, token_n }, time(NULL), NULL, &good) ==
	       CH_ACCEPTED;
}

static bool verify(void)
{
	return by(warm, &scratch);
}

static bool verify_cold(void)
{
	return by(cold, &scratch);
}

static bool verify_cached(void)
{
	return by(warm, &caching);
}

/* As long as the token, but without a dot: true when it is refused, as it should be. */
static bool refuse_junk(void)
{
	static char junk[1024];
	struct ch_verified good;
	if (!junk[0])
		memset(junk, 'x', sizeof(junk));
	return ch_verify(warm, &scratch, (ch_text){ junk, token_n }, 0, NULL, &good) ==
	       CH_MALFORMED;
}

rate_way *rate_of(const char *what)
{
	static const struct {
		const char *name;
		rate_way *way;
	} ways[] = { { "verify", verify },
		     { "cold", verify_cold },
		     { "cached", verify_cached },
		     { "junk", refuse_junk } };
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(ways[i].name, what) == 0)
			return ways[i].way;
	return NULL;
}
