/* Tokens through the real signer beside what libcrypto alone signs, in turns on the same
 * core. Prints one JSON object. The ratio that counts is by CPU time of the process that
 * signs, so that a busy neighbour changes both sides alike; wall rates stand beside it. */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rw.h"
#include "raw.h"
#include "roles.h"
#include "wire/sign.h"

enum {
	IN_FLIGHT = 2,
	SIZES = 3,
	ROUNDS_MAX = 31,
	ANSWER_MS = 10000,
	RAW_SLICE = 64,
	NS = 1000000000,
	TRIAL_MS = 300,
	WARM_MS = 300,
	INPUT_BYTES = 340
};

static const size_t sizes[SIZES] = { 1, 8, 32 };

struct rate {
	double per_wall_s, per_cpu_s;
};

static struct {
	struct roles roles;
	int signing_cpu, asking_cpu; /* -1: there is only one */
	uint8_t input[SIGN_TOKEN_MAX];
	size_t input_n;
	enum raw_way way;
} bench;

static void choose_cpus(void)
{
	cpu_set_t set;
	bench.signing_cpu = bench.asking_cpu = -1;
	if (sched_getaffinity(0, sizeof(set), &set) != 0 || CPU_COUNT(&set) < 2)
		return;
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &set))
			continue;
		bench.asking_cpu = bench.signing_cpu;
		bench.signing_cpu = i;
	}
}

static void pin(pid_t pid, int cpu)
{
	cpu_set_t set;
	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(pid, sizeof(set), &set) != 0)
		(void)fprintf(stderr, "sign_through: cannot pin process %d\n", (int)pid);
}

