/* Sealed dumps: what went in comes out for the right key alone; a dump that was cut, changed,
 * mixed or made by a writer that lies does not open. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include <zstd.h>

#include "base/file.h"
#include "crypto/key.h"
#include "dumpstore/sealed.h"
#include "sealed_internal.h"

enum { FILE_MAX = 8 * 1024 * 1024, CORE_MAX = 6 * 1024 * 1024, FRAMES_MAX = 16 };

static struct dump_public_key to;
static struct secret *ours;
static uint8_t core[CORE_MAX], got[CORE_MAX];
static uint8_t file[FILE_MAX], other_file[FILE_MAX];

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

struct outcome {
	size_t core_n, report_n;
	bool has_report;
	char report[64];
};

static ch_err take_piece(const struct sealed_piece *p, struct outcome *o)
{
	if (p->is_report) {
		o->has_report = true;
		o->report_n = p->data.n;
		mem_copy(o->report, p->data.p,
			 p->data.n < sizeof(o->report) ? p->data.n : sizeof(o->report));
		return CH_DONE;
	}
	assert_false(o->has_report);
	if (p->n > CORE_MAX - o->core_n)
		return ch_fail(CH_E_FULL, "the test has no room", p->n);
	if (!p->is_fill)
		mem_copy(got + o->core_n, p->data.p, p->data.n);
	for (size_t i = 0; p->is_fill && i < p->n; i++)
		got[o->core_n + i] = p->with;
	o->core_n += p->n;
	return CH_DONE;
}

static ch_err open_fd(int fd, const struct secret *key, struct outcome *ret_o)
{
	AUTO(sealed_reader_done) struct sealed_reader *r = NULL;
	struct outcome o = { 0 };
	struct sealed_piece p;
	ch_err e;
	TRY(sealed_reader_new(fd, key, &r));
	while (!failed(e = sealed_next(r, &p)))
		TRY(take_piece(&p, &o));
	/* it stays so */
	assert_true(failed(sealed_next(r, &p)));
	if (ch_code_of(e) != CH_E_NOT_FOUND) {
		assert_false(o.has_report);
		return e;
	}
	assert_true(o.has_report);
	*ret_o = o;
	return CH_DONE;
}

static ch_err open_bytes(bytes b, struct outcome *ret_o)
{
	AUTO(fd_close) int fd = file_new();
	ok(fd_write_all(fd, b));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return open_fd(fd, ours, ret_o);
}

/* Data, fills and their borders; three frames that pack well. */
static size_t write_sample(uint8_t *to_p, size_t *ret_core_n)
{
	AUTO(fd_close) int fd = file_new();
	AUTO(sealed_writer_done) struct sealed_writer *w = NULL;
	size_t at = 0;
	ok(sealed_writer_new(fd, &to, 1, &w));
	for (size_t k = 0; k < 5; k++) {
		for (size_t i = 0; i < 500000; i++)
			core[at + i] = (uint8_t)('a' + k);
		ok(sealed_put(w, (bytes){ core + at, 500000 }));
		at += 500000;
		ok(sealed_fill(w, (uint8_t)k, 100000 * k + 5));
		for (size_t i = 0; i < 100000 * k + 5; i++)
			core[at + i] = (uint8_t)k;
		at += 100000 * k + 5;
	}
	ok(sealed_end(w, bytes_of_str(LIT("{\"whole\":true}"))));
	assert_int_equal(sealed_writer_bytes(w), lseek(fd, 0, SEEK_CUR));
	*ret_core_n = at;
	return take_file(fd, to_p);
}

static void test_round_trip(void **state)
{
	struct outcome o;
	size_t core_n = 0;
	size_t n = write_sample(file, &core_n);
	(void)state;
	ok(open_bytes((bytes){ file, n }, &o));
	assert_int_equal(o.core_n, core_n);
	assert_memory_equal(got, core, core_n);
	assert_int_equal(o.report_n, 14);
	assert_memory_equal(o.report, "{\"whole\":true}", 14);
}

static uint64_t random_state = 88172645463325252U;

