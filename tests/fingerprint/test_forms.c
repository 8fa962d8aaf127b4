/* The forms of a value, against encoders that are not ours to check here and against words
 * written out by other means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "codec/base64url.h"
#include "fingerprint/forms.h"

/* All that were given. */
struct taken {
	struct form_taker taker;
	size_t n, fail_at;
	struct form forms[FORMS_MAX];
	uint8_t text[FORMS_MAX * FORM_SIZE_MAX];
	size_t used;
};

static ch_err take(struct form_taker *t, const struct form *f)
{
	struct taken *s = (struct taken *)t;
	if (s->n == s->fail_at)
		return ch_fail(CH_E_LIMIT, "enough", s->n);
	assert_true(s->n < FORMS_MAX && f->is.n <= sizeof(s->text) - s->used);
	mem_copy(s->text + s->used, f->is.p, f->is.n);
	s->forms[s->n++] = (struct form){ f->name, { s->text + s->used, f->is.n } };
	s->used += f->is.n;
	return CH_DONE;
}

static struct taken taken;

static const struct taken *forms(bytes b, bool number)
{
	taken.taker.take = take;
	taken.n = taken.used = 0;
	taken.fail_at = SIZE_MAX;
	assert_false(failed(forms_of(b, number, &taken.taker)));
	return &taken;
}

static bool has(const struct taken *t, const char *name, const void *p, size_t n)
{
	for (size_t i = 0; i < t->n; i++) {
		if (str_eq(t->forms[i].name, str_from_c(name)) &&
		    bytes_eq(t->forms[i].is, (bytes){ p, n }))
			return true;
	}
	return false;
}

static const uint8_t number[33] = "\x0b\x30\x55\x7a\x9f\xc4\xe9\x0e\x33\x58\x7d\xa2\xc7\xec\x11\x36"
				  "\x5b\x80\xa5\xca\xef\x14\x39\x5e\x83\xa8\xcd\xf2\x17\x3c\x61\x86"
				  "\xab";
static const uint8_t w32be[36] = "\x0b\x00\x00\x00\x9f\x7a\x55\x30\x33\x0e\xe9\xc4\xc7\xa2\x7d\x58"
				 "\x5b\x36\x11\xec\xef\xca\xa5\x80\x83\x5e\x39\x14\x17\xf2\xcd\xa8"
				 "\xab\x86\x61\x3c";
static const uint8_t le30[36] = "\xab\x86\x61\x3c\x5c\xc8\x37\x23\x3a\xe8\x95\x03\xc5\xbb\x72\x29"
				"\x80\x5b\x36\x11\xb0\x1f\x8b\x36\x87\x35\xe3\x10\x3a\xf1\xa7\x1e"
				"\x55\x30\x0b\x00";
static const uint8_t le28[40] = "\xab\x86\x61\x0c\x73\x21\xdf\x0c\xa8\x83\x5e\x09\x43\xf1\xae\x0c"
				"\xa5\x80\x5b\x06\x13\xc1\x7e\x0c\xa2\x7d\x58\x03\xe3\x90\x4e\x0c"
				"\x9f\x7a\x55\x00\xb3\x00\x00\x00";
static const uint8_t le60[40] = "\xab\x86\x61\x3c\x17\xf2\xcd\x08\x3a\xe8\x95\x43\xf1\xae\x5c\x0a"
				"\x80\x5b\x36\x11\xec\xc7\xa2\x0d\x87\x35\xe3\x90\x4e\xfc\xa9\x07"
				"\x55\x30\x0b\x00\x00\x00\x00\x00";

static void numbers(void **state)
{
	(void)state;
	uint8_t le[33];
	for (size_t i = 0; i < sizeof(le); i++)
		le[i] = number[32 - i];
	const struct taken *t = forms(BYTES_OF(number), true);
	assert_true(bytes_eq(t->forms[0].is, BYTES_OF(number)));
	assert_true(has(t, "be", number, 33));
	assert_true(has(t, "le", le, 33));
	assert_true(has(t, "w32be", w32be, 36));
	assert_true(has(t, "le30", le30, 36));
	assert_true(has(t, "le28", le28, sizeof(le28)));
	assert_true(has(t, "le60", le60, sizeof(le60)));
	static const char hex[] =
		"0b30557a9fc4e90e33587da2c7ec11365b80a5caef14395e83a8cdf2173c6186ab";
	static const char up[] =
		"0B30557A9FC4E90E33587DA2C7EC11365B80A5CAEF14395E83A8CDF2173C6186AB";
	assert_true(has(t, "hex", hex, 66));
	assert_true(has(t, "HEX", up, 66));
}

static void leading_zeros_are_cut(void **state)
{
	(void)state;
	uint8_t padded[40] = { 0 };
	mem_copy(padded + 7, number, 33);
	const struct taken *t = forms(BYTES_OF(padded), true);
	assert_true(has(t, "be", number, 33));
	assert_true(has(t, "w32be", w32be, 36));
	/* of bytes nothing is cut */
	t = forms(BYTES_OF(padded), false);
	assert_true(has(t, "raw", padded, 40));
	assert_false(has(t, "w32be", w32be, 36));
}