static uint64_t own_cpu_ns(void)
{
	struct timespec t = { 0, 0 };
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

/* The first number of /proc/PID/schedstat: nanoseconds on a CPU. */
static ch_err cpu_ns_of(pid_t pid, uint64_t *ret_ns)
{
	char path[64];
	uint8_t text[128];
	size_t n = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
	TRY(file_read(AT_FDCWD, path, text, sizeof(text), &n));
	str left = { (const char *)text, n };
	if (!str_to_u64(str_cut(&left, ' '), UINT64_MAX, ret_ns))
		return ch_fail(CH_E_SYNTAX, "the kernel does not count CPU time here", n);
	return CH_DONE;
}

/* What an issuer asks for at the client_credentials grant. */
static ch_err batch_write(struct wr *w, size_t n)
{
	struct sign_request q = { .typ = TYP_ACCESS, .alg = SIGN_ALG_ANY, .ttl_s = 600 };
	sign_add_text(&q, CLAIM_SUB, LIT("bench"));
	sign_add_text(&q, CLAIM_AUD, LIT("mail"));
	sign_add_text(&q, CLAIM_CLIENT_ID, LIT("bench"));
	sign_add_text(&q, CLAIM_SCOPE, LIT("mail.read"));
	sign_add_text(&q, CLAIM_USERNAME, LIT("alice@home.test"));
	sign_batch_begin(w, SIGN_REQUESTS);
	for (size_t i = 0; i < n; i++) {
		q.req = (uint32_t)i;
		if (!sign_batch_add_request(w, &q))
			return ch_fail(CH_E_FULL, "a batch does not fit a message", i);
	}
	return CH_DONE;
}

static ch_err answers_take(size_t *ret_n)
{
	static uint8_t room[MESSAGE_MAX];
	bytes message = { 0 };
	struct rd r = { 0 };
	struct sign_answer a = { 0 };
	TRY(channel_wait(bench.roles.realm, POLLIN, ANSWER_MS));
	TRY(channel_recv(bench.roles.realm, room, sizeof(room), &message, NULL));
	TRY(sign_batch_open(message, SIGN_ANSWERS, &r, ret_n));
	for (size_t i = 0; i < *ret_n; i++) {
		TRY(sign_read_answer(&r, &a));
		if (a.code != CH_OK)
			return ch_err_from_wire(a.code, 0);
	}
	bench.input_n = 0;
	for (size_t i = 0; i < a.token.n; i++)
		if (a.token.p[i] == '.')
			bench.input_n = i;
	mem_copy(bench.input, a.token.p, bench.input_n);
	return CH_DONE;
}

/* Two batches of this size in flight until the time is over; then the rest comes in. */
static ch_err drive(size_t size, unsigned ms, size_t *ret_n)
{
	static uint8_t room[MESSAGE_MAX];
	struct wr w = wr_of(room, sizeof(room));
	uint64_t end_ns = clock_mono_ns() + (uint64_t)ms * (NS / 1000);
	size_t waiting = 0, done = 0, n = 0;
	TRY(batch_write(&w, size));
	do {
		bool more = clock_mono_ns() < end_ns;
		while (more && waiting + size <= IN_FLIGHT * size) {
			TRY(channel_send(bench.roles.realm, wr_bytes(&w), NULL));
			waiting += size;
		}
		TRY(answers_take(&n));
		waiting -= n;
		done += n;
	} while (waiting > 0 || clock_mono_ns() < end_ns);
	*ret_n = done;
	return CH_DONE;
}

static ch_err measure_signer(size_t size, unsigned ms, struct rate *ret_r)
{
	uint64_t cpu0 = 0, cpu1 = 0;
	size_t n = 0;
	TRY(cpu_ns_of(bench.roles.signer, &cpu0));
	uint64_t wall0 = clock_mono_ns();
	TRY(drive(size, ms, &n));
	uint64_t wall1 = clock_mono_ns();
	TRY(cpu_ns_of(bench.roles.signer, &cpu1));
	*ret_r = (struct rate){ (double)n * NS / (double)(wall1 - wall0),
				(double)n * NS / (double)(cpu1 - cpu0) };
	return CH_DONE;
}

static ch_err measure_raw(enum raw_way way, unsigned ms, struct rate *ret_r)
{
	const bytes input = { bench.input, bench.input_n };
	uint64_t wall0 = clock_mono_ns(), cpu0 = own_cpu_ns();
	uint64_t end_ns = wall0 + (uint64_t)ms * (NS / 1000), now = 0;
	size_t n = 0;
	do {
		TRY(raw_sign(way, input, RAW_SLICE));
		n += RAW_SLICE;
		now = clock_mono_ns();
	} while (now < end_ns);
	*ret_r = (struct rate){ (double)n * NS / (double)(now - wall0),
				(double)n * NS / (double)(own_cpu_ns() - cpu0) };
	return CH_DONE;
}

/* The limit is libcrypto's fastest way, each tried by itself. */
static ch_err choose_way(struct rate *trials)
{
	TRY(raw_init());
	for (unsigned i = 0; i < RAW_WAY_COUNT; i++) {
		TRY(measure_raw((enum raw_way)i, TRIAL_MS, &trials[i]));
		if (trials[i].per_cpu_s > trials[bench.way].per_cpu_s)
			bench.way = (enum raw_way)i;
	}
	return CH_DONE;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double median_of(double *x, size_t n)
{
	qsort(x, n, sizeof(*x), by_size);
	return x[n / 2];
}

static struct rate median(const struct rate *r, size_t n)
{
	double wall[ROUNDS_MAX] = { 0 }, cpu[ROUNDS_MAX] = { 0 };
	for (size_t i = 0; i < n; i++) {
		wall[i] = r[i].per_wall_s;
		cpu[i] = r[i].per_cpu_s;
	}
	return (struct rate){ median_of(wall, n), median_of(cpu, n) };
}

/* Each round against its own neighbour: what slows the machine slows both. */
static double median_ratio(const struct rate *r, const struct rate *limit, size_t n)
{
	double ratio[ROUNDS_MAX] = { 0 };
	for (size_t i = 0; i < n; i++)
		ratio[i] = r[i].per_cpu_s / limit[i].per_cpu_s;
	return median_of(ratio, n);
}

static void print_rate(const char *name, struct rate r, char end)
{
	(void)printf("\"%s\":{\"per_wall_s\":%.0f,\"per_cpu_s\":%.0f}%c", name, r.per_wall_s,
		     r.per_cpu_s, end);
}

static ch_err raw_alone(unsigned ms)
{
	struct rate trials[RAW_WAY_COUNT] = { 0 }, r = { 0, 0 };
	/* as long as the input of a token; what it says costs no time */
	bench.input_n = INPUT_BYTES;
	TRY(choose_way(trials));
	TRY(measure_raw(bench.way, ms, &r));
	(void)printf("{\"way\":\"%s\",", raw_name(bench.way));
	print_rate("raw", r, '}');
	return CH_DONE;
}

static struct {
	struct rate raw[ROUNDS_MAX], through[SIZES][ROUNDS_MAX], trials[RAW_WAY_COUNT];
} seen;

static ch_err one_round(unsigned ms, size_t k)
{
	pin(0, bench.signing_cpu);
	TRY(measure_raw(bench.way, ms, &seen.raw[k]));
	pin(0, bench.asking_cpu);
	for (size_t i = 0; i < SIZES; i++)
		TRY(measure_signer(sizes[i], ms, &seen.through[i][k]));
	return CH_DONE;
}

static void print_all(size_t n)
{
	(void)printf("{\"way\":\"%s\",\"input_bytes\":%zu,\"memory\":\"%s\",\"trials\":{",
		     raw_name(bench.way), bench.input_n,
		     bench.roles.in_secret_memory ? "memfd_secret" : "mlock");
	for (unsigned i = 0; i < RAW_WAY_COUNT; i++)
		print_rate(raw_name((enum raw_way)i), seen.trials[i],
			   i + 1 < RAW_WAY_COUNT ? ',' : '}');
	for (size_t i = 0; i < SIZES; i++) {
		char name[32];
		(void)snprintf(name, sizeof(name), "batch_%zu", sizes[i]);
		(void)printf(",\"ratio_%zu\":%.3f,", sizes[i],
			     median_ratio(seen.through[i], seen.raw, n));
		print_rate(name, median(seen.through[i], n), ' ');
	}
	(void)printf(",");
	print_rate("raw", median(seen.raw, n), '}');
}

static ch_err signer_beside_raw(const char *libexec, unsigned ms, size_t n)
{
	struct rate warm = { 0, 0 };
	TRY(roles_start(libexec, &bench.roles));
	choose_cpus();
	pin(bench.roles.signer, bench.signing_cpu);
	pin(0, bench.asking_cpu);
	TRY(measure_signer(SIGN_BATCH_MAX, WARM_MS, &warm));
	pin(0, bench.signing_cpu);
	TRY(choose_way(seen.trials));
	for (size_t k = 0; k < n; k++)
		TRY(one_round(ms, k));
	print_all(n);
	return CH_DONE;
}

int main(int argc, char **argv)
{
	uint64_t ms = 0, n = 0;
	bool raw_only = argc == 3 && strcmp(argv[1], "--raw") == 0;
	if ((argc != 4 && !raw_only) || !str_to_u64(str_from_c(argv[2]), 60000, &ms) ||
	    (argc == 4 && (!str_to_u64(str_from_c(argv[3]), ROUNDS_MAX, &n) || n == 0))) {
		(void)fputs("usage: sign_through LIBEXEC MILLISECONDS ROUNDS\n"
			    "       sign_through --raw MILLISECONDS\n",
			    stderr);
		return 2;
	}
	ch_err e = raw_only ? raw_alone((unsigned)ms)
			    : signer_beside_raw(argv[1], (unsigned)ms, (size_t)n);
	if (failed(e)) {
		(void)fprintf(stderr, "sign_through: %s (%s:%u, %llu)\n", e.site->what,
			      e.site->file, e.site->line, (unsigned long long)e.detail);
		return 3;
	}
	(void)printf("\n");
	return 0;
}
