/* base64url: the vectors of RFC 4648 section 10, and that a value has one text only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/base64url.h"
#include "plain.h"

/* LIT for tables */
#define S(literal)                           \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

static const struct {
	str plain, text;
} vectors[] = {
	{ S(""), S("") },
	{ S("f"), S("Zg") },
	{ S("fo"), S("Zm8") },
	{ S("foo"), S("Zm9v") },
	{ S("foob"), S("Zm9vYg") },
	{ S("fooba"), S("Zm9vYmE") },
	{ S("foobar"), S("Zm9vYmFy") },
	{ S("\xfb\xff\xfe"), S("-__-") },
};

static ch_err decode(str text, uint8_t *buf, size_t cap, size_t *ret_n)
{
	struct wr w = wr_of(buf, cap);
	TRY(base64url_read(text, &w));
	*ret_n = w.n;
	return CH_DONE;
}

static void published_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		uint8_t buf[16];
		size_t n = 99;
		struct wr w = wr_of(buf, sizeof(buf));
		base64url_write(&w, bytes_of_str(vectors[i].plain));
		assert_true(str_eq(wr_text(&w), vectors[i].text));
		assert_int_equal(base64url_text_size(vectors[i].plain.n), vectors[i].text.n);
		assert_false(failed(decode(vectors[i].text, buf, sizeof(buf), &n)));
		assert_true(bytes_eq((bytes){ buf, n }, bytes_of_str(vectors[i].plain)));
		assert_int_equal(base64url_byte_size(vectors[i].text.n), n);
	}
}

static const struct {
	str text;
	uint64_t at;
} refused[] = {
	{ S("Zg=="), 2 },   { S("Zm8="), 3 },       { S("Z"), 1 },     { S("Zm9vY"), 5 },
	{ S("Zh"), 1 },     { S("Zm9"), 2 },        { S("Zm9 v"), 5 }, { S("Zm9v\n"), 5 },
	{ S(" Zm9v"), 5 },  { S("+/+/"), 0 },       { S("Zm9\0"), 3 }, { S("Zm9v\nZm8"), 4 },
	{ S("Zm9vZ."), 5 }, { S("Zm9vZm\xc3"), 6 },
};

static void other_spellings_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		uint8_t buf[16];
		size_t n = 99;
		ch_err e = decode(refused[i].text, buf, sizeof(buf), &n);
		assert_int_equal(ch_code_of(e), CH_E_SYNTAX);
		assert_int_equal(e.detail, refused[i].at);
		assert_int_equal(n, 99);
	}
}

/* Of all texts of two, three and four characters over all bytes in the last place,
 * exactly those decode that encode back to themselves. */
static void one_text_per_value(void **state)
{
	(void)state;
	for (size_t n = 2; n <= 4; n++) {
		size_t good = 0;
		for (unsigned c = 0; c < 256; c++) {
			char text[4] = { 'Z', 'm', '9', 'v' };
			uint8_t buf[4], again[8];
			size_t size = 0;
			text[n - 1] = (char)c;
			if (failed(decode((str){ text, n }, buf, sizeof(buf), &size)))
				continue;
			struct wr w = wr_of(again, sizeof(again));
			base64url_write(&w, (bytes){ buf, size });
			assert_true(str_eq(wr_text(&w), (str){ text, n }));
			good++;
		}
		assert_int_equal(good, n == 2 ? 4 : n == 3 ? 16 : 64);
	}
}

/* Every length to 70, every byte at every place: as the plain decoder says. */
static void as_the_plain_decoder(void **state)
{
	(void)state;
	static const char sample[] =
		"eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFUzI1NiIsImtpZCI6IjIwMjYtMTEtMTAwIn0_-AgQw9Z";
	for (size_t n = 0; n <= 70; n++)
		for (size_t i = 0; i < (n ? n : 1) * 256; i++) {
			char text[70];
			uint8_t fast[70], plain[70];
			size_t fast_n = 0, plain_n = 0;
			mem_copy(text, sample, n);
			if (n)
				text[i / 256] = (char)(i % 256);
			bool good = plain_base64url((str){ text, n }, plain, &plain_n);
			assert_int_equal(
				!failed(decode((str){ text, n }, fast, sizeof(fast), &fast_n)),
				good);
			if (good)
				assert_true(bytes_eq((bytes){ fast, fast_n },
						     (bytes){ plain, plain_n }));
		}
}

static void room_is_checked(void **state)
{
	(void)state;
	uint8_t buf[8] = { 0 };
	for (size_t cap = 0; cap < 6; cap++) {
		struct wr w = wr_of(buf, cap);
		assert_int_equal(ch_code_of(base64url_read(LIT("Zm9vYmFy"), &w)), CH_E_FULL);
		struct wr t = wr_of(buf, cap + 2);
		base64url_write(&t, bytes_of_str(LIT("foobar")));
		assert_true(t.full);
	}
	/* a failure leaves what was written before */
	struct wr w = wr_of(buf, sizeof(buf));
	wr_lit(&w, "ab");
	assert_true(failed(base64url_read(LIT("Zm9!"), &w)));
	assert_true(str_eq(wr_text(&w), LIT("ab")));
	assert_false(w.full);
	assert_false(failed(base64url_read(LIT("Zm9v"), &w)));
	assert_true(str_eq(wr_text(&w), LIT("abfoo")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vectors),  cmocka_unit_test(other_spellings_are_refused),
		cmocka_unit_test(one_text_per_value), cmocka_unit_test(as_the_plain_decoder),
		cmocka_unit_test(room_is_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
