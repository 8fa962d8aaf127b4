/* Sealed dumps that two threads write: the same as one thread writes, and nothing that opens when
 * one is given up on the way. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "beside/beside.h"
#include "crypto/key.h"
#include "dumpstore/sealed.h"
#include "sealed_internal.h"

enum { MIB = 1024 * 1024, CORE = 9 * MIB + 77, FILE_MAX = 12 * MIB, FRAMES_MAX = 16 };

static struct dump_public_key to;
static struct secret *ours;
static struct beside *help;
static uint8_t core[CORE], file[FILE_MAX], other_file[FILE_MAX];

static void ok(ch_err e)
{
	assert_int_equal(ch_code_of(e), CH_OK);
}

static int file_new(void)
{
	int fd = memfd_create("dump", MFD_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static size_t take_file(int fd, uint8_t *to_p)
{
	size_t n = 0;
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	ok(fd_read_all(fd, to_p, FILE_MAX, &n));
	return n;
}

/* Noise between texts, so that frames differ in length. */
static void core_make(void)
{
	uint64_t x = 88172645463325252U;
	for (size_t i = 0; i < CORE; i++) {
		x = x * 6364136223846793005U + 1442695040888963407U;
		core[i] = i / 300000 % 3 ? (uint8_t)(x >> 56) : 'x';
	}
}

/* Is it the core and a report? */
static ch_err open_bytes(bytes b)
{
	AUTO(fd_close) int fd = file_new();
	AUTO(sealed_reader_done) struct sealed_reader *r = NULL;
	struct sealed_piece p = { 0 };
	size_t n = 0;
	ok(fd_write_all(fd, b));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	TRY(sealed_reader_new(fd, ours, &r));
	for (;;) {
		TRY(sealed_next(r, &p));
		if (p.is_report)
			break;
		assert_true(!p.is_fill && p.n <= CORE - n);
		assert_memory_equal(p.data.p, core + n, p.data.n);
		n += p.data.n;
	}
	assert_int_equal(n, CORE);
	return CH_DONE;
}

static size_t write_core(uint8_t *to_p, struct beside *help_or_null, size_t piece)
{
	AUTO(fd_close) int fd = file_new();
	AUTO(sealed_writer_done) struct sealed_writer *w = NULL;
	ok(sealed_writer_new(fd, &to, 1, &w));
	if (help_or_null)
		ok(sealed_writer_help(w, help_or_null));
	for (size_t at = 0; at < CORE; at += piece)
		ok(sealed_put(w, (bytes){ core + at, CORE - at < piece ? CORE - at : piece }));
	ok(sealed_end(w, bytes_of_str(LIT("r"))));
	assert_int_equal(sealed_writer_bytes(w), lseek(fd, 0, SEEK_CUR));
	return take_file(fd, to_p);
}

static size_t frames_of(const uint8_t *p, size_t n, size_t at[static FRAMES_MAX])
{
	size_t count = 0, i = DUMP_HEAD_SIZE;
	while (i < n && count < FRAMES_MAX) {
		struct rd r = rd_of((bytes){ p + i, FRAME_LENGTH });
		at[count++] = i;
		i += FRAME_LENGTH + rd_u32(&r);
	}
	assert_int_equal(i, n);
	return count;
}

static void test_the_same_is_written(void **state)
{
	size_t at[FRAMES_MAX], other_at[FRAMES_MAX];
	(void)state;
	size_t n = write_core(file, NULL, CORE);
	size_t count = frames_of(file, n, at);
	assert_int_equal(count, 10);
	for (size_t k = 0; k < 10; k++) {
		assert_int_equal(write_core(other_file, help, k ? k * 200001 : 4096), n);
		assert_int_equal(frames_of(other_file, n, other_at), count);
		assert_memory_equal(at, other_at, count * sizeof(at[0]));
		ok(open_bytes((bytes){ other_file, n }));
	}
}

/* Given up after some frames; and failed on a full disk. */
static void test_given_up(void **state)
{
	(void)state;
	for (size_t frames = 0; frames < 10; frames++) {
		AUTO(fd_close) int fd = file_new();
		AUTO(sealed_writer_done) struct sealed_writer *w = NULL;
		ok(sealed_writer_new(fd, &to, 1, &w));
		ok(sealed_writer_help(w, help));
		ok(sealed_put(w, (bytes){ core, frames * MIB }));
		sealed_writer_done(&w);
		assert_true(failed(open_bytes((bytes){ file, take_file(fd, file) })));
	}
}

static void test_full_disk(void **state)
{
	AUTO(fd_close) int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	(void)state;
	assert_true(full >= 0);
	for (size_t frames = 0; frames < 10; frames++) {
		AUTO(fd_close) int fd = file_new();
		AUTO(sealed_writer_done) struct sealed_writer *w = NULL;
		ok(sealed_writer_new(fd, &to, 1, &w));
		ok(sealed_writer_help(w, help));
		assert_true(dup2(full, fd) == fd);
		ch_err e = sealed_put(w, (bytes){ core, frames * MIB });
		if (!failed(e))
			e = sealed_end(w, (bytes){ 0 });
		assert_int_equal(ch_code_of(e), CH_E_IO);
		assert_int_equal(ch_code_of(sealed_put(w, (bytes){ core, 1 })), CH_E_USAGE);
		assert_int_equal(ch_code_of(sealed_end(w, (bytes){ 0 })), CH_E_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_same_is_written),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_full_disk),
	};
	core_make();
	if (failed(crypto_init(NULL)) || failed(dump_key_new(&to, &ours)) ||
	    failed(beside_new(&help)))
		return 2;
	int failures = cmocka_run_group_tests(tests, NULL, NULL);
	beside_done(&help);
	secret_done(&ours);
	return failures;
}
