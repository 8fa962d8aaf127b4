/* Records: what was put comes back, whatever its pieces were; every cut and every change is
 * seen or gives another record; the reader's bounds hold. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "dumpstore/records.h"

enum { STORAGE = RECORD_HEADER_SIZE + RECORD_MAX, LONG = 3 * RECORD_MAX + 17, WRITTEN_MAX = 4096 };

static uint8_t out_room[STORAGE], in_room[STORAGE];
static uint8_t plain[LONG];

static int file_new(void)
{
	int fd = memfd_create("records", MFD_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void rewind_it(int fd)
{
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
}

static void ok(ch_err e)
{
	assert_int_equal(ch_code_of(e), CH_OK);
}

/* Position by position, what the records say the core is. */
static void check_core(int fd, size_t n)
{
	struct record r = { 0 };
	size_t at = 0;
	for (;;) {
		ok(record_read(fd, in_room, &r));
		if (r.type == RECORD_END)
			break;
		assert_true(r.type == RECORD_DATA || r.type == RECORD_FILL);
		size_t here = r.type == RECORD_DATA ? r.data.n : (size_t)r.n;
		assert_true(here <= n - at);
		for (size_t i = 0; i < here; i++)
			assert_int_equal(r.type == RECORD_DATA ? r.data.p[i] : r.with,
					 plain[at + i]);
		at += here;
	}
	assert_int_equal(at, n);
	assert_true(r.whole);
	assert_int_equal(r.secrets, 42);
}

static void test_pieces_of_any_size(void **state)
{
	static const size_t sizes[] = {
		1, 7, 4096, RECORD_MAX - 1, RECORD_MAX, RECORD_MAX + 1, LONG
	};
	(void)state;
	for (size_t k = 0; k < COUNT_OF(sizes); k++) {
		struct record_writer w;
		AUTO(fd_close) int fd = file_new();
		size_t n = sizes[k] < 100 ? 5000 : LONG;
		record_writer_init(&w, fd, out_room);
		for (size_t i = 0; i < n; i++)
			plain[i] = (uint8_t)(i * 31 + i / 256);
		for (size_t at = 0; at < n; at += sizes[k])
			ok(record_put(
				&w, (bytes){ plain + at, n - at < sizes[k] ? n - at : sizes[k] }));
		ok(record_end(&w, true, 42));
		assert_int_equal(w.written, n);
		rewind_it(fd);
		check_core(fd, n);
	}
}

/* Runs of equal bytes, long and short, between data, and next to each other. */
static void test_fills(void **state)
{
	static const struct {
		uint8_t with;
		size_t fill, data;
	} parts[] = { { 0, 4096, 0 },  { 0, 100000, 3 },      { 0xff, 5, 0 }, { 0xff, 9, 1 },
		      { 1, 511, 2 },   { 1, 512, 0 },         { 2, 512, 0 },  { 0, 0, 10 },
		      { 9, 600, 600 }, { 0, RECORD_MAX, 100 } };
	struct record_writer w;
	AUTO(fd_close) int fd = file_new();
	size_t at = 0;
	(void)state;
	record_writer_init(&w, fd, out_room);
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		ok(record_fill(&w, parts[i].with, parts[i].fill));
		for (size_t k = 0; k < parts[i].fill; k++)
			plain[at++] = parts[i].with;
		size_t from = at;
		for (size_t k = 0; k < parts[i].data; k++)
			plain[at++] = (uint8_t)(k + 7);
		ok(record_put(&w, (bytes){ plain + from, parts[i].data }));
	}
	ok(record_end(&w, true, 42));
	assert_int_equal(w.written, at);
	rewind_it(fd);
	check_core(fd, at);
}

static void test_fills_join(void **state)
{
	struct record_writer w;
	struct record r = { 0 };
	AUTO(fd_close) int fd = file_new();
	(void)state;
	record_writer_init(&w, fd, out_room);
	for (size_t i = 0; i < 1000; i++)
		ok(record_fill(&w, 0, 4096));
	ok(record_end(&w, false, 0));
	rewind_it(fd);
	ok(record_read(fd, in_room, &r));
	assert_true(r.type == RECORD_FILL && r.n == 4096000 && r.with == 0);
	ok(record_read(fd, in_room, &r));
	assert_true(r.type == RECORD_END && !r.whole);
	/* more than a core can be */
	ok(record_fill(&w, 1, UINT64_MAX - w.written));
	assert_int_equal(ch_code_of(record_fill(&w, 1, 1)), CH_E_RANGE);
}