static bool contains(bytes b, bytes in)
{
	return memmem(b.p, b.n, in.p, in.n);
}

static size_t named(const struct taken *t, const char *name)
{
	size_t n = 0;
	for (size_t i = 0; i < t->n; i++)
		n += str_eq(t->forms[i].name, str_from_c(name));
	return n;
}

/* Whatever stands around a value in what is encoded, one phase is in the text, and misses
 * at most two characters at either end. */
static void base64_in_any_place(void **state)
{
	(void)state;
	uint8_t around[120], text[200];
	for (size_t n = 24; n < 60; n++) {
		for (size_t before = 0; before < 6; before++) {
			rand_fill(around, sizeof(around));
			struct wr w = wr_of(text, sizeof(text));
			base64url_write(&w, (bytes){ around, before + n + n % 5 });
			const struct taken *t = forms((bytes){ around + before, n }, false);
			size_t hits = 0;
			for (size_t i = 0; i < t->n; i++) {
				bool is = str_eq(t->forms[i].name, LIT("base64url")) ||
					  str_eq(t->forms[i].name, LIT("base64"));
				hits += is && contains(wr_bytes(&w), t->forms[i].is) &&
					t->forms[i].is.n + 2 >= n * 4 / 3;
			}
			assert_in_range(hits, 1, 2);
		}
	}
}

static void base64_of_known_text(void **state)
{
	(void)state;
	static const char text[] = "any carnal pleas>>>???";
	const struct taken *t = forms((bytes){ (const uint8_t *)text, 22 }, false);
	assert_true(has(t, "raw", text, 22));
	assert_true(has(t, "base64", "YW55IGNhcm5hbCBwbGVhcz4+Pj8/P", 29));
	assert_true(has(t, "base64url", "YW55IGNhcm5hbCBwbGVhcz4-Pj8_P", 29));
	assert_int_equal(named(t, "base64"), 3);
	assert_int_equal(named(t, "hex"), 0);
	uint8_t wide[44] = { 0 };
	for (size_t i = 0; i < 22; i++)
		wide[2 * i] = (uint8_t)text[i];
	assert_true(has(t, "utf16le", wide, 44));
	for (size_t i = 0; i < 22; i++) {
		wide[2 * i + 1] = (uint8_t)text[i];
		wide[2 * i] = 0;
	}
	assert_true(has(t, "utf16be", wide, 44));
	assert_int_equal(named(t, "utf16le base64"), 3);
	/* without + and / both alphabets say the same */
	t = forms(bytes_of_str(LIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")), false);
	assert_int_equal(named(t, "base64url"), 0);
}

static void short_ones(void **state)
{
	(void)state;
	const struct taken *t = forms(bytes_of_str(LIT("hunter2")), false);
	assert_int_equal(t->n, 3);
	assert_true(has(t, "utf16le", "h\0u\0n\0t\0e\0r\0002\0", 14));
	t = forms(BYTES_OF(((uint8_t[]){ 1, 2, 3, 4, 5 })), false);
	assert_int_equal(t->n, 1);
}

static void nothing_short_and_nothing_twice(void **state)
{
	(void)state;
	uint8_t b[80];
	for (unsigned round = 0; round < 200; round++) {
		rand_fill(b, sizeof(b));
		if (round % 3 == 0)
			mem_zero(b + 1, round % 60);
		b[0] |= 1; /* else a number is shorter than it says */
		size_t n = 16 + round % 64;
		const struct taken *t = forms((bytes){ b, n }, round % 2);
		for (size_t i = 0; i < t->n; i++) {
			assert_true(t->forms[i].is.n >= 15);
			for (size_t k = 0; k < i; k++)
				assert_false(bytes_eq(t->forms[i].is, t->forms[k].is));
		}
	}
}

static void limits(void **state)
{
	(void)state;
	static uint8_t big[FORM_VALUE_MAX + 1] = { 1 };
	taken.taker.take = take;
	assert_int_equal(forms_of((bytes){ big, 0 }, false, &taken.taker).site->code, CH_E_RANGE);
	assert_int_equal(forms_of((bytes){ big + 1, 30 }, true, &taken.taker).site->code,
			 CH_E_RANGE);
	assert_int_equal(forms_of(BYTES_OF(big), false, &taken.taker).site->code, CH_E_RANGE);
	rand_fill(big + 1, sizeof(big) - 1);
	const struct taken *t = forms((bytes){ big, FORM_VALUE_MAX }, true);
	assert_true(t->n > 20);
	/* what the taker says is handed on */
	taken.n = taken.used = 0;
	taken.fail_at = 2;
	assert_int_equal(forms_of(BYTES_OF(number), true, &taken.taker).site->code, CH_E_LIMIT);
	assert_int_equal(taken.n, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(leading_zeros_are_cut),
		cmocka_unit_test(base64_in_any_place),
		cmocka_unit_test(base64_of_known_text),
		cmocka_unit_test(short_ones),
		cmocka_unit_test(nothing_short_and_nothing_twice),
		cmocka_unit_test(limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
