/* A page of revocations and the question for it: there and back, prefixes, flips, order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

#include "revoke/beat.h"
#include "revoke/page.h"

static size_t page_of(uint8_t *room, size_t cap, const uint64_t *seqs, size_t n)
{
	struct wr w = wr_of(room, cap);
	struct revoke_page p = { .next.seq = 100, .end = 120, .count = n, .chain = { 9 } };
	revoke_page_begin(&w);
	for (size_t i = 0; i < n; i++)
		assert_true(revoke_page_add(
			&w, &(struct revoke_row){ .seq = seqs[i],
						  .time_ms = 5,
						  .r = { .kind = REVOKE_USER,
							 .why = REVOKE_DISABLED,
							 .when_s = 77,
							 .subject = bytes_of_str(LIT("sub")),
							 .name = LIT("a@b") } }));
	revoke_page_end(&w, &p);
	assert_false(w.full);
	return w.n;
}

static void there_and_back(void **state)
{
	const uint64_t seqs[] = { 3, 4, 99 };
	uint8_t room[512];
	struct revoke_page p;
	struct revoke_row row;
	size_t n = page_of(room, sizeof(room), seqs, COUNT_OF(seqs));
	(void)state;
	assert_false(failed(revoke_page_read((bytes){ room, n }, &p)));
	assert_true(p.next.seq == 100 && p.end == 120 && p.count == 3 && p.chain[0] == 9);
	for (size_t i = 0; i < COUNT_OF(seqs); i++) {
		assert_true(revoke_page_cut(&p, &row));
		assert_true(row.seq == seqs[i] && row.r.kind == REVOKE_USER);
		assert_true(str_eq(row.r.name, LIT("a@b")) && row.r.when_s == 77);
	}
	assert_false(revoke_page_cut(&p, &row));
	for (size_t k = 0; k < n; k++)
		assert_true(failed(revoke_page_read((bytes){ room, k }, &p)));
	assert_true(failed(revoke_page_read((bytes){ room, n + 1 }, &p)));
	/* each bit of it means something, or must be zero */
	for (size_t bit = 0; bit < 8 * n; bit++) {
		room[bit / 8] ^= (uint8_t)(1 << bit % 8);
		(void)revoke_page_read((bytes){ room, n }, &p);
		room[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(page_of(room, sizeof(room), NULL, 0), REVOKE_PAGE_HEAD);
}

static void out_of_order(void **state)
{
	const uint64_t bad[][2] = { { 4, 4 }, { 4, 3 }, { 3, 100 } };
	uint8_t room[512];
	struct revoke_page p;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		size_t n = page_of(room, sizeof(room), bad[i], 2);
		assert_int_equal(ch_code_of(revoke_page_read((bytes){ room, n }, &p)), CH_E_SYNTAX);
	}
}

static void no_room(void **state)
{
	uint8_t room[REVOKE_PAGE_HEAD + 10];
	struct wr w = wr_of(room, sizeof(room));
	(void)state;
	revoke_page_begin(&w);
	assert_false(revoke_page_add(
		&w, &(struct revoke_row){ .r = { .kind = REVOKE_KEY,
						 .why = REVOKE_BY_ADMIN,
						 .subject = bytes_of_str(LIT("k")) } }));
	assert_false(w.full);
	assert_int_equal(w.n, REVOKE_PAGE_HEAD);
}

static void question(void **state)
{
	static const str bad[] = {
		{ 0 },
		{ "after=", 6 },
		{ "after=01", 8 },
		{ "after=-1", 8 },
		{ "x=1", 3 },
		{ "after=1&wait=21", 15 },
		{ "after=1&wait=2&wait=2", 21 },
		{ "wait=2&after=1", 14 },
		{ "after=1&chain=00112233445566778899aabbccddeeff", 46 },
		{ "after=1&chain=00112233445566778899aabbccddeefF&hash=00", 54 },
		{ "after=1&", 8 },
	};
	uint8_t room[REVOKE_QUERY_MAX];
	struct revoke_ask a = { .after = UINT64_MAX - 1, .known = true, .wait_s = 20 }, back;
	struct wr w = wr_of(room, sizeof(room));
	(void)state;
	for (size_t i = 0; i < sizeof(a.chain); i++)
		a.chain[i] = (uint8_t)(i * 17);
	for (size_t i = 0; i < sizeof(a.hash); i++)
		a.hash[i] = (uint8_t)(255 - i);
	revoke_ask_write(&w, &a);
	assert_false(w.full);
	assert_false(failed(revoke_ask_read(wr_text(&w), &back)));
	assert_true(back.after == a.after && back.known && back.wait_s == 20);
	assert_memory_equal(back.chain, a.chain, sizeof(a.chain));
	assert_memory_equal(back.hash, a.hash, sizeof(a.hash));
	w.n = 0;
	revoke_ask_write(&w, &(struct revoke_ask){ .after = 0 });
	assert_true(str_eq(wr_text(&w), LIT("after=0&wait=0")));
	assert_false(failed(revoke_ask_read(wr_text(&w), &back)));
	assert_false(failed(revoke_ask_read(LIT("after=7"), &back)));
	assert_true(back.after == 7 && !back.known && back.wait_s == 0);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_true(failed(revoke_ask_read(bad[i], &back)));
}

/* A pulse that is half-written, or of other bytes, is none. */
static void pulse(void **state)
{
	uint8_t room[REVOKE_BEAT_SIZE + 1] = { 0 };
	char name[] = "/tmp/beat-XXXXXX";
	const struct revoke_beat b = { .count = 5, .head.seq = 9, .time_ms = 11, .chain = { 3 } };
	struct revoke_beat back;
	(void)state;
	int fd = mkstemp(name);
	assert_true(fd >= 0);
	assert_false(failed(beat_write(fd, &b)));
	assert_int_equal(lseek(fd, 0, 0), 0);
	assert_int_equal(read(fd, room, sizeof(room)), REVOKE_BEAT_SIZE);
	(void)close(fd);
	(void)unlink(name);
	assert_false(failed(beat_parse((bytes){ room, REVOKE_BEAT_SIZE }, &back)));
	assert_true(back.count == 5 && back.head.seq == 9 && back.time_ms == 11);
	for (size_t n = 0; n < REVOKE_BEAT_SIZE; n++)
		assert_true(failed(beat_parse((bytes){ room, n }, &back)));
	assert_true(failed(beat_parse((bytes){ room, sizeof(room) }, &back)));
	for (size_t bit = 0; bit < 8 * (size_t)REVOKE_BEAT_SIZE; bit++) {
		room[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_true(failed(beat_parse((bytes){ room, REVOKE_BEAT_SIZE }, &back)));
		room[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back), cmocka_unit_test(out_of_order),
		cmocka_unit_test(no_room),        cmocka_unit_test(question),
		cmocka_unit_test(pulse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