static void test_report_and_progress(void **state)
{
	struct record_writer w;
	struct record r = { 0 };
	AUTO(fd_close) int fd = file_new();
	size_t got = 0;
	(void)state;
	record_writer_init(&w, fd, out_room);
	ok(record_put(&w, bytes_of_str(LIT("core"))));
	ok(record_progress(&w, 1, UINT64_MAX));
	ok(record_report(&w, (bytes){ plain, LONG }));
	ok(record_end(&w, true, 0));
	rewind_it(fd);
	ok(record_read(fd, in_room, &r));
	assert_true(r.type == RECORD_PROGRESS && r.done == 1 && r.total == UINT64_MAX);
	ok(record_read(fd, in_room, &r));
	assert_true(r.type == RECORD_DATA && r.data.n == 4);
	for (; got < LONG; got += r.data.n) {
		ok(record_read(fd, in_room, &r));
		assert_int_equal(r.type, RECORD_REPORT);
		assert_memory_equal(r.data.p, plain + got, r.data.n);
	}
	ok(record_read(fd, in_room, &r));
	assert_int_equal(r.type, RECORD_END);
	assert_int_equal(ch_code_of(record_read(fd, in_room, &r)), CH_E_TRUNCATED);
}

static size_t short_stream(uint8_t *to)
{
	struct record_writer w;
	size_t n = 0;
	AUTO(fd_close) int fd = file_new();
	record_writer_init(&w, fd, out_room);
	ok(record_put(&w, bytes_of_str(LIT("a core"))));
	ok(record_fill(&w, 7, 70000));
	ok(record_progress(&w, 5, 6));
	ok(record_report(&w, bytes_of_str(LIT("{}"))));
	ok(record_end(&w, true, 3));
	rewind_it(fd);
	ok(fd_read_all(fd, to, WRITTEN_MAX, &n));
	return n;
}

/* Reads to the end; *ret_sum tells two streams apart. */
static ch_err read_all(const uint8_t *p, size_t n, uint64_t *ret_sum)
{
	struct record r = { 0 };
	uint64_t sum = 14695981039346656037U;
	AUTO(fd_close) int fd = file_new();
	ok(fd_write_all(fd, (bytes){ p, n }));
	rewind_it(fd);
	do {
		TRY(record_read(fd, in_room, &r));
		const uint64_t parts[] = { r.type,  r.with,  r.n,       r.done,
					   r.total, r.whole, r.secrets, r.data.n };
		for (size_t i = 0; i < COUNT_OF(parts); i++)
			sum = (sum ^ parts[i]) * 1099511628211U;
		for (size_t i = 0; i < r.data.n; i++)
			sum = (sum ^ r.data.p[i]) * 1099511628211U;
	} while (r.type != RECORD_END);
	*ret_sum = sum;
	return CH_DONE;
}

static void test_every_prefix(void **state)
{
	uint8_t p[WRITTEN_MAX];
	uint64_t sum = 0;
	size_t n = short_stream(p);
	(void)state;
	ok(read_all(p, n, &sum));
	for (size_t k = 0; k < n; k++)
		assert_int_equal(ch_code_of(read_all(p, k, &sum)), CH_E_TRUNCATED);
}

