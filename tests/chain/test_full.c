/* Full disks and failing syncs: pwrite and fdatasync are wrapped when this is linked, and
 * fail where a test says. */
#include "kit.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

static size_t room_left = SIZE_MAX; /* bytes that pwrite still takes */
static bool sync_fails, truncate_fails;

ssize_t __real_pwrite64(int fd, const void *p, size_t n, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *p, size_t n, off_t at);
ssize_t __real_pwritev64(int fd, const struct iovec *p, int n, off_t at);
ssize_t __wrap_pwritev64(int fd, const struct iovec *p, int n, off_t at);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_ftruncate64(int fd, off_t n);
int __wrap_ftruncate64(int fd, off_t n);

ssize_t __wrap_pwrite64(int fd, const void *p, size_t n, off_t at)
{
	size_t take = n < room_left ? n : room_left;
	if (take == 0) {
		errno = ENOSPC;
		return -1;
	}
	room_left -= room_left == SIZE_MAX ? 0 : take;
	return __real_pwrite64(fd, p, take, at);
}

/* As the kernel does it: as much as there is room for. */
ssize_t __wrap_pwritev64(int fd, const struct iovec *p, int n, off_t at)
{
	ssize_t all = 0;
	for (int i = 0; i < n; i++) {
		ssize_t wrote = __wrap_pwrite64(fd, p[i].iov_base, p[i].iov_len, at + all);
		if (wrote < 0)
			return all > 0 ? all : wrote;
		all += wrote;
		if ((size_t)wrote < p[i].iov_len)
			break;
	}
	return all;
}

int __wrap_fdatasync(int fd)
{
	errno = EIO;
	return sync_fails ? -1 : __real_fdatasync(fd);
}

int __wrap_ftruncate64(int fd, off_t n)
{
	errno = EIO;
	return truncate_fails ? -1 : __real_ftruncate64(fd, n);
}

static int begin(void **state)
{
	room_left = SIZE_MAX;
	sync_fails = truncate_fails = false;
	return kit_begin(state);
}

static void add(struct chain *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_false(failed(chain_add(c, 1, 5, bytes_of_str(LIT("some payload")))));
}

/* However much of a frame still fits, none of it is believed, and it goes through later. */
static void test_full_at_every_byte(void **state)
{
	struct chain c;
	struct chain_opened o;
	struct chain_report report;
	(void)state;
	kit_open(&c, &o);
	size_t frame = FRAME_OVERHEAD + 2 * (RECORD_HEADER + 12);
	for (size_t k = 0; k < frame; k++) {
		uint64_t end = c.end, next = c.next_seq;
		add(&c, 2);
		room_left = k;
		ch_err e = chain_write(&c, NOW_MS, CHAIN_NOW);
		assert_int_equal(ch_code_of(e), CH_E_IO);
		assert_int_equal(e.detail, ENOSPC);
		assert_int_equal(kit_size(0), end);
		assert_int_equal(kit_verify(&report), CH_OK);
		assert_int_equal(report.next_seq, next);
		assert_int_equal(report.torn_bytes, 0);
		assert_int_equal(chain_waiting(&c), 2);
		room_left = SIZE_MAX;
		assert_false(failed(chain_write(&c, NOW_MS, CHAIN_NOW)));
	}
	chain_close(&c);
	assert_int_equal(kit_verify(&report), CH_OK);
	assert_int_equal(report.records, 2 * frame);
}

/* With room ahead: the frame counts once it fits, however little room there is behind it; and what
 * has its room already needs no disk. */
static void test_full_with_room(void **state)
{
	enum { AHEAD = 1024 };
	struct chain c;
	struct chain_opened o;
	struct chain_report report;
	(void)state;
	size_t frame = FRAME_OVERHEAD + 2 * (RECORD_HEADER + 12);
	kit_ahead = AHEAD;
	kit_open(&c, &o);
	for (size_t k = 0; k < frame + AHEAD; k++) {
		uint64_t next = c.next_seq;
		assert_false(failed(chain_trim(&c)));
		add(&c, 2);
		room_left = k;
		ch_err e = chain_write(&c, NOW_MS, CHAIN_NOW);
		assert_int_equal(ch_code_of(e), k < frame ? CH_E_IO : CH_OK);
		assert_int_equal(kit_size(0), k < frame ? c.end : c.end + k - frame);
		assert_int_equal(kit_verify(&report), CH_OK);
		assert_int_equal(report.next_seq, k < frame ? next : next + 2);
		/* room that has not even a header's size */
		assert_true(report.torn_bytes < FRAME_HEADER);
		room_left = SIZE_MAX;
		assert_false(failed(chain_write(&c, NOW_MS, CHAIN_NOW)));
	}
	chain_close(&c);
	assert_int_equal(kit_verify(&report), CH_OK);
	assert_int_equal(report.records, 2 * (frame + AHEAD));
	kit_ahead = 0;
}

