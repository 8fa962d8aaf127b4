/* DER is read in its one form only, and never past what is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec/der.h"

static void lengths_are_the_shortest(void **state)
{
	(void)state;
	static const struct {
		uint8_t p[6];
		size_t n, header, size;
		int code;
	} rows[] = {
		{ { 0x30, 0x00 }, 2, 2, 2, 0 },
		{ { 0x30, 0x7f }, 2, 2, 129, 0 },
		{ { 0x30, 0x81, 0x80 }, 3, 3, 131, 0 },
		{ { 0x30, 0x82, 0x01, 0x00 }, 4, 4, 260, 0 },
		{ { 0x30, 0x83, 0x01, 0x00, 0x00 }, 5, 5, 65541, 0 },
		{ { 0x30 }, 1, 0, 0, CH_E_TRUNCATED },
		{ { 0x30, 0x82, 0x01 }, 3, 0, 0, CH_E_TRUNCATED },
		{ { 0x30, 0x80 }, 2, 0, 0, CH_E_SYNTAX },
		{ { 0x30, 0x81, 0x7f }, 3, 0, 0, CH_E_SYNTAX },
		{ { 0x30, 0x82, 0x00, 0xff }, 4, 0, 0, CH_E_SYNTAX },
		{ { 0x30, 0x84, 1, 1, 1, 1 }, 6, 0, 0, CH_E_SYNTAX },
		{ { 0x3f, 0x01 }, 2, 0, 0, CH_E_SYNTAX },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		size_t header = 0, size = 0;
		ch_err e = der_measure((bytes){ rows[i].p, rows[i].n }, &header, &size);
		assert_int_equal(e.site ? e.site->code : 0, rows[i].code);
		assert_int_equal(header, rows[i].header);
		assert_int_equal(size, rows[i].size);
	}
}

static void integers_are_positive_and_short(void **state)
{
	(void)state;
	static const struct {
		const char *der;
		size_t n, size;
		int code;
	} rows[] = {
		{ "\x02\x01\x00", 3, 0, 0 },
		{ "\x02\x01\x7f", 3, 1, 0 },
		{ "\x02\x02\x00\x80", 4, 1, 0 },
		{ "\x02\x02\x01\x00", 4, 2, 0 },
		{ "\x02\x00", 2, 0, CH_E_SYNTAX },
		{ "\x02\x01\x80", 3, 0, CH_E_SYNTAX },
		{ "\x02\x02\x00\x7f", 4, 0, CH_E_SYNTAX },
		{ "\x04\x01\x01", 3, 0, CH_E_MISMATCH },
		{ "\x02\x02\x01", 3, 0, CH_E_TRUNCATED },
		{ "", 0, 0, CH_E_TRUNCATED },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		bytes in = { (const uint8_t *)rows[i].der, rows[i].n }, number = { 0 };
		struct rd r = rd_of(in);
		ch_err e = der_take_uint(&r, &number);
		assert_int_equal(e.site ? e.site->code : 0, rows[i].code);
		assert_int_equal(number.n, rows[i].size);
		assert_int_equal(rd_left(&r), failed(e) ? in.n : 0);
	}
}

/* A sequence of two integers: each prefix is cut, no flip reads past its end. */
static void cut_and_flipped(void **state)
{
	(void)state;
	uint8_t der[] = { 0x30, 0x07, 0x02, 0x01, 0x05, 0x02, 0x02, 0x00, 0xff };
	for (size_t n = 0; n < sizeof(der); n++) {
		bytes body = { 0 };
		struct rd r = rd_of((bytes){ der, n });
		assert_int_equal(der_take(&r, DER_SEQUENCE, &body).site->code, CH_E_TRUNCATED);
		assert_int_equal(rd_left(&r), n);
		der[n] ^= 0xff;
		r = rd_of(BYTES_OF(der));
		if (!failed(der_take(&r, DER_SEQUENCE, &body)))
			assert_true(body.p >= der && body.p + body.n <= der + sizeof(der));
		der[n] ^= 0xff;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_are_the_shortest),
		cmocka_unit_test(integers_are_positive_and_short),
		cmocka_unit_test(cut_and_flipped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