static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* Noise gets larger; pieces of every size meet every place in a block. */
static void test_noise_in_pieces(void **state)
{
	static const int levels[] = { 1, 3, 19 };
	struct outcome o;
	(void)state;
	for (size_t i = 0; i < CORE_MAX; i++)
		core[i] = (uint8_t)random_next();
	for (size_t k = 0; k < COUNT_OF(levels); k++) {
		AUTO(fd_close) int fd = file_new();
		AUTO(sealed_writer_done) struct sealed_writer *w = NULL;
		ok(sealed_writer_new(fd, &to, levels[k], &w));
		size_t at = 0, end = k == 2 ? DUMP_FRAME_MAX : CORE_MAX;
		while (at < end) {
			size_t n = random_next() % (random_next() % 3 ? 5000 : 700000);
			n = n > end - at ? end - at : n;
			bool fill = random_next() % 2;
			for (size_t i = 0; fill && i < n; i++)
				core[at + i] = (uint8_t)(k + n % 2);
			ok(fill ? sealed_fill(w, (uint8_t)(k + n % 2), n)
				: sealed_put(w, (bytes){ core + at, n }));
			at += n;
		}
		ok(sealed_end(w, (bytes){ 0 }));
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		ok(open_fd(fd, ours, &o));
		assert_int_equal(o.core_n, end);
		assert_memory_equal(got, core, end);
		assert_int_equal(o.report_n, 0);
	}
}

/* Parts that fill a block to its last byte, and one byte around that. */
static void test_block_borders(void **state)
{
	struct outcome o;
	(void)state;
	for (size_t k = 0; k < 40; k++) {
		AUTO(fd_close) int fd = file_new();
		AUTO(sealed_writer_done) struct sealed_writer *w = NULL;
		size_t n = DUMP_FRAME_MAX - 30 + k;
		ok(sealed_writer_new(fd, &to, 1, &w));
		ok(sealed_put(w, (bytes){ core, n }));
		ok(sealed_fill(w, 7, 64));
		ok(sealed_end(w, bytes_of_str(LIT("r"))));
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		ok(open_fd(fd, ours, &o));
		assert_int_equal(o.core_n, n + 64);
		assert_memory_equal(got, core, n);
		assert_int_equal(o.report_n, 1);
	}
}

static void test_longest_report(void **state)
{
	AUTO(fd_close) int fd = file_new();
	AUTO(sealed_writer_done) struct sealed_writer *w = NULL;
	struct outcome o;
	(void)state;
	ok(sealed_writer_new(fd, &to, 1, &w));
	assert_int_equal(ch_code_of(sealed_end(w, (bytes){ core, DUMP_REPORT_MAX + 1 })),
			 CH_E_LIMIT);
	ok(sealed_put(w, (bytes){ core, 1000 }));
	ok(sealed_end(w, (bytes){ core, DUMP_REPORT_MAX }));
	assert_int_equal(ch_code_of(sealed_put(w, (bytes){ core, 1 })), CH_E_USAGE);
	assert_int_equal(ch_code_of(sealed_end(w, (bytes){ 0 })), CH_E_USAGE);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	ok(open_fd(fd, ours, &o));
	assert_int_equal(o.report_n, DUMP_REPORT_MAX);
}

static void test_every_prefix(void **state)
{
	struct outcome o;
	size_t core_n = 0;
	size_t n = write_sample(file, &core_n);
	(void)state;
	for (size_t k = 0; k < n; k++)
		assert_int_equal(ch_code_of(open_bytes((bytes){ file, k }, &o)), CH_E_TRUNCATED);
	assert_int_equal(ch_code_of(open_bytes((bytes){ file, n + 1 }, &o)), CH_E_TRAILING);
}

static void test_every_flip(void **state)
{
	struct outcome o;
	size_t core_n = 0;
	size_t n = write_sample(file, &core_n);
	(void)state;
	for (size_t i = 0; i < n; i++) {
		file[i] ^= (uint8_t)(1 << i % 8);
		assert_true(failed(open_bytes((bytes){ file, n }, &o)));
		file[i] ^= (uint8_t)(1 << i % 8);
	}
	ok(open_bytes((bytes){ file, n }, &o));
}

static size_t frames_of(const uint8_t *p, size_t n, size_t at[static FRAMES_MAX + 1])
{
	size_t count = 0, i = DUMP_HEAD_SIZE;
	while (i < n && count < FRAMES_MAX) {
		struct rd r = rd_of((bytes){ p + i, FRAME_LENGTH });
		at[count++] = i;
		i += FRAME_LENGTH + rd_u32(&r);
	}
	assert_int_equal(i, n);
	at[count] = n;
	return count;
}

static bytes frame_at(const size_t *at, size_t i)
{
	return (bytes){ file + at[i], at[i + 1] - at[i] };
}

