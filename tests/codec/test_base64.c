/* base64 with padding: RFC 4648's vectors, there and back, and one spelling a value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/base64.h"

static const char *const vectors[][2] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
};

static void test_published(void **state)
{
	uint8_t room[32];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		str plain = str_from_c(vectors[i][0]), text = str_from_c(vectors[i][1]);
		struct wr w = wr_of(room, sizeof(room));
		size_t n = 99;
		base64_write(&w, bytes_of_str(plain));
		assert_true(str_eq(wr_text(&w), text));
		assert_int_equal(base64_text_size(plain.n), text.n);
		w = wr_of(room, sizeof(room));
		assert_false(failed(base64_read(text, &w)));
		assert_true(str_eq(wr_text(&w), plain));
		assert_true(base64_ok(text, &n) && n == plain.n);
	}
}

static void test_there_and_back(void **state)
{
	uint8_t plain[80], text[120], back[80];
	(void)state;
	for (size_t n = 0; n <= sizeof(plain); n++) {
		struct wr t = wr_of(text, base64_text_size(n)), b = wr_of(back, n);
		for (size_t i = 0; i < n; i++)
			plain[i] = (uint8_t)(i * 167 + n);
		base64_write(&t, (bytes){ plain, n });
		assert_false(failed(wr_done(&t)));
		assert_false(failed(base64_read(wr_text(&t), &b)));
		assert_true(bytes_eq(wr_bytes(&b), (bytes){ plain, n }));
	}
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"Z",    "Zg",   "Zg=",  "Zm9",    "Zh==", "Zm9=", "Zg==Zg==", "Z===", "====",
		"Zm=v", "Z=9v", "=m9v", "Zm9v\n", "Zm9 ", "Zm9-", "Zm9_",     "Zg=a", "Zm9vZm8==",
	};
	uint8_t room[32];
	size_t n = 0;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct wr w = wr_of(room, sizeof(room));
		wr_char(&w, 'x');
		assert_int_equal(ch_code_of(base64_read(str_from_c(bad[i]), &w)), CH_E_SYNTAX);
		assert_int_equal(w.n, 1);
		assert_false(base64_ok(str_from_c(bad[i]), &n));
	}
	struct wr small = wr_of(room, 5);
	assert_int_equal(ch_code_of(base64_read(LIT("Zm9vYmFy"), &small)), CH_E_FULL);
	small = wr_of(room, 7);
	base64_write(&small, bytes_of_str(LIT("foobar")));
	assert_true(failed(wr_done(&small)));
}

/* Of all texts of four characters that differ in one, no two give the same bytes. */
static void test_one_spelling(void **state)
{
	uint8_t room[3], again[4];
	(void)state;
	for (size_t place = 0; place < 4; place++)
		for (unsigned c = 0; c < 256; c++) {
			char text[] = { 'Z', 'm', '9', 'v' };
			text[place] = (char)c;
			str s = { text, sizeof(text) };
			struct wr w = wr_of(room, sizeof(room)), t = wr_of(again, sizeof(again));
			if (failed(base64_read(s, &w)))
				continue;
			base64_write(&t, wr_bytes(&w));
			assert_true(str_eq(s, wr_text(&t)));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published),
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_one_spelling),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