static void test_every_flip(void **state)
{
	uint8_t p[WRITTEN_MAX];
	uint64_t sum = 0, other = 0;
	size_t n = short_stream(p);
	(void)state;
	ok(read_all(p, n, &sum));
	for (size_t i = 0; i < 8 * n; i++) {
		p[i / 8] ^= (uint8_t)(1 << i % 8);
		if (!failed(read_all(p, n, &other)))
			assert_true(sum != other);
		p[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

static void test_bounds(void **state)
{
	static const struct {
		uint8_t p[16];
		size_t n;
	} bad[] = {
		{ { 0, 0, 0, 0, 1, 0 }, 6 },      /* no type */
		{ { 6, 0, 0, 0, 1, 0 }, 6 },      /* no known one */
		{ { 1, 0, 0, 0, 0 }, 5 },         /* data of nothing */
		{ { 1, 0, 4, 0, 1 }, 5 },         /* over RECORD_MAX */
		{ { 1, 255, 255, 255, 255 }, 5 }, /* far over */
		{ { 2, 0, 0, 0, 8 }, 13 },        /* a short fill */
		{ { 2, 0, 0, 0, 9 }, 14 },        /* a fill of nothing */
		{ { 3, 0, 0, 0, 0 }, 5 },         /* a report of nothing */
		{ { 5, 0, 0, 0, 9, 2 }, 14 },     /* neither whole nor not */
	};
	uint64_t sum = 0;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(ch_code_of(read_all(bad[i].p, bad[i].n, &sum)), CH_E_PROTOCOL);
}

static void test_reader_is_gone(void **state)
{
	struct record_writer w;
	int ends[2];
	(void)state;
	assert_int_equal(pipe(ends), 0);
	record_writer_init(&w, ends[1], out_room);
	(void)close(ends[0]);
	ok(record_put(&w, bytes_of_str(LIT("core"))));
	assert_int_equal(ch_code_of(record_end(&w, true, 0)), CH_E_GONE);
	(void)close(ends[1]);
}

static _Alignas(4096) uint8_t lent_room[RECORD_LENT_ROOMS * RECORD_LENT_SIZE];
enum { LENT_CORE = 8 * 1024 * 1024 };

static uint8_t lent_byte(size_t at)
{
	return (uint8_t)(at * 31 + (at >> 8) * 7 + (at >> 16));
}

/* Pieces of all sizes; in each second megabyte with words between them, which are copied and
 * make rooms end early: then many of them are in the pipe. */
static ch_err put_lent(struct record_writer *w)
{
	static uint8_t piece[700000];
	uint64_t x = 88172645463325252U;
	for (size_t at = 0, n = 0; at < LENT_CORE; at += n) {
		x = x * 6364136223846793005U + 1442695040888963407U;
		n = (x >> 33) % (x >> 62 ? 6000 : sizeof(piece)) + 1;
		n = n < LENT_CORE - at ? n : LENT_CORE - at;
		for (size_t i = 0; i < n; i++)
			piece[i] = lent_byte(at + i);
		TRY(record_put(w, (bytes){ piece, n }));
		if (at >> 20 & 1)
			TRY(record_report(w, bytes_of_str(LIT("word"))));
	}
	return record_end(w, true, 42);
}

/* Slower than the writer, so that the pipe is full. */
static int read_lent(int fd)
{
	struct record r = { 0 };
	size_t at = 0;
	while (!failed(record_read(fd, in_room, &r)) && r.type != RECORD_END) {
		for (size_t i = 0; r.type == RECORD_DATA && i < r.data.n; i++, at++)
			if (r.data.p[i] != lent_byte(at))
				return 1;
		if (r.type == RECORD_DATA && at % 64 == 0)
			(void)usleep(1000);
	}
	return r.type == RECORD_END && at == LENT_CORE ? 0 : 2;
}

static void test_lent(void **state)
{
	static const int sizes[] = { 4096, 65536, RECORD_LENT_SIZE, 1024 * 1024 };
	(void)state;
	for (size_t k = 0; k < COUNT_OF(sizes); k++) {
		struct record_writer w;
		int ends[2], status = 0;
		assert_int_equal(pipe(ends), 0);
		assert_true(fcntl(ends[1], F_SETPIPE_SZ, sizes[k]) > 0);
		pid_t pid = fork();
		if (pid == 0) {
			(void)close(ends[1]);
			_exit(read_lent(ends[0]));
		}
		(void)close(ends[0]);
		record_writer_init(&w, ends[1], out_room);
		record_writer_lend(&w, lent_room);
		ok(put_lent(&w));
		assert_non_null(w.lender.storage);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		(void)close(ends[1]);
	}
}

/* What is no pipe is written to; and a pipe without a reader is seen. */
static void test_lent_to_nobody(void **state)
{
	struct record_writer w;
	int ends[2];
	AUTO(fd_close) int fd = file_new();
	(void)state;
	record_writer_init(&w, fd, out_room);
	record_writer_lend(&w, lent_room);
	for (size_t i = 0; i < LONG; i++)
		plain[i] = (uint8_t)(i * 31 + i / 256);
	ok(record_put(&w, (bytes){ plain, LONG }));
	ok(record_end(&w, true, 42));
	rewind_it(fd);
	check_core(fd, LONG);
	assert_int_equal(pipe(ends), 0);
	record_writer_init(&w, ends[1], lent_room);
	record_writer_lend(&w, lent_room);
	record_writer_lend(&w, NULL);
	mem_zero(lent_room, sizeof(lent_room));
	/* less than the pipe takes, more than stays gathered */
	ok(record_put(&w, (bytes){ plain, 1000 }));
	ok(record_end(&w, true, 42));
	check_core(ends[0], 1000);
	assert_true(w.p == lent_room);
	(void)close(ends[0]);
	record_writer_init(&w, ends[1], out_room);
	record_writer_lend(&w, lent_room);
	assert_int_equal(ch_code_of(record_put(&w, (bytes){ plain, LONG })), CH_E_GONE);
	(void)close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_of_any_size),
		cmocka_unit_test(test_fills),
		cmocka_unit_test(test_fills_join),
		cmocka_unit_test(test_report_and_progress),
		cmocka_unit_test(test_every_prefix),
		cmocka_unit_test(test_every_flip),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_reader_is_gone),
		cmocka_unit_test(test_lent),
		cmocka_unit_test(test_lent_to_nobody),
	};
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