/* Whole frames left out, doubled, swapped, or taken from another dump of the same core. */
static void test_frames_moved(void **state)
{
	static const size_t orders[][4] = { { 1, 0, 2, 3 }, { 0, 0, 1, 2 }, { 0, 2, 1, 3 },
					    { 0, 1, 3, 3 }, { 3, 3, 3, 3 }, { 0, 1, 2, 2 } };
	size_t at[FRAMES_MAX + 1], other_at[FRAMES_MAX + 1], core_n = 0;
	struct outcome o;
	static uint8_t mixed[FILE_MAX];
	size_t n = write_sample(file, &core_n), count = frames_of(file, n, at);
	(void)state;
	assert_int_equal(count, 3);
	for (size_t k = 0; k < COUNT_OF(orders); k++) {
		struct wr w = wr_of(mixed, sizeof(mixed));
		wr_put(&w, (bytes){ file, DUMP_HEAD_SIZE });
		for (size_t i = 0; i < 4; i++)
			if (orders[k][i] < count)
				wr_put(&w, frame_at(at, orders[k][i]));
		ok(wr_done(&w));
		assert_true(failed(open_bytes(wr_bytes(&w), &o)));
	}
	size_t other_n = write_sample(other_file, &core_n);
	assert_int_equal(frames_of(other_file, other_n, other_at), count);
	for (size_t k = 0; k < count; k++) {
		struct wr w = wr_of(mixed, sizeof(mixed));
		wr_put(&w, (bytes){ file, at[k] });
		wr_put(&w, (bytes){ other_file + other_at[k], other_at[k + 1] - other_at[k] });
		wr_put(&w, (bytes){ file + at[k + 1], n - at[k + 1] });
		assert_int_equal(ch_code_of(open_bytes(wr_bytes(&w), &o)), CH_E_SEALED);
	}
}

static void test_wrong_key(void **state)
{
	AUTO(secret_done) struct secret *other = NULL;
	AUTO(fd_close) int fd = file_new();
	struct dump_public_key other_public;
	struct outcome o;
	size_t core_n = 0;
	size_t n = write_sample(file, &core_n);
	(void)state;
	ok(dump_key_new(&other_public, &other));
	ok(fd_write_all(fd, (bytes){ file, n }));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(ch_code_of(open_fd(fd, other, &o)), CH_E_SEALED);
	/* and when the key's id is made to fit */
	dump_key_id(&other_public, file + MAGIC_SIZE);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	ok(fd_write_all(fd, (bytes){ file, n }));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(ch_code_of(open_fd(fd, other, &o)), CH_E_SEALED);
}

/* A writer that seals what it likes. */
struct liar {
	struct wr w;
	struct secret *stream;
	uint8_t head[DUMP_HEAD_SIZE];
};

static void liar_begin(struct liar *l)
{
	struct wr out = wr_of(l->head, sizeof(l->head));
	*l = (struct liar){ .w = wr_of(file, sizeof(file)) };
	out = wr_of(l->head, sizeof(l->head));
	wr_str(&out, DUMP_MAGIC);
	dump_key_id(&to, wr_room(&out, KEY_ID_SIZE));
	ok(sealed_stream_begin(to.p, wr_room(&out, SEALED_STREAM_HEAD), &l->stream));
	wr_put(&l->w, BYTES_OF(l->head));
}

static void liar_frame(struct liar *l, bytes packed, bool last)
{
	wr_u32(&l->w, (uint32_t)(packed.n + SEALED_STREAM_OVERHEAD));
	ok(sealed_stream_put(l->stream, BYTES_OF(l->head), packed, last,
			     wr_room(&l->w, packed.n + SEALED_STREAM_OVERHEAD)));
}

static enum ch_code liar_opens(struct liar *l)
{
	struct outcome o;
	secret_done(&l->stream);
	return ch_code_of(open_bytes(wr_bytes(&l->w), &o));
}

static size_t pack(const uint8_t *p, size_t n, uint8_t *to_p, size_t cap)
{
	size_t packed = ZSTD_compress(to_p, cap, p, n, 1);
	assert_false(ZSTD_isError(packed));
	return packed;
}

