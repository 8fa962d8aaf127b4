/* The set: what is refused, what is there twice, and files that are damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rand.h"
#include "fingerprint/fingerprint.h"

static uint8_t room[FINGERPRINTS_BYTES_MAX];

static enum ch_code add(struct fingerprints *f, bytes b, enum registered_kind kind, bool weak,
			const char *label)
{
	AUTO(secret_done) struct secret *s = NULL;
	assert_false(failed(secret_new(b.n, &s)));
	mem_copy(secret_poke(s), b.p, b.n);
	return ch_code_of(
		fingerprints_add(f, &(struct registered){ kind, s, weak, str_from_c(label) }));
}

static enum ch_code add_text(struct fingerprints *f, const char *text, bool weak)
{
	return add(f, bytes_of_str(str_from_c(text)), REGISTERED_TEXT, weak, "l");
}

static struct fingerprints *new_set(void)
{
	struct fingerprints *f = NULL;
	assert_false(failed(fingerprints_new(&f)));
	return f;
}

static size_t windows_of(const struct fingerprints *f, size_t i)
{
	str label;
	bool weak;
	size_t n;
	fingerprints_at(f, i, &label, &weak, &n);
	return n;
}

static void plainly_not_random(void **state)
{
	(void)state;
	AUTO(fingerprints_done) struct fingerprints *f = new_set();
	static const char *const poor[] = {
		"aaaaaaaaaaaaaaaaaaaaaaaa",
		"correct-horse-battery-staple",
		"4111111111111111",
		"3141592653589793238462643383",
		"123e4567-e89b-12d3-a456-426614174000",
		"deadbeefdeadbeef",
		"00000000000000000000000000000000",
	};
	for (size_t i = 0; i < COUNT_OF(poor); i++) {
		assert_int_equal(add_text(f, poor[i], false), CH_E_MISMATCH);
		assert_int_equal(fingerprints_count(f), 0);
	}
	for (size_t i = 0; i + 1 < COUNT_OF(poor); i++)
		assert_int_equal(add_text(f, poor[i], true), CH_OK);
	/* zeros are no secret, whoever says so */
	assert_int_equal(add_text(f, poor[COUNT_OF(poor) - 1], true), CH_E_MISMATCH);
	assert_int_equal(fingerprints_count(f), 1);
}

static void lengths(void **state)
{
	(void)state;
	static uint8_t big[16 * 1024 + 1];
	AUTO(fingerprints_done) struct fingerprints *f = new_set();
	rand_fill(big, sizeof(big));
	assert_int_equal(add_text(f, "Xk3#9fLq2!bV7@z", true), CH_E_RANGE);
	assert_int_equal(add_text(f, "Xk3#9fLq2!bV7@zR", false), CH_OK);
	assert_int_equal(windows_of(f, 0), 1);
	assert_int_equal(add(f, BYTES_OF(big), REGISTERED_BYTES, false, "big"), CH_E_RANGE);
	bytes most = { big, sizeof(big) - 1 };
	assert_int_equal(add(f, most, REGISTERED_BYTES, false, "big"), CH_OK);
	assert_int_equal(windows_of(f, 1), 4 * 1024 - 3 + 3);
	/* a number is as long as it is without its zeros */
	uint8_t number[32] = { 0 };
	rand_fill(number + 17, 15);
	number[17] |= 1;
	assert_int_equal(add(f, BYTES_OF(number), REGISTERED_NUMBER, false, "n"), CH_E_RANGE);
	number[16] = 1;
	assert_int_equal(add(f, BYTES_OF(number), REGISTERED_NUMBER, false, "n"), CH_OK);
}

static void labels(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "/", "a/", "/a", "a/b/c", "a b", ".a", "a\n" };
	AUTO(fingerprints_done) struct fingerprints *f = new_set();
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(add(f, bytes_of_str(LIT("Xk3#9fLq2!bV7@zR")), REGISTERED_TEXT,
				     false, bad[i]),
				 CH_E_SYNTAX);
	assert_true(fingerprint_label_ok(LIT("home/2Yt-x_.9")));
	char room64[66];
	memset(room64, 'a', sizeof(room64));
	assert_true(fingerprint_label_ok((str){ room64, 64 }));
	assert_false(fingerprint_label_ok((str){ room64, 65 }));
}

static void twice_and_away(void **state)
{
	(void)state;
	uint8_t b[3][32];
	AUTO(fingerprints_done) struct fingerprints *f = new_set();
	rand_fill(b, sizeof(b));
	assert_int_equal(add(f, BYTES_OF(b[0]), REGISTERED_NUMBER, false, "a"), CH_OK);
	assert_int_equal(add(f, BYTES_OF(b[0]), REGISTERED_NUMBER, false, "a"), CH_E_EXISTS);
	assert_int_equal(add(f, BYTES_OF(b[1]), REGISTERED_NUMBER, false, "a"), CH_OK);
	assert_int_equal(add(f, BYTES_OF(b[0]), REGISTERED_NUMBER, false, "b"), CH_OK);
	assert_int_equal(add(f, BYTES_OF(b[2]), REGISTERED_NUMBER, true, "c"), CH_OK);
	assert_int_equal(fingerprints_count(f), 3);
	size_t n = windows_of(f, 0);
	assert_int_equal(windows_of(f, 1) * 2, n);
	assert_int_equal(ch_code_of(fingerprints_remove(f, LIT("x"))), CH_E_NOT_FOUND);
	assert_int_equal(ch_code_of(fingerprints_remove(f, LIT("a"))), CH_OK);
	assert_int_equal(fingerprints_count(f), 2);
	str label;
	bool weak;
	fingerprints_at(f, 1, &label, &weak, &n);
	assert_true(str_eq(label, LIT("c")) && weak && n == windows_of(f, 0));
}

