/* How long the passphrase's Argon2id takes on this machine: unlock KDF-FILE PASSPHRASE-FILE
 * prints milliseconds, the median of five. It is the part of a start that is slow on
 * purpose. Nothing derived here is used or shown. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "crypto/key.h"
#include "keyfile/keyfile.h"

enum { TIMES = 5, MEDIAN = 2 };

static ch_err once(const struct kdf *kdf, const struct secret *passphrase, uint64_t *ret_ns)
{
	AUTO(secret_done) struct secret *kek = NULL;
	uint64_t start_ns = clock_mono_ns();
	TRY(kek_derive(kdf, passphrase, &kek));
	*ret_ns = clock_mono_ns() - start_ns;
	return CH_DONE;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static ch_err run(const char *kdf_file, const char *passphrase_file)
{
	uint8_t file[KDF_FILE_MAX];
	uint64_t ns[TIMES] = { 0 };
	size_t n = 0;
	struct kdf kdf = { 0 };
	AUTO(secret_done) struct secret *passphrase = NULL;
	AUTO(fd_close) int fd = open(passphrase_file, O_RDONLY | O_CLOEXEC);
	TRY(crypto_init(NULL));
	TRY(file_read(AT_FDCWD, kdf_file, file, sizeof(file), &n));
	TRY(kdf_file_read((bytes){ file, n }, &kdf));
	TRY(secret_read(fd, 4096, true, &passphrase));
	for (size_t i = 0; i < TIMES; i++)
		TRY(once(&kdf, passphrase, &ns[i]));
	qsort(ns, TIMES, sizeof(*ns), by_size);
	(void)printf("%.2f\n", (double)ns[MEDIAN] / 1e6);
	return CH_DONE;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		(void)fputs("usage: unlock KDF-FILE PASSPHRASE-FILE\n", stderr);
		return 2;
	}
	ch_err e = run(argv[1], argv[2]);
	if (!failed(e))
		return 0;
	(void)fprintf(stderr, "unlock: %s (%llu)\n", e.site->what, (unsigned long long)e.detail);
	return 3;
}
