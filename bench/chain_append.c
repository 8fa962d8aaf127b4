/* chain_append [FOLDER] [MS]: appending to a chain, and noting sightings, beside the same
 * bytes written by plain pwrite and fdatasync, in turns, on the same disk. Prints a line a
 * figure; ratios are to the plain writes. FOLDER (default: /tmp) is where the files go. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "chain/chain.h"
#include "crypto/key.h"
#include "sightings.h"

enum { PAYLOAD = 120, RECORD = 12 + PAYLOAD, FRAME = 64, ROUNDS = 5, BATCH_MAX = 256 };

static const uint64_t ms = 1000000;
static uint8_t room[CHAIN_ROOM_MAX], plain[BATCH_MAX * RECORD + FRAME];
static char folder[128];
static uint64_t budget_ns;

static void die(const char *what, ch_err e)
{
	(void)fprintf(stderr, "chain_append: %s: %s (%llu)\n", what, e.site ? e.site->what : "",
		      (unsigned long long)e.detail);
	(void)dir_remove(AT_FDCWD, folder);
	exit(3);
}

static void must(const char *what, ch_err e)
{
	if (failed(e))
		die(what, e);
}

static struct path in_folder(const char *name)
{
	struct path p;
	must("path", path_join(&p, str_from_c(folder), str_from_c(name), (str){ 0 }));
	return p;
}

/* Batches a second by plain writes of as many bytes. */
static double raw_rate(size_t batch, bool sync)
{
	struct path path = in_folder("raw");
	AUTO(fd_close) int fd = open(path.p, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t n = FRAME + batch * RECORD, batches = 0;
	uint64_t from = clock_mono_ns(), now = from;
	off_t at = 0;
	for (; now - from < budget_ns; batches++, now = clock_mono_ns(), at += (off_t)n)
		if (pwrite(fd, plain, n, at) != (ssize_t)n || (sync && fdatasync(fd) != 0))
			die("raw", ch_fail(CH_E_IO, "cannot write", errno));
	return (double)batches * 1e9 / (double)(now - from);
}

static double chain_rate(size_t batch, bool sync)
{
	struct path path = in_folder("chain");
	struct chain c;
	struct chain_opened o;
	const struct chain_config config = {
		.ref = { AT_FDCWD, path.p, LIT("bench"), room, sizeof(room) },
		.limits = { .segment_bytes = 256 << 20 },
	};
	must("open", chain_open(&c, &config, clock_unix_ms(), &o));
	size_t batches = 0;
	uint64_t from = clock_mono_ns(), now = from;
	for (; now - from < budget_ns; batches++, now = clock_mono_ns()) {
		for (size_t i = 0; i < batch; i++)
			must("add", chain_add(&c, 1, 0, (bytes){ plain, PAYLOAD }));
		must("write", chain_write(&c, 0, sync ? CHAIN_NOW : CHAIN_LATER));
	}
	chain_close(&c);
	must("remove", dir_remove(AT_FDCWD, path.p));
	return (double)batches * 1e9 / (double)(now - from);
}

static int smaller(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *v)
{
	qsort(v, ROUNDS, sizeof(*v), smaller);
	return v[ROUNDS / 2];
}

static void append(size_t batch, bool sync)
{
	double raw[ROUNDS], chain[ROUNDS];
	for (size_t i = 0; i < ROUNDS; i++) {
		raw[i] = raw_rate(batch, sync);
		chain[i] = chain_rate(batch, sync);
	}
	double r = median(raw) * (double)batch, c = median(chain) * (double)batch;
	(void)printf("chain_append_%zu%-6s %12.0f records/s   plain %12.0f/s   ratio %.2f   "
		     "%.3f us a record more\n",
		     batch, sync ? "_sync" : "", c, r, c / r, 1e6 / c - 1e6 / r);
}

/* ns a sighting: the noting alone, and all of it with the flush of the turn. Of a token not
 * seen before, which is recorded, or of one again and again, which is counted. */
static void note(size_t batch, bool repeats)
{
	struct sightings *s = NULL;
	struct address client;
	uint64_t cut = 0, in_note = 0, n = 0;
	struct path path = in_folder("sightings");
	struct token_verdict v = { .code = TOKEN_accepted,
				   .issuer = LIT("https://login.example.com/home"),
				   .realm = LIT("home"),
				   .kid = LIT("k-2026-11-22-7f3a91c2") };
	(void)address_of(LIT("192.0.2.7"), &client);
	must("sightings",
	     sightings_open(path.p, &(struct sightings_limits){ .sync_ms = 3600000 }, &s, &cut));
	uint64_t from = clock_mono_ns(), now = from;
	for (; now - from < ROUNDS * budget_ns; n += batch) {
		for (size_t i = 0; i < batch; i++) {
			uint64_t number = repeats ? 0 : n + i;
			mem_copy(v.identity, &number, sizeof(number));
			if (!sightings_note(s, &v, LIT("a.b.c"), &client, LIT("imap"), 1))
				die("note", sightings_error(s));
		}
		in_note += clock_mono_ns() - now;
		sightings_flush(s, clock_unix_ms(), now);
		now = clock_mono_ns();
	}
	sightings_close(s);
	must("remove", dir_remove(AT_FDCWD, path.p));
	(void)printf("sighting_%zu%-*s %12.3f us of which noting %.3f us (a reading of the clock "
		     "shared by %zu)\n",
		     batch, batch < 10 ? 11 : 10, repeats ? "_repeats" : "",
		     (double)(now - from) / 1e3 / (double)n, (double)in_note / 1e3 / (double)n,
		     batch);
}

int main(int argc, char **argv)
{
	static const size_t batches[] = { 1, 32, 256 };
	uint64_t budget_ms = 200;
	if (argc > 3 || (argc == 3 && !str_to_u64(str_from_c(argv[2]), 60000, &budget_ms))) {
		(void)fprintf(stderr, "usage: chain_append [FOLDER] [MS]\n");
		return 2;
	}
	budget_ns = budget_ms * ms;
	(void)snprintf(folder, sizeof(folder), "%s/chain-bench-XXXXXX",
		       argc > 1 ? argv[1] : "/tmp");
	must("crypto", crypto_init(NULL));
	if (!mkdtemp(folder))
		die("folder", ch_fail(CH_E_IO, "cannot make a folder", errno));
	for (size_t sync = 0; sync < 2; sync++)
		for (size_t i = 0; i < COUNT_OF(batches); i++)
			append(batches[i], sync);
	note(1, false);
	note(32, false);
	note(32, true);
	(void)dir_remove(AT_FDCWD, folder);
	return 0;
}