/* Not even cutting works: then nothing more is written until it does. */
static void test_cannot_cut(void **state)
{
	struct chain c;
	struct chain_opened o;
	struct chain_report report;
	(void)state;
	kit_open(&c, &o);
	add(&c, 1);
	assert_false(failed(chain_write(&c, NOW_MS, CHAIN_NOW)));
	add(&c, 3);
	room_left = 50;
	truncate_fails = true;
	assert_true(failed(chain_write(&c, NOW_MS, CHAIN_NOW)));
	room_left = SIZE_MAX;
	chain_drop(&c);
	add(&c, 1);
	assert_true(failed(chain_write(&c, NOW_MS, CHAIN_NOW)));
	assert_true(failed(chain_rotate(&c, NOW_MS)));
	assert_int_equal(kit_verify(&report), CH_OK);
	assert_int_equal(report.records, 1);
	assert_int_equal(report.torn_bytes, 50);
	truncate_fails = false;
	assert_false(failed(chain_write(&c, NOW_MS, CHAIN_NOW)));
	chain_close(&c);
	assert_int_equal(kit_verify(&report), CH_OK);
	assert_int_equal(report.records, 2);
}

static void test_sync_fails(void **state)
{
	struct chain c;
	struct chain_opened o;
	struct chain_report report;
	(void)state;
	kit_open(&c, &o);
	add(&c, 1);
	sync_fails = true;
	assert_int_equal(ch_code_of(chain_write(&c, NOW_MS, CHAIN_NOW)), CH_E_IO);
	sync_fails = false;
	add(&c, 1);
	assert_int_equal(ch_code_of(chain_write(&c, NOW_MS, CHAIN_NOW)), CH_E_IO);
	assert_int_equal(ch_code_of(chain_flush(&c)), CH_E_IO);
	assert_int_equal(ch_code_of(chain_tidy(&c, NOW_MS)), CH_E_IO);
	chain_close(&c);
	kit_open(&c, &o);
	add(&c, 1);
	assert_false(failed(chain_write(&c, NOW_MS, CHAIN_NOW)));
	chain_close(&c);
	assert_int_equal(kit_verify(&report), CH_OK);
}

/* The kernel's own limit instead of the wrapper's, and a new segment that cannot be made. */
static void test_real_limit(void **state)
{
	struct chain c;
	struct chain_opened o;
	struct chain_report report;
	struct rlimit before, small;
	struct chain_config config = kit_config();
	(void)state;
	config.limits.segment_bytes = SEGMENT_SMALL;
	assert_false(failed(chain_open(&c, &config, NOW_MS, &o)));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	(void)signal(SIGXFSZ, SIG_IGN);
	small = (struct rlimit){ 1000, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	ch_err e = CH_DONE;
	size_t n = 0;
	for (; !failed(e) && n < 100; n++) {
		add(&c, 1);
		e = chain_write(&c, NOW_MS, CHAIN_LATER);
	}
	assert_int_equal(e.detail, EFBIG);
	assert_true(n > 5 && n < 100);
	small.rlim_cur = 10; /* not even a header */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_true(failed(chain_rotate(&c, NOW_MS)));
	assert_int_equal(kit_verify(&report), CH_OK);
	assert_int_equal(report.segments, 1);
	assert_int_equal(report.records, n - 1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_false(failed(chain_write(&c, NOW_MS, CHAIN_LATER)));
	assert_false(failed(chain_rotate(&c, NOW_MS)));
	chain_close(&c);
	assert_int_equal(kit_verify(&report), CH_OK);
	assert_int_equal(report.records, n);
	assert_int_equal(report.segments, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_full_at_every_byte, begin, kit_end),
		cmocka_unit_test_setup_teardown(test_full_with_room, begin, kit_end),
		cmocka_unit_test_setup_teardown(test_cannot_cut, begin, kit_end),
		cmocka_unit_test_setup_teardown(test_sync_fails, begin, kit_end),
		cmocka_unit_test_setup_teardown(test_real_limit, begin, kit_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
