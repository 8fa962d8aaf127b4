/* Pushed requests as sealed texts: what we wrote comes back, and nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/key.h"
#include "rules.h"

static const uint8_t key[MAC_KEY_SIZE] = { 1, 2, 3 };
static uint8_t memory[65536];
static char room[PUSHED_URI_MAX];

static struct pushed pushed(void)
{
	return (struct pushed){ .id = { 7, 8, 9 },
				.expires = 1000,
				.used_until = 5000,
				.client_id = LIT("app"),
				.form = LIT("client_id=app&state=x") };
}

static str written(const struct pushed *p)
{
	struct wr w = wr_of(room, sizeof(room));
	assert_false(failed(pushed_write(&w, key, LIT("home"), p)));
	return wr_text(&w);
}

static ch_err read_with(str uri, const uint8_t *k, const char *realm, struct pushed *ret_p)
{
	struct arena a;
	arena_init(&a, memory, sizeof(memory));
	return pushed_read(uri, k, str_from_c(realm), &a, ret_p);
}

static void there_and_back(void **state)
{
	struct pushed p = pushed(), got;
	(void)state;
	for (int begun = 0; begun < 2; begun++) {
		p.begun = begun;
		assert_false(failed(read_with(written(&p), key, "home", &got)));
		assert_memory_equal(got.id, p.id, sizeof(p.id));
		assert_true(got.expires == 1000 && got.used_until == 5000 && got.begun == p.begun);
		assert_true(str_eq(got.client_id, p.client_id) && str_eq(got.form, p.form));
	}
}

static void nothing_else(void **state)
{
	struct pushed p = pushed(), got;
	const uint8_t other[MAC_KEY_SIZE] = { 1, 2, 4 };
	str uri = written(&p);
	(void)state;
	assert_true(failed(read_with(uri, other, "home", &got)));
	assert_true(failed(read_with(uri, key, "corp", &got)));
	for (size_t n = 0; n < uri.n; n++)
		assert_true(failed(read_with((str){ uri.p, n }, key, "home", &got)));
	for (size_t i = 0; i < uri.n; i++) {
		room[i] ^= 1;
		assert_true(failed(read_with(uri, key, "home", &got)));
		room[i] ^= 1;
	}
	assert_false(failed(read_with(uri, key, "home", &got)));
}

static void as_long_as_it_may_be(void **state)
{
	static char form[PUSHED_FORM_MAX + 1];
	static char id[STORE_NAME_MAX];
	struct pushed p = pushed(), got;
	struct wr w = wr_of(room, sizeof(room));
	(void)state;
	memset(form, 'f', sizeof(form));
	memset(id, 'i', sizeof(id));
	p.client_id = (str){ id, sizeof(id) };
	p.form = (str){ form, PUSHED_FORM_MAX };
	assert_false(failed(read_with(written(&p), key, "home", &got)));
	assert_int_equal(got.form.n, PUSHED_FORM_MAX);
	p.form.n++;
	assert_int_equal(ch_code_of(pushed_write(&w, key, LIT("home"), &p)), CH_E_FULL);
}

static void looks(void **state)
{
	(void)state;
	assert_true(pushed_is(LIT("urn:ietf:params:oauth:request_uri:x")));
	assert_false(pushed_is(LIT("https://app.test/request")) || pushed_is((str){ NULL, 0 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(nothing_else),
		cmocka_unit_test(as_long_as_it_may_be),
		cmocka_unit_test(looks),
	};
	assert_false(failed(crypto_init(NULL)));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
