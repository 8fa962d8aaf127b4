/* Scans: each form of a secret is found wherever it stands and however the stream is cut, and
 * nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "fingerprint/fingerprint.h"
#include "fingerprint/forms.h"

enum { STREAM = 6000, PLACE = 2500 };

struct marker {
	struct match_taker taker;
	uint64_t base;
	size_t n, fail_at;
	bool weak;
	uint8_t marked[STREAM];
};

static ch_err take(struct match_taker *t, const struct fingerprint_match *m)
{
	struct marker *k = (struct marker *)t;
	assert_true(m->from >= k->base && m->from - k->base + m->n <= STREAM && m->n > 0);
	if (k->n++ == k->fail_at)
		return ch_fail(CH_E_FULL, "enough", 0);
	memset(k->marked + (m->from - k->base), 1, m->n);
	assert_true(str_eq(m->label, LIT("one")));
	k->weak = m->weak;
	return CH_DONE;
}

static struct marker marker_of(uint64_t base)
{
	return (struct marker){ .taker = { take }, .base = base, .fail_at = SIZE_MAX };
}

static struct secret *secret_of(bytes b)
{
	struct secret *s = NULL;
	assert_false(failed(secret_new(b.n, &s)));
	mem_copy(secret_poke(s), b.p, b.n);
	return s;
}

static ch_err add(struct fingerprints *f, bytes b, enum registered_kind kind, bool weak)
{
	AUTO(secret_done) struct secret *s = secret_of(b);
	return fingerprints_add(f, &(struct registered){ kind, s, weak, LIT("one") });
}

static struct fingerprints *set_of(bytes b, enum registered_kind kind, bool weak)
{
	struct fingerprints *f = NULL;
	assert_false(failed(fingerprints_new(&f)));
	assert_int_equal(ch_code_of(add(f, b, kind, weak)), CH_OK);
	return f;
}

/* Marks what is found when the stream comes in pieces of this size. */
static void scan(const struct fingerprints *f, bytes stream, size_t piece, struct marker *m)
{
	AUTO(fingerprint_scan_done) struct fingerprint_scan *s = NULL;
	assert_false(failed(fingerprint_scan_new(f, &s)));
	for (size_t at = 0; at < stream.n; at += piece) {
		size_t n = stream.n - at < piece ? stream.n - at : piece;
		bytes b = { stream.p + at, n };
		assert_int_equal(ch_code_of(fingerprint_scan_feed(s, m->base + at, b, &m->taker)),
				 CH_OK);
	}
}

static size_t count(const uint8_t *marked, size_t from, size_t to)
{
	size_t n = 0;
	for (size_t i = from; i < to; i++)
		n += marked[i];
	return n;
}

/* In noise, with something around that is of no alphabet. */
static void plant(uint8_t *stream, bytes what)
{
	rand_fill(stream, STREAM);
	stream[PLACE - 1] = stream[PLACE - 2] = 0x80;
	mem_copy(stream + PLACE, what.p, what.n);
	stream[PLACE + what.n] = stream[PLACE + what.n + 1] = 0x80;
}

static const size_t pieces[] = { STREAM, 1, 17, 64, 1000, 2509 };

/* All of it is found, but for `edge` bytes at either end, and nothing else. */
static void expect_found(const struct fingerprints *f, bytes what, size_t edge)
{
	static uint8_t stream[STREAM];
	plant(stream, what);
	for (size_t i = 0; i < COUNT_OF(pieces); i++) {
		struct marker m = marker_of(1000 + i);
		scan(f, BYTES_OF(stream), pieces[i], &m);
		size_t from = PLACE + edge, to = PLACE + what.n - edge;
		assert_int_equal(count(m.marked, from, to), to - from);
		assert_true(count(m.marked, 0, STREAM) <= what.n);
		assert_int_equal(count(m.marked, PLACE, PLACE + what.n),
				 count(m.marked, 0, STREAM));
	}
}

static void expect_none(const struct fingerprints *f, bytes what)
{
	static uint8_t stream[STREAM];
	plant(stream, what);
	struct marker m = marker_of(0);
	scan(f, BYTES_OF(stream), 777, &m);
	assert_int_equal(m.n, 0);
}

