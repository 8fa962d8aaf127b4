/* How fast the finders see through a core: hunt_core CORE [ROUNDS] prints JSON, CPU seconds of
 * the finders over all memory, one more in each turn, the median of the rounds, and what they say;
 * then of all of them by two threads, by the clock.
 * hunt_core --changes IN OUT: how many bytes of memory differ. hunt_core --count FILE: a
 * handler of crashes that reads a stream and only counts. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "beside/beside.h"
#include "crypto/key.h"
#include "elfcore/core.h"
#include "redact/finder.h"

enum { PAGE = CORE_PAGE, STREAM = 1 << 20, ROUNDS_MAX = 9 };

static finder_new_fn *const makers[] = {
	finder_text_new,    finder_bignum_new, finder_rsa_new, finder_ec_new,
	finder_ed25519_new, finder_ssh_new,    finder_aes_new, finder_wide_new,
};
struct set {
	const char *name;
	size_t to; /* so many makers */
	bool two;  /* threads */
	double s[ROUNDS_MAX];
	size_t values;
};
/* one more at a time, since what the first find is what the later ones look for */
static struct set sets[] = {
	{ .name = "walk", .to = 0 },    { .name = "text", .to = 1 },
	{ .name = "+bignum", .to = 2 }, { .name = "+rsa", .to = 3 },
	{ .name = "+ec", .to = 4 },     { .name = "+ed25519", .to = 5 },
	{ .name = "+ssh", .to = 6 },    { .name = "+aes", .to = 7 },
	{ .name = "all", .to = 8 },     { .name = "two_threads", .to = 8, .two = true },
};
static uint8_t room[STREAM], page_of_out[PAGE];

struct core {
	struct core_input_fd in;
	struct core_head head;
	struct memory_file memory;
	int fd;
};

static void core_done(struct core *c)
{
	core_head_done(&c->head);
	fd_close(&c->fd);
}