static void full(void **state)
{
	(void)state;
	static uint8_t big[16 * 1024];
	AUTO(fingerprints_done) struct fingerprints *f = new_set();
	enum ch_code code = CH_OK;
	size_t n = 0;
	for (; code == CH_OK && n < 100; n++) {
		rand_fill(big, sizeof(big));
		code = add(f, BYTES_OF(big), REGISTERED_BYTES, false, "a");
	}
	assert_int_equal(code, CH_E_LIMIT);
	assert_int_equal(n, FINGERPRINTS_MAX / 4096 + 1);
	/* the one that did not fit left nothing behind */
	size_t most = windows_of(f, 0);
	assert_in_range(most, FINGERPRINTS_MAX - 4096, FINGERPRINTS_MAX);
	struct wr w = wr_of(room, sizeof(room));
	fingerprints_write(f, &w);
	assert_int_equal(ch_code_of(wr_done(&w)), CH_OK);
	assert_int_equal(ch_code_of(fingerprints_remove(f, LIT("a"))), CH_OK);
	AUTO(fingerprints_done) struct fingerprints *g = NULL;
	assert_int_equal(ch_code_of(fingerprints_read(wr_bytes(&w), &g)), CH_OK);
	assert_int_equal(windows_of(g, 0), most);
	/* and as many labels as there may be */
	for (n = 0; n <= FINGERPRINT_LABELS_MAX; n++) {
		char name[16];
		struct wr l = wr_of(name, sizeof(name) - 1);
		wr_lit(&l, "l");
		wr_dec(&l, n);
		name[l.n] = 0;
		rand_fill(big, 16);
		code = add(f, (bytes){ big, 16 }, REGISTERED_BYTES, false, name);
		assert_int_equal(code, n == FINGERPRINT_LABELS_MAX ? CH_E_LIMIT : CH_OK);
	}
}

static bytes some_file(void)
{
	AUTO(fingerprints_done) struct fingerprints *f = new_set();
	uint8_t b[32];
	rand_fill(b, sizeof(b));
	assert_int_equal(add(f, BYTES_OF(b), REGISTERED_NUMBER, false, "home/k"), CH_OK);
	assert_int_equal(add_text(f, "correct horse battery staple", true), CH_OK);
	struct wr w = wr_of(room, sizeof(room));
	fingerprints_write(f, &w);
	assert_false(w.full);
	return wr_bytes(&w);
}

static enum ch_code read_code(bytes b)
{
	AUTO(fingerprints_done) struct fingerprints *f = NULL;
	ch_err e = fingerprints_read(b, &f);
	assert_true(failed(e) == !f);
	return ch_code_of(e);
}

static void damaged_files(void **state)
{
	(void)state;
	static uint8_t copy[8192];
	bytes b = some_file();
	assert_true(b.n < sizeof(copy));
	assert_int_equal(read_code(b), CH_OK);
	for (size_t n = 0; n < b.n; n++)
		assert_int_equal(read_code((bytes){ b.p, n }), CH_E_SYNTAX);
	for (size_t i = 0; i < b.n; i++) {
		mem_copy(copy, b.p, b.n);
		copy[i] ^= (uint8_t)(1U << i % 8);
		assert_int_equal(read_code((bytes){ copy, b.n }), CH_E_SYNTAX);
	}
	mem_copy(copy, b.p, b.n);
	assert_int_equal(read_code((bytes){ copy, b.n + 1 }), CH_E_SYNTAX);
}

/* Nothing of a secret is in the file, in no form. */
static void says_nothing(void **state)
{
	(void)state;
	static const char text[] = "Xk3#9fLq2!bV7@zR8Tn";
	AUTO(fingerprints_done) struct fingerprints *f = new_set();
	assert_int_equal(add_text(f, text, false), CH_OK);
	struct wr w = wr_of(room, sizeof(room));
	fingerprints_write(f, &w);
	for (size_t i = 0; i + 4 <= sizeof(text) - 1; i++)
		assert_null(memmem(room, w.n, text + i, 4));
	/* and the same secret in two registries looks different */
	AUTO(fingerprints_done) struct fingerprints *g = new_set();
	static uint8_t other[4096];
	assert_int_equal(add_text(g, text, false), CH_OK);
	struct wr v = wr_of(other, sizeof(other));
	fingerprints_write(g, &v);
	assert_int_equal(v.n, w.n);
	assert_memory_not_equal(room + 60, other + 60, w.n - 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plainly_not_random),
		cmocka_unit_test(lengths),
		cmocka_unit_test(labels),
		cmocka_unit_test(twice_and_away),
		cmocka_unit_test(full),
		cmocka_unit_test(damaged_files),
		cmocka_unit_test(says_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
