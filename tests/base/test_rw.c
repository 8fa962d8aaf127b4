/* The sticky reader and writer, at every boundary. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rw.h"

static size_t fill(uint8_t *buf, size_t cap, bool *ret_full)
{
	struct wr w = wr_of(buf, cap);
	wr_u8(&w, 0x12);
	wr_u16(&w, 0x3456);
	wr_u32(&w, 0x789abcde);
	wr_u64(&w, 0xf0f1f2f3f4f5f6f7U);
	wr_i64(&w, -2);
	wr_bool(&w, true);
	wr_str16(&w, LIT("text"));
	*ret_full = w.full;
	return w.n;
}

static void decode(struct rd *r)
{
	(void)rd_u8(r);
	(void)rd_u16(r);
	(void)rd_u32(r);
	(void)rd_u64(r);
	(void)rd_i64(r);
	(void)rd_bool(r);
	(void)rd_str16(r, 4);
}

static void round_trip(void **state)
{
	(void)state;
	uint8_t buf[64];
	bool full = true;
	size_t n = fill(buf, sizeof(buf), &full);
	assert_false(full);
	struct rd r = rd_of((bytes){ buf, n });
	assert_int_equal(rd_u8(&r), 0x12);
	assert_int_equal(rd_u16(&r), 0x3456);
	assert_int_equal(rd_u32(&r), 0x789abcde);
	assert_true(rd_u64(&r) == 0xf0f1f2f3f4f5f6f7U);
	assert_true(rd_i64(&r) == -2);
	assert_true(rd_bool(&r));
	assert_true(str_eq(rd_str16(&r, 4), LIT("text")));
	assert_true(rd_end(&r));
}

static void every_prefix_is_bad(void **state)
{
	(void)state;
	uint8_t buf[64];
	bool full = true;
	size_t n = fill(buf, sizeof(buf), &full);
	for (size_t i = 0; i < n; i++) {
		struct rd r = rd_of((bytes){ buf, i });
		decode(&r);
		assert_false(rd_end(&r));
		assert_true(r.bad);
		assert_int_equal(ch_code_of(rd_done(&r)), CH_E_TRUNCATED);
	}
}

static void every_short_buffer_is_full(void **state)
{
	(void)state;
	uint8_t buf[64];
	bool full = false;
	size_t n = fill(buf, sizeof(buf), &full);
	for (size_t cap = 0; cap < n; cap++) {
		memset(buf, 0xee, sizeof(buf));
		(void)fill(buf, cap, &full);
		assert_true(full);
		for (size_t i = cap; i < sizeof(buf); i++)
			assert_int_equal(buf[i], 0xee);
	}
}

static void limits_and_trailing(void **state)
{
	(void)state;
	static const uint8_t five[] = { 0, 5, 'a', 'b', 'c', 'd', 'e' };
	static const uint8_t two[] = { 2 };
	struct rd r = rd_of(BYTES_OF(five));
	(void)rd_str16(&r, 4);
	assert_true(r.bad);
	r = rd_of(BYTES_OF(two));
	assert_false(rd_bool(&r));
	assert_true(r.bad);
	r = rd_of(BYTES_OF(five));
	(void)rd_u16(&r);
	assert_int_equal(ch_code_of(rd_done(&r)), CH_E_TRAILING);
}

static void numbers_as_text(void **state)
{
	(void)state;
	uint8_t buf[64];
	struct wr w = wr_of(buf, sizeof(buf));
	wr_dec(&w, 0);
	wr_char(&w, ' ');
	wr_dec(&w, UINT64_MAX);
	wr_char(&w, ' ');
	wr_hex(&w, (bytes){ (const uint8_t *)"\x00\xff", 2 });
	assert_true(str_eq(wr_text(&w), LIT("0 18446744073709551615 00ff")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(every_prefix_is_bad),
		cmocka_unit_test(every_short_buffer_is_full),
		cmocka_unit_test(limits_and_trailing),
		cmocka_unit_test(numbers_as_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