static double now(clockid_t clock)
{
	struct timespec t = { 0 };
	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static ch_err core_open(const char *path, struct core *ret_c)
{
	ret_c->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (ret_c->fd < 0)
		return ch_fail(CH_E_IO, "cannot be opened", errno);
	core_input_file(&ret_c->in, ret_c->fd);
	TRY(core_segments_read(&ret_c->in.input, &ret_c->head));
	return memory_file_init(&ret_c->memory, &ret_c->head.map, ret_c->fd);
}

static void finders_free(struct finder *const *finders)
{
	for (size_t i = 0; i < COUNT_OF(makers); i++)
		if (finders[i])
			finders[i]->free(finders[i]);
}

static ch_err hunt_once(struct core *c, struct set *set, size_t round)
{
	AUTO(values_done) struct values *values = NULL;
	AUTO(publics_done) struct publics *publics = NULL;
	AUTO(beside_done) struct beside *beside = NULL;
	struct finder *finders[COUNT_OF(makers)] = { 0 }, *too[COUNT_OF(makers)] = { 0 };
	struct memory_file memory_too = c->memory;
	uint64_t unread = 0;
	clockid_t clock = set->two ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID;
	if (set->two)
		TRY(beside_new(&beside));
	const struct hunt_helper helper = { beside, &memory_too.memory, too };
	TRY(values_new(&values));
	TRY(publics_new(&publics));
	struct hunt h = { .map = &c->head.map,
			  .memory = &c->memory.memory,
			  .values = values,
			  .publics = publics,
			  .helper = set->two ? &helper : NULL };
	for (size_t i = 0; i < set->to; i++) {
		TRY(makers[i](&finders[i]));
		TRY(makers[i](&too[i]));
	}
	double from = now(clock);
	ch_err e = hunt_run(&h, finders, set->to, &unread);
	set->s[round] = now(clock) - from;
	set->values = values_count(values);
	finders_free(finders);
	finders_free(too);
	return e;
}

/* Bytes of pages that are not all zero. */
static ch_err data_of(struct core *c, uint64_t *ret_data)
{
	uint64_t data = 0;
	for (size_t i = 0; i < c->head.map.n; i++) {
		const struct core_load *l = &c->head.map.loads[i];
		size_t got = 1;
		for (uint64_t at = 0; at < l->file_size && got > 0; at += got) {
			uint64_t left = l->file_size - at;
			TRY(c->memory.memory.read(&c->memory.memory, l->addr + at, room,
						  left < PAGE ? (size_t)left : PAGE, &got));
			data += bytes_are_zero((bytes){ room, got }) ? 0 : got;
		}
	}
	*ret_data = data;
	return CH_DONE;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static ch_err hunt(const char *path, size_t rounds)
{
	AUTO(core_done) struct core c = { .fd = -1 };
	uint64_t data = 0;
	TRY(core_open(path, &c));
	TRY(data_of(&c, &data));
	for (size_t round = 0; round < rounds; round++)
		for (size_t i = 0; i < COUNT_OF(sets); i++)
			TRY(hunt_once(&c, &sets[i], round));
	(void)printf("{\"data\": %llu, \"size\": %llu", (unsigned long long)data,
		     (unsigned long long)c.head.map.size);
	for (size_t i = 0; i < COUNT_OF(sets); i++) {
		qsort(sets[i].s, rounds, sizeof(sets[i].s[0]), by_value);
		(void)printf(", \"%s\": {\"%s\": %.4f, \"values\": %zu}", sets[i].name,
			     sets[i].two ? "wall_s" : "cpu_s", sets[i].s[rounds / 2],
			     sets[i].values);
	}
	(void)puts("}");
	return CH_DONE;
}

static uint64_t unequal(const uint8_t *a, const uint8_t *b, size_t n)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += a[i] != b[i];
	return sum;
}

/* What a core does not hold is zeros. */
static ch_err read_page(struct core *c, uint64_t addr, uint8_t *to, size_t n)
{
	size_t all = 0, got = 1;
	while (all < n && got > 0) {
		TRY(c->memory.memory.read(&c->memory.memory, addr + all, to + all, n - all, &got));
		all += got;
	}
	mem_wipe(to + all, n - all);
	return CH_DONE;
}

static ch_err changes(const char *in, const char *out)
{
	AUTO(core_done) struct core a = { .fd = -1 };
	AUTO(core_done) struct core b = { .fd = -1 };
	uint64_t data = 0, changed = 0;
	TRY(core_open(in, &a));
	TRY(core_open(out, &b));
	TRY(data_of(&a, &data));
	for (size_t i = 0; i < a.head.map.n; i++) {
		const struct core_load *l = &a.head.map.loads[i];
		for (uint64_t at = 0; at < l->file_size; at += PAGE) {
			size_t n = l->file_size - at < PAGE ? (size_t)(l->file_size - at) : PAGE;
			TRY(read_page(&a, l->addr + at, room, n));
			TRY(read_page(&b, l->addr + at, page_of_out, n));
			changed += unequal(room, page_of_out, n);
		}
	}
	(void)printf("{\"data\": %llu, \"changed\": %llu}\n", (unsigned long long)data,
		     (unsigned long long)changed);
	return CH_DONE;
}

/* Seconds from the first byte to the last, and how many bytes were of pages with data. */
static int count(const char *path)
{
	double from = now(CLOCK_MONOTONIC);
	uint64_t all = 0, data = 0;
	size_t n = 0;
	ssize_t got = 1;
	(void)fcntl(STDIN_FILENO, F_SETPIPE_SZ, STREAM);
	while (got > 0) {
		for (n = 0; n < PAGE && got > 0; n += got > 0 ? (size_t)got : 0)
			got = read(STDIN_FILENO, room + n, PAGE - n);
		all += n;
		data += bytes_are_zero((bytes){ room, n }) ? 0 : n;
	}
	FILE *f = fopen(path, "we");
	if (!f)
		return 3;
	(void)fprintf(f, "{\"size\": %llu, \"data\": %llu, \"wall_s\": %.4f}\n",
		      (unsigned long long)all, (unsigned long long)data,
		      now(CLOCK_MONOTONIC) - from);
	return fclose(f) == 0 ? 0 : 3;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--count") == 0)
		return count(argv[2]);
	if (argc < 2 || argc > 4 || failed(crypto_init(NULL))) {
		(void)fputs("usage: hunt_core CORE [ROUNDS] | --changes IN OUT | --count FILE\n",
			    stderr);
		return 2;
	}
	bool few = argc > 2 && argv[2][0] >= '1' && argv[2][0] <= '9';
	ch_err e = argc == 4 && strcmp(argv[1], "--changes") == 0
			   ? changes(argv[2], argv[3])
			   : hunt(argv[1], few ? (size_t)(argv[2][0] - '0') : 3);
	if (failed(e))
		(void)fprintf(stderr, "hunt_core: %s (%llu)\n", e.site->what,
			      (unsigned long long)e.detail);
	return failed(e) ? 3 : 0;
}