static void test_parts_that_lie(void **state)
{
#define END_OF(n) 4, 0, 0, 0, 0, 0, 0, 0, n
	static const struct {
		uint8_t p[48];
		size_t n;
		enum ch_code code;
	} cases[] = {
		{ { 1, 0, 0, 0, 1, 'x', END_OF(1) }, 15, CH_OK },
		{ { 1, 0, 0, 0, 1, 'x', END_OF(2) }, 15, CH_E_SYNTAX }, /* another size */
		{ { 1, 0, 0, 0, 0, END_OF(0) }, 14, CH_E_SYNTAX },      /* of nothing */
		{ { 1, 0, 0, 0, 9, 'x', END_OF(1) }, 10, CH_E_SYNTAX }, /* beyond its frame */
		{ { 1, 255, 255, 255, 255, 'x' }, 6, CH_E_SYNTAX },     /* far beyond */
		{ { 0, 0, 0, 0, 1, 'x', END_OF(1) }, 15, CH_E_SYNTAX }, /* no type */
		{ { 5, 0, 0, 0, 1, 'x', END_OF(1) }, 15, CH_E_SYNTAX }, /* no type either */
		{ { 1, 0, 0, 0, 1, 'x' }, 6, CH_E_SYNTAX },             /* no end */
		{ { END_OF(0), END_OF(0) }, 18, CH_E_SYNTAX },          /* two */
		{ { END_OF(0), 1, 0, 0, 0, 1, 'x' }, 15, CH_E_SYNTAX }, /* goes on */
		{ { 3, 0, 0, 0, 1, 'r', 1, 0, 0, 0, 1, 'x', END_OF(1) }, 21, CH_E_SYNTAX },
		{ { 2, 7, 0, 0, 0, 0, 0, 0, 0, 0, END_OF(0) }, 19, CH_E_SYNTAX },
		{ { 2, 7, 255, 255, 255, 255, 255, 255, 255, 255, 1, 0, 0, 0, 1, 'x' },
		  16,
		  CH_E_FULL },
		{ { END_OF(0) }, 9, CH_OK },
	};
	uint8_t packed[256];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct liar l;
		liar_begin(&l);
		size_t n = pack(cases[i].p, cases[i].n, packed, sizeof(packed));
		liar_frame(&l, (bytes){ packed, n }, true);
		assert_int_equal(liar_opens(&l), cases[i].code);
	}
}

/* A frame that is not the last has an end, or the last is followed by another. */
static void test_ends_that_lie(void **state)
{
	static const uint8_t end[] = { END_OF(0) }, data[] = { 1, 0, 0, 0, 1, 'x' };
	uint8_t packed_end[64], packed_data[64];
	struct liar l;
	size_t end_n = pack(end, sizeof(end), packed_end, sizeof(packed_end));
	size_t data_n = pack(data, sizeof(data), packed_data, sizeof(packed_data));
	(void)state;
	liar_begin(&l);
	liar_frame(&l, (bytes){ packed_end, end_n }, false);
	assert_int_equal(liar_opens(&l), CH_E_SYNTAX);
	liar_begin(&l);
	liar_frame(&l, (bytes){ packed_end, end_n }, true);
	liar_frame(&l, (bytes){ packed_data, data_n }, false);
	assert_int_equal(liar_opens(&l), CH_E_TRAILING);
}

static size_t pack_streaming(const uint8_t *p, size_t n, uint8_t *to_p, size_t cap)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	ZSTD_inBuffer in = { p, n, 0 };
	ZSTD_outBuffer out = { to_p, cap, 0 };
	while (ZSTD_compressStream2(c, &out, &in, in.pos < in.size ? ZSTD_e_continue : ZSTD_e_end))
		assert_true(out.pos < cap);
	(void)ZSTD_freeCCtx(c);
	return out.pos;
}

static void test_bombs(void **state)
{
	static uint8_t zeros[4 * DUMP_FRAME_MAX], packed[2 * DUMP_FRAME_MAX];
	static const uint8_t skippable[] = { 0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4 };
	static const uint8_t empty[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x20, 0, 1, 0, 0 };
	struct liar l;
	(void)state;
	/* four megabytes in some bytes; that it says so is enough */
	size_t n = pack(zeros, sizeof(zeros), packed, sizeof(packed));
	liar_begin(&l);
	liar_frame(&l, (bytes){ packed, n }, true);
	assert_int_equal(liar_opens(&l), CH_E_LIMIT);
	/* a size that it does not say */
	n = pack_streaming(zeros, 2 * DUMP_FRAME_MAX, packed, sizeof(packed));
	liar_begin(&l);
	liar_frame(&l, (bytes){ packed, n }, true);
	assert_int_equal(liar_opens(&l), CH_E_LIMIT);
	/* two frames in one, each of a size that fits */
	n = pack(zeros, DUMP_FRAME_MAX, packed, sizeof(packed));
	n += pack(zeros, DUMP_FRAME_MAX, packed + n, sizeof(packed) - n);
	liar_begin(&l);
	liar_frame(&l, (bytes){ packed, n }, true);
	assert_int_equal(liar_opens(&l), CH_E_SYNTAX);
	liar_begin(&l);
	liar_frame(&l, BYTES_OF(skippable), true);
	assert_int_equal(liar_opens(&l), CH_E_LIMIT);
	liar_begin(&l);
	liar_frame(&l, BYTES_OF(empty), true);
	assert_int_equal(liar_opens(&l), CH_E_LIMIT);
	/* no zstd at all */
	liar_begin(&l);
	liar_frame(&l, (bytes){ zeros, 100 }, true);
	assert_int_equal(liar_opens(&l), CH_E_LIMIT);
}