struct finder {
	struct form_taker taker;
	const struct fingerprints *set;
	size_t n;
};

static ch_err find(struct form_taker *t, const struct form *form)
{
	struct finder *f = (struct finder *)t;
	if (str_eq(form->name, LIT("le28")))
		return CH_DONE; /* of other machines: not looked for */
	/* the forms of base64 leave out characters that hang on what stands beside the value;
	 * without those the first and the last window may not be whole: see expect_base64 */
	bool wide = str_starts(form->name, LIT("utf16"));
	bool cut = memmem(form->name.p, form->name.n, "base64", 6);
	size_t edge = cut ? (wide ? 50 : 24) : wide;
	if (form->is.n > 2 * edge)
		expect_found(f->set, form->is, edge);
	f->n++;
	return CH_DONE;
}

/* Base64 of the value with something before and behind it, as an encoder writes it. */
static void expect_base64(const struct fingerprints *f, bytes is, size_t before)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t in[1200], out[1700];
	size_t n = before + is.n + 7, k = 0;
	rand_fill(in, sizeof(in));
	mem_copy(in + before, is.p, is.n);
	for (size_t i = 0; i + 3 <= n; i += 3, k += 4) {
		unsigned x = (unsigned)in[i] << 16 | (unsigned)in[i + 1] << 8 | in[i + 2];
		for (unsigned j = 0; j < 4; j++)
			out[k + j] = (uint8_t)alphabet[x >> (18 - 6 * j) & 63];
	}
	static uint8_t stream[STREAM];
	plant(stream, (bytes){ out, k });
	struct marker m = marker_of(0);
	scan(f, BYTES_OF(stream), 999, &m);
	size_t from = PLACE + before * 4 / 3 + 1, to = PLACE + (before + is.n) * 4 / 3;
	assert_int_equal(count(m.marked, from, to), to - from);
	assert_true(count(m.marked, 0, STREAM) <= is.n * 4 / 3 + 3);
}

static void every_form(void **state)
{
	(void)state;
	static const size_t sizes[] = { 16, 17, 20, 31, 32, 33, 48, 66, 128, 256, 300 };
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		uint8_t b[300];
		rand_fill(b, sizes[i]);
		b[0] |= 0x80;
		bytes is = { b, sizes[i] };
		AUTO(fingerprints_done) struct fingerprints *f =
			set_of(is, REGISTERED_NUMBER, false);
		struct finder finder = { { find }, f, 0 };
		assert_false(failed(forms_of(is, true, &finder.taker)));
		assert_true(finder.n >= 12);
		for (size_t before = 0; before < 6; before++)
			expect_base64(f, is, before);
	}
}

static void text(void **state)
{
	(void)state;
	static const char secret[] = "hunter2-Zq8/k+4Lx9!Wv3_Rt7~Yb1$Nc5^";
	bytes is = bytes_of_str(str_from_c(secret));
	AUTO(fingerprints_done) struct fingerprints *f = set_of(is, REGISTERED_TEXT, false);
	struct finder finder = { { find }, f, 0 };
	assert_false(failed(forms_of(is, false, &finder.taker)));
	assert_true(finder.n > 6);
	expect_none(f, bytes_of_str(LIT("hunter3-Zq9/k+5Lx0!Wv4_Rt8~")));
	/* a password of 16 characters, its bytes at both ends of the stream */
	AUTO(fingerprints_done) struct fingerprints *g =
		set_of((bytes){ is.p, 16 }, REGISTERED_TEXT, false);
	struct marker m = marker_of(0);
	scan(g, (bytes){ is.p, 16 }, 3, &m);
	assert_int_equal(count(m.marked, 0, 16), 16);
}

