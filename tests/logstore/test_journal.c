/* The journal's records: there and back, cut anywhere, with anything behind them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rw.h"
#include "logstore/journal.h"

static uint8_t room[JOURNAL_PAYLOAD_MAX + 1];

static size_t write_one(void)
{
	static const uint8_t entry[] = { 1, 2, 3 };
	const struct journal_record r = { .index = 77,
					  .entry = BYTES_OF(entry),
					  .client_id = LIT("mail"),
					  .grant_id = LIT("g"),
					  .sub = { 9, 8, 7 } };
	struct wr w = wr_of(room, sizeof(room));
	journal_write(&w, &r);
	assert_int_equal(w.n, journal_size(&r));
	return w.n;
}

static void there_and_back(void **state)
{
	(void)state;
	size_t n = write_one();
	struct journal_record r;
	assert_false(failed(journal_read((bytes){ room, n }, &r)));
	assert_int_equal(r.index, 77);
	assert_int_equal(r.entry.n, 3);
	assert_true(str_eq(r.client_id, LIT("mail")) && str_eq(r.grant_id, LIT("g")));
	assert_int_equal(r.sub[2], 7);
	for (size_t i = 0; i < n; i++)
		assert_true(failed(journal_read((bytes){ room, i }, &r)));
	room[n] = 0;
	assert_true(failed(journal_read((bytes){ room, n + 1 }, &r)));
}

static void limits(void **state)
{
	(void)state;
	struct journal_record r;
	size_t n = write_one();
	/* an empty entry; one that is too long */
	for (uint16_t length = 0; length < 4; length++) {
		struct wr w = wr_of(room + 8, 2);
		wr_u16(&w, length);
		assert_int_equal(failed(journal_read((bytes){ room, n }, &r)), length != 3);
	}
	struct wr w = wr_of(room, sizeof(room));
	static const uint8_t large[JOURNAL_ENTRY_MAX + 1];
	const struct journal_record over = { .entry = BYTES_OF(large) };
	journal_write(&w, &over);
	assert_int_equal(ch_code_of(journal_read(wr_bytes(&w), &r)), CH_E_MISMATCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