/* Smaller than it says, larger than it says: what zstd's own check would pass up. */
static void test_size_that_lies(void **state)
{
	static const uint8_t part[] = { 1, 0, 0, 0, 1, 'x', END_OF(1) };
	uint8_t packed[64];
	struct liar l;
	size_t n = pack(part, sizeof(part), packed, sizeof(packed));
	(void)state;
	assert_int_equal(packed[5], sizeof(part)); /* the size, RFC 8878 section 3.1.1.1.4 */
	for (int by = -1; by <= 1; by += 2) {
		packed[5] = (uint8_t)((int)sizeof(part) + by);
		liar_begin(&l);
		liar_frame(&l, (bytes){ packed, n }, true);
		assert_int_equal(liar_opens(&l), CH_E_SYNTAX);
	}
}

static void test_full_disk(void **state)
{
	AUTO(fd_close) int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	AUTO(fd_close) int fd = file_new();
	AUTO(sealed_writer_done) struct sealed_writer *w = NULL;
	(void)state;
	assert_true(full >= 0);
	assert_int_equal(ch_code_of(sealed_writer_new(full, &to, 1, &w)), CH_E_IO);
	ok(sealed_writer_new(fd, &to, 1, &w));
	assert_true(dup2(full, fd) == fd);
	ch_err e = CH_DONE;
	for (size_t i = 0; i < 5 && !failed(e); i++)
		e = sealed_put(w, (bytes){ core, DUMP_FRAME_MAX });
	assert_int_equal(ch_code_of(e), CH_E_IO);
	assert_int_equal(ch_code_of(sealed_end(w, (bytes){ 0 })), CH_E_USAGE);
}

static void test_keys_as_files(void **state)
{
	AUTO(secret_done) struct secret *text = NULL;
	AUTO(secret_done) struct secret *back = NULL;
	struct dump_public_key again;
	char room[DUMP_KEY_TEXT_MAX];
	struct wr w = wr_of(room, sizeof(room));
	(void)state;
	dump_public_key_write(&w, &to);
	assert_true(str_starts(wr_text(&w), LIT("chancery-dump-public-key-1 ")));
	ok(dump_public_key_read(wr_bytes(&w), &again));
	assert_memory_equal(again.p, to.p, DUMP_PUBLIC_SIZE);
	ok(dump_private_key_write(ours, &text));
	ok(dump_private_key_read(text, &back));
	ok(dump_public_key_of(back, &again));
	assert_memory_equal(again.p, to.p, DUMP_PUBLIC_SIZE);
	assert_int_equal(ch_code_of(dump_public_key_read(secret_peek(text), &again)),
			 CH_E_MISMATCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),     cmocka_unit_test(test_noise_in_pieces),
		cmocka_unit_test(test_block_borders),  cmocka_unit_test(test_longest_report),
		cmocka_unit_test(test_every_prefix),   cmocka_unit_test(test_every_flip),
		cmocka_unit_test(test_frames_moved),   cmocka_unit_test(test_wrong_key),
		cmocka_unit_test(test_parts_that_lie), cmocka_unit_test(test_ends_that_lie),
		cmocka_unit_test(test_bombs),          cmocka_unit_test(test_size_that_lies),
		cmocka_unit_test(test_full_disk),      cmocka_unit_test(test_keys_as_files),
	};
	ok(crypto_init(NULL));
	ok(dump_key_new(&to, &ours));
	int failures = cmocka_run_group_tests(tests, NULL, NULL);
	secret_done(&ours);
	return failures;
}