/* Hex is kept as the bytes it stands for: found in either case, and raw. */
static void hex(void **state)
{
	(void)state;
	static const char digits[] = "3f9c1b7e5a2d8064f1e0c9b8a7d65342";
	static const char upper[] = "3F9C1B7E5A2D8064F1E0C9B8A7D65342";
	static const uint8_t raw[] = { 0x3f, 0x9c, 0x1b, 0x7e, 0x5a, 0x2d, 0x80, 0x64,
				       0xf1, 0xe0, 0xc9, 0xb8, 0xa7, 0xd6, 0x53, 0x42 };
	AUTO(fingerprints_done) struct fingerprints *f =
		set_of(bytes_of_str(str_from_c(digits)), REGISTERED_TEXT, false);
	expect_found(f, bytes_of_str(str_from_c(digits)), 0);
	expect_found(f, bytes_of_str(str_from_c(upper)), 0);
	expect_found(f, BYTES_OF(raw), 0);
	/* behind what the alphabet has not, on any grid of bytes */
	for (size_t n = 0; n < 17; n++) {
		char around[60] = "abcdefghijklmnopq";
		around[n] = ',';
		mem_copy(around + n + 1, digits, 32);
		around[n + 33] = '.';
		static uint8_t stream[STREAM];
		plant(stream, (bytes){ (const uint8_t *)around, n + 34 });
		struct marker m = marker_of(0);
		scan(f, BYTES_OF(stream), STREAM, &m);
		assert_int_equal(count(m.marked, PLACE + n + 1, PLACE + n + 33), 32);
	}
	/* behind other digits, in either phase */
	expect_found(f, bytes_of_str(LIT("a3f9c1b7e5a2d8064f1e0c9b8a7d65342")), 1);
	expect_found(f, bytes_of_str(LIT("c03f9c1b7e5a2d8064f1e0c9b8a7d65342")), 2);
}

/* A text in base64 in UTF-16, and hex in base64. */
static void one_in_the_other(void **state)
{
	(void)state;
	static const char digits[] = "3f9c1b7e5a2d8064f1e0c9b8a7d65342";
	AUTO(fingerprints_done) struct fingerprints *f =
		set_of(bytes_of_str(str_from_c(digits)), REGISTERED_TEXT, false);
	for (size_t before = 0; before < 6; before++)
		expect_base64(f, bytes_of_str(str_from_c(digits)), before);
	/* base64 of the bytes 3f 9c …, in UTF-16 */
	static const char text[] = "P5wbflotgGTx4Mm4p9ZTQg==";
	uint8_t wide[2 * 22] = { 0 };
	for (size_t i = 0; i < 22; i++)
		wide[2 * i] = (uint8_t)text[i];
	expect_found(f, BYTES_OF(wide), 1);
	for (size_t i = 0; i < 22; i++) {
		wide[2 * i + 1] = (uint8_t)text[i];
		wide[2 * i] = 0;
	}
	expect_found(f, BYTES_OF(wide), 1);
}

/* Of what is found between line breaks: every character, and of breaks what may be. */
static void expect_letters(const struct fingerprints *f, bytes what)
{
	static uint8_t stream[STREAM];
	plant(stream, what);
	for (size_t i = 0; i < COUNT_OF(pieces); i++) {
		struct marker m = marker_of(0);
		scan(f, BYTES_OF(stream), pieces[i], &m);
		size_t in_line = 0;
		for (size_t k = PLACE; k < PLACE + what.n; k++) {
			bool alone = stream[k - 1] == '\\' || stream[k] <= ' ' || stream[k] == '\\';
			in_line += !alone;
			assert_true(alone || m.marked[k]);
		}
		assert_int_equal(in_line, 342);
		assert_int_equal(count(m.marked, 0, PLACE), 0);
	}
}

static const char *const breaks[] = { "\n", "\r\n", "\\n", "\\r\\n", "\n    ", "\n\t\t" };

/* As PEM, YAML and JSON break lines: the secret is whole but for what stands between. */
static void broken_lines(void **state)
{
	(void)state;
	uint8_t b[256];
	rand_fill(b, sizeof(b));
	AUTO(fingerprints_done) struct fingerprints *f =
		set_of(BYTES_OF(b), REGISTERED_BYTES, false);
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < COUNT_OF(breaks); i++) {
		uint8_t out[800];
		struct wr w = wr_of(out, sizeof(out));
		for (size_t k = 0; k < 342; k++) {
			size_t bit = 6 * k;
			unsigned two = (unsigned)b[bit / 8] << 8 |
				       (bit / 8 + 1 < 256 ? b[bit / 8 + 1] : 0);
			wr_char(&w, alphabet[two >> (10 - bit % 8) & 63]);
			if (k % 64 == 20 + i)
				wr_str(&w, str_from_c(breaks[i]));
		}
		expect_letters(f, wr_bytes(&w));
	}
}

