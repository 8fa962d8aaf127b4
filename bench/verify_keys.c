/* Signatures verified by each algorithm, beside libcrypto's own way in the same process,
 * in turns; and by two threads beside one. Prints one JSON object: the best rates a CPU
 * second of all rounds, then ratios: "cpu" by the CPU time of the threads, which a busy
 * neighbour changes on both sides alike, the median of the rounds; "wall" by the clock. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "crypto/key.h"
#include "raw_verify.h"

enum {
	ROUNDS_MAX = 31,
	SLICE = 16,
	NS = 1000000000,
	TEXT_BYTES = 552, /* as long as what a token signs */
	THREADS_MAX = 2
};

enum way { WAY_LIMIT, WAY_STOCK, WAY_WARM, WAY_COUNT };

struct rate {
	double wall, cpu; /* a second */
};

struct row {
	enum alg alg;
	struct public_key *key;
	struct raw_key *raw;
	uint8_t sig[SIGNATURE_MAX];
	size_t n;
	struct rate one[WAY_COUNT][ROUNDS_MAX], two[ROUNDS_MAX];
};

static struct {
	struct row rows[ALG_COUNT];
	struct signed_text text;
	double warm_ms;
} bench;

/* One thread's share of a measurement. */
struct share {
	const struct row *row;
	struct key_work *work;
	enum way way;
	uint64_t end_ns;
	double per_cpu_s;
	size_t n;
	bool wrong;
};

static uint64_t thread_cpu_ns(void)
{
	struct timespec t = { 0, 0 };
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

static bool once(const struct share *s)
{
	if (s->way == WAY_LIMIT)
		return raw_verify(s->row->raw);
	return !failed(public_key_verify(s->row->key, s->way == WAY_WARM ? s->work : NULL,
					 bench.text, (bytes){ s->row->sig, s->row->n }));
}

static void *verify_until_the_end(void *arg)
{
	struct share *s = arg;
	uint64_t from = thread_cpu_ns();
	do {
		for (size_t i = 0; i < SLICE; i++)
			s->wrong |= !once(s);
		s->n += SLICE;
	} while (clock_mono_ns() < s->end_ns);
	s->per_cpu_s = (double)s->n * NS / (double)(thread_cpu_ns() - from);
	return NULL;
}

static ch_err measure(const struct row *row, enum way way, size_t threads, unsigned ms,
		      struct rate *ret_r)
{
	struct share shares[THREADS_MAX] = { 0 };
	pthread_t ids[THREADS_MAX];
	uint64_t from = clock_mono_ns();
	*ret_r = (struct rate){ 0, 0 };
	for (size_t i = 0; i < threads; i++) {
		shares[i] = (struct share){ .row = row,
					    .way = way,
					    .end_ns = from + (uint64_t)ms * (NS / 1000) };
		TRY(key_work_new(&shares[i].work));
		if (pthread_create(&ids[i], NULL, verify_until_the_end, &shares[i]) != 0)
			return ch_fail(CH_E_IO, "cannot start a thread", i);
	}
	for (size_t i = 0; i < threads; i++) {
		(void)pthread_join(ids[i], NULL);
		key_work_free(shares[i].work);
		if (shares[i].wrong)
			return ch_fail(CH_E_MISMATCH, "a right signature did not verify", way);
		ret_r->cpu += shares[i].per_cpu_s;
		ret_r->wall += (double)shares[i].n * NS / (double)(clock_mono_ns() - from);
	}
	return CH_DONE;
}

static ch_err make(enum alg a, struct row *row)
{
	struct private_key *k = NULL;
	struct key_parts parts;
	row->alg = a;
	TRY(private_key_generate(a, &k));
	TRY(private_key_public(k, &parts));
	TRY(private_key_sign(k, bench.text.text, row->sig, &row->n));
	TRY(public_key_new(&parts, &row->key));
	TRY(raw_key_new(&parts, &row->raw));
	return raw_key_expect(row->raw, bench.text, (bytes){ row->sig, row->n });
}

/* Without a table, work changes nothing: what is measured as stock is so for each. */
static ch_err one_round(struct row *row, unsigned ms, size_t k)
{
	for (unsigned way = 0; way < WAY_COUNT; way++)
		TRY(measure(row, (enum way)way, 1, ms, &row->one[way][k]));
	return measure(row, WAY_WARM, THREADS_MAX, ms, &row->two[k]);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double best(const struct rate *r, size_t n, bool wall)
{
	double most = 0;
	for (size_t i = 0; i < n; i++) {
		double v = wall ? r[i].wall : r[i].cpu;
		most = v > most ? v : most;
	}
	return most;
}

/* The clock is only fair to what had the cores to itself: so the best against the best. */
static void print_ratio(const char *name, const struct rate *r, const struct rate *to, size_t n)
{
	double cpu[ROUNDS_MAX];
	for (size_t i = 0; i < n; i++)
		cpu[i] = r[i].cpu / to[i].cpu;
	qsort(cpu, n, sizeof(*cpu), by_size);
	(void)printf(",\"%s\":{\"cpu\":%.3f,\"wall\":%.3f}", name, cpu[n / 2],
		     best(r, n, true) / best(to, n, true));
}

static void print_row(const struct row *r, size_t n)
{
	str name = alg_name(r->alg);
	(void)printf("\"%.*s\":{\"libcrypto\":%.0f,\"stock\":%.0f,\"warm\":%.0f", (int)name.n,
		     name.p, best(r->one[WAY_LIMIT], n, false), best(r->one[WAY_STOCK], n, false),
		     best(r->one[WAY_WARM], n, false));
	print_ratio("stock_ratio", r->one[WAY_STOCK], r->one[WAY_LIMIT], n);
	print_ratio("warm_ratio", r->one[WAY_WARM], r->one[WAY_LIMIT], n);
	print_ratio("two_threads", r->two, r->one[WAY_WARM], n);
	(void)printf("},");
}

static ch_err run(unsigned ms, size_t n)
{
	static uint8_t text[TEXT_BYTES];
	bench.text = signed_text_of(BYTES_OF(text));
	TRY(crypto_init(NULL));
	for (unsigned a = 0; a < ALG_COUNT; a++)
		TRY(make((enum alg)a, &bench.rows[a]));
	uint64_t from = clock_mono_ns();
	TRY(public_key_warm(bench.rows[ALG_ES256].key));
	bench.warm_ms = (double)(clock_mono_ns() - from) / 1e6;
	for (size_t k = 0; k < n; k++)
		for (unsigned a = 0; a < ALG_COUNT; a++)
			TRY(one_round(&bench.rows[a], ms, k));
	(void)printf("{");
	for (unsigned a = 0; a < ALG_COUNT; a++)
		print_row(&bench.rows[a], n);
	(void)printf("\"warm_ms\":%.1f}\n", bench.warm_ms);
	return CH_DONE;
}

int main(int argc, char **argv)
{
	uint64_t ms = 0, n = 0;
	if (argc != 3 || !str_to_u64(str_from_c(argv[1]), 60000, &ms) ||
	    !str_to_u64(str_from_c(argv[2]), ROUNDS_MAX, &n) || n == 0) {
		(void)fputs("usage: verify_keys MILLISECONDS ROUNDS\n", stderr);
		return 2;
	}
	ch_err e = run((unsigned)ms, (size_t)n);
	if (failed(e)) {
		(void)fprintf(stderr, "verify_keys: %s (%s:%u, %llu)\n", e.site->what, e.site->file,
			      e.site->line, (unsigned long long)e.detail);
		return 3;
	}
	return 0;
}
