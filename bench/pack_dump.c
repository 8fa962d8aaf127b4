/* What sealing costs beside zstd -1 alone, on one core in one run: pack_dump CORE [ROUNDS].
 * Both read the core from memory in pieces of 256 KiB and write to nowhere. Times are of this
 * thread on its processor, so that neighbours do not count. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include "crypto/key.h"
#include "dumpstore/sealed.h"

enum { PIECE = 256 * 1024, ROUNDS_MAX = 15 };

static struct dump_public_key to;
static uint8_t out_room[1 << 20];

static double cpu_s(void)
{
	struct timespec t = { 0 };
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t zstd_alone(bytes core, int sink)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	uint64_t written = 0;
	size_t more = 1;
	(void)ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, 1);
	for (size_t at = 0; at < core.n; at += PIECE) {
		size_t n = core.n - at < PIECE ? core.n - at : PIECE;
		bool last = at + n == core.n;
		ZSTD_inBuffer in = { core.p + at, n, 0 };
		do {
			ZSTD_outBuffer out = { out_room, sizeof(out_room), 0 };
			more = ZSTD_compressStream2(c, &out, &in,
						    last ? ZSTD_e_end : ZSTD_e_continue);
			written += out.pos;
			if (write(sink, out_room, out.pos) < 0)
				abort();
		} while (last ? more > 0 : in.pos < in.size);
	}
	(void)ZSTD_freeCCtx(c);
	return written;
}

static uint64_t sealed(bytes core, int sink)
{
	struct sealed_writer *w = NULL;
	if (failed(sealed_writer_new(sink, &to, 1, &w)))
		abort();
	for (size_t at = 0; at < core.n; at += PIECE)
		if (failed(sealed_put(
			    w, (bytes){ core.p + at, core.n - at < PIECE ? core.n - at : PIECE })))
			abort();
	if (failed(sealed_end(w, (bytes){ 0 })))
		abort();
	uint64_t written = sealed_writer_bytes(w);
	sealed_writer_done(&w);
	return written;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static uint64_t (*const kinds[])(bytes, int) = { zstd_alone, sealed };
	static const char *const names[] = { "zstd -1 alone", "zstd -1, sealed" };
	double s[COUNT_OF(kinds)][ROUNDS_MAX];
	uint64_t written[COUNT_OF(kinds)] = { 0 };
	int rounds = argc > 2 && argv[2][0] > '0' && argv[2][0] <= '9' ? argv[2][0] - '0' : 3;
	struct secret *key = NULL;
	struct stat st = { 0 };
	int fd = argc > 1 ? open(argv[1], O_RDONLY) : -1, sink = open("/dev/null", O_WRONLY);
	if (fd < 0 || fstat(fd, &st) != 0 || failed(crypto_init(NULL)) ||
	    failed(dump_key_new(&to, &key)))
		return 2;
	uint8_t *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (p == MAP_FAILED)
		return 3;
	for (int i = 0; i < rounds; i++)
		for (size_t k = 0; k < COUNT_OF(kinds); k++) {
			double from = cpu_s();
			written[k] = kinds[k]((bytes){ p, (size_t)st.st_size }, sink);
			s[k][i] = cpu_s() - from;
		}
	for (size_t k = 0; k < COUNT_OF(kinds); k++) {
		qsort(s[k], (size_t)rounds, sizeof(s[k][0]), by_value);
		(void)printf("%-16s %.3f GB/s, %.1f %% of the size\n", names[k],
			     (double)st.st_size / s[k][rounds / 2] / 1e9,
			     100 * (double)written[k] / (double)st.st_size);
	}
	(void)printf("overhead %.1f %%\n", 100 * (s[1][rounds / 2] / s[0][rounds / 2] - 1));
	secret_done(&key);
	return 0;
}