/* Half of it is still caught, whichever half. */
static void parts(void **state)
{
	(void)state;
	uint8_t b[128];
	rand_fill(b, sizeof(b));
	b[0] |= 1;
	AUTO(fingerprints_done) struct fingerprints *f =
		set_of(BYTES_OF(b), REGISTERED_NUMBER, false);
	for (size_t from = 0; from + 31 <= sizeof(b); from++) {
		static uint8_t stream[STREAM];
		plant(stream, (bytes){ b + from, 31 });
		struct marker m = marker_of(0);
		scan(f, BYTES_OF(stream), 640, &m);
		assert_true(count(m.marked, PLACE, PLACE + 31) >= 16);
	}
}

static void jump_and_weak(void **state)
{
	(void)state;
	static const char low[] = "correct horse battery staple";
	AUTO(fingerprints_done) struct fingerprints *f =
		set_of(bytes_of_str(str_from_c(low)), REGISTERED_TEXT, true);
	AUTO(fingerprint_scan_done) struct fingerprint_scan *s = NULL;
	struct marker m = marker_of(0);
	bytes b = bytes_of_str(str_from_c(low));
	assert_false(failed(fingerprint_scan_new(f, &s)));
	assert_false(failed(fingerprint_scan_feed(s, 10, (bytes){ b.p, 10 }, &m.taker)));
	/* not where the rest would be */
	assert_false(failed(fingerprint_scan_feed(s, 21, (bytes){ b.p + 13, 15 }, &m.taker)));
	assert_int_equal(count(m.marked, 0, 31), 0);
	assert_false(failed(fingerprint_scan_feed(s, 100, b, &m.taker)));
	assert_int_equal(count(m.marked, 100, 100 + b.n), b.n);
	assert_true(m.weak);
	m.fail_at = m.n;
	assert_int_equal(ch_code_of(fingerprint_scan_feed(s, 500, b, &m.taker)), CH_E_FULL);
}

/* Whatever is fed, there is an end; and what repeats itself is checked once. */
static void bounded(void **state)
{
	(void)state;
	enum { SIZE = 1 << 20 };
	uint8_t b[256], *big = malloc(SIZE);
	AUTO(fingerprints_done) struct fingerprints *f = NULL;
	AUTO(fingerprint_scan_done) struct fingerprint_scan *s = NULL;
	assert_non_null(big);
	assert_false(failed(fingerprints_new(&f)));
	for (size_t i = 0; i < 16; i++) {
		rand_fill(b, sizeof(b));
		assert_false(failed(add(f, BYTES_OF(b), REGISTERED_NUMBER, false)));
	}
	assert_false(failed(fingerprint_scan_new(f, &s)));
	struct marker m = marker_of(0);
	rand_fill(big, SIZE);
	for (size_t i = 0; i < 8; i++)
		assert_false(
			failed(fingerprint_scan_feed(s, i * SIZE, (bytes){ big, SIZE }, &m.taker)));
	/* about SIZE * windows / 2^24 = 64 of the first piece, none of the others */
	assert_in_range(fingerprint_scan_checks(s), 10, 200);
	memset(big, 'A', SIZE);
	assert_false(failed(fingerprint_scan_feed(s, 0, (bytes){ big, SIZE }, &m.taker)));
	for (size_t i = 0; i < SIZE; i++)
		big[i] = i % 2 ? 0 : 'x';
	assert_false(failed(fingerprint_scan_feed(s, 0, (bytes){ big, SIZE }, &m.taker)));
	assert_int_equal(m.n, 0);
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form),    cmocka_unit_test(text),
		cmocka_unit_test(hex),           cmocka_unit_test(one_in_the_other),
		cmocka_unit_test(broken_lines),  cmocka_unit_test(parts),
		cmocka_unit_test(jump_and_weak), cmocka_unit_test(bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
