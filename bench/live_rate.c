/* live_rate [TOKENS] [MS]: look-ups a second in a gate's live set of so many tokens (default: a
 * million), half of them of tokens that are there, and its bytes a token. The tokens of an hour, as
 * an issuer gives them out evenly. By the
 * CPU's time. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/hash.h"
#include "live.h"

enum { TTL_S = 3600, ASKED = 1 << 16, SIZE = LIVE_ID_SIZE };

static uint8_t ids[ASKED][SIZE];
static int64_t exps[ASKED];

static void die(const char *what)
{
	(void)fprintf(stderr, "live_rate: %s\n", what);
	exit(3);
}

/* What other programs do meanwhile does not count. */
static uint64_t cpu_ns(void)
{
	struct timespec t = { 0 };
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t number_of(const char *text, uint64_t otherwise)
{
	uint64_t n = 0;
	if (!text)
		return otherwise;
	if (!str_to_u64(str_from_c(text), UINT64_C(1) << 32, &n))
		die("usage: live_rate [TOKENS] [MS]");
	return n;
}

static int64_t exp_of(uint64_t i, uint64_t tokens)
{
	return 1795400000 + (int64_t)(i * TTL_S / tokens);
}

static void fill(struct live *l, uint64_t tokens)
{
	uint8_t id[SIZE];
	for (uint64_t i = 0; i < tokens; i++) {
		sha256((bytes){ (const uint8_t *)&i, sizeof(i) }, id);
		struct live_print p = live_print_of(l, id, exp_of(i, tokens));
		if (failed(live_add(l, &p)))
			die("no room");
	}
	/* every second one of these is in the set */
	for (uint64_t i = 0; i < ASKED; i++) {
		uint64_t n = i * UINT64_C(0x9e3779b97f4a7c15) % tokens, absent = ~n;
		exps[i] = exp_of(n, tokens);
		n = i % 2 ? absent : n;
		sha256((bytes){ (const uint8_t *)&n, sizeof(n) }, ids[i]);
	}
}

int main(int argc, char **argv)
{
	uint64_t tokens = number_of(argc > 1 ? argv[1] : NULL, 1000000);
	uint64_t budget_ns = number_of(argc > 2 ? argv[2] : NULL, 500) * 1000000;
	struct live *l = NULL;
	uint64_t n = 0, found = 0;
	if (tokens == 0 || failed(live_new(tokens, &l)))
		die("no memory");
	fill(l, tokens);
	uint64_t from = cpu_ns(), now = from;
	for (; now - from < budget_ns; now = cpu_ns())
		for (size_t i = 0; i < ASKED; i++, n++) {
			struct live_print p = live_print_of(l, ids[i], exps[i]);
			found += live_has(l, &p);
		}
	if (found * 2 != n)
		die("wrong answers");
	(void)printf("lookups_per_s %.0f\nns_per_lookup %.1f\nbytes_per_token %.2f\n",
		     (double)n * 1e9 / (double)(now - from), (double)(now - from) / (double)n,
		     (double)live_bytes(l) / (double)tokens);
	live_free(l);
	return 0;
}
