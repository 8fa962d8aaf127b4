/* A sighting's record: there and back, every prefix, every flip. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wire/sighting.h"

static struct sighting sample(uint8_t family)
{
	struct sighting s = { .code = 3,
			      .client = { .family = family, .ip = { 192, 0, 2, 1 } },
			      .kid = LIT("k1"),
			      .issuer = LIT("https://login.example/home"),
			      .realm = LIT("home"),
			      .location = LIT("imap") };
	for (size_t i = 0; i < sizeof(s.identity); i++)
		s.identity[i] = (uint8_t)(i * 7 + 1);
	return s;
}

static bool same(const struct sighting *a, const struct sighting *b)
{
	return a->code == b->code && a->client.family == b->client.family &&
	       mem_eq(a->client.ip, b->client.ip, sizeof(a->client.ip)) &&
	       mem_eq(a->identity, b->identity, sizeof(a->identity)) && str_eq(a->kid, b->kid) &&
	       str_eq(a->issuer, b->issuer) && str_eq(a->realm, b->realm) &&
	       str_eq(a->location, b->location);
}

static void test_round_trip(void **state)
{
	static const uint8_t families[] = { 0, 4, 6 };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(families); i++) {
		uint8_t room[SIGHTING_MAX];
		struct sighting s = sample(families[i]), back;
		if (families[i] == 0)
			mem_wipe(s.client.ip, sizeof(s.client.ip));
		size_t n = sighting_size(&s);
		sighting_write(room, &s);
		assert_false(failed(sighting_read((bytes){ room, n }, &back)));
		assert_true(same(&s, &back));
		for (size_t k = 0; k < n; k++)
			assert_true(failed(sighting_read((bytes){ room, k }, &back)));
		assert_true(failed(sighting_read((bytes){ room, n + 1 }, &back)));
	}
}

/* A flip is refused, or is another sighting. */
static void test_every_flip(void **state)
{
	uint8_t room[SIGHTING_MAX];
	struct sighting s = sample(4), back;
	(void)state;
	size_t n = sighting_size(&s);
	for (size_t i = 0; i < 8 * n; i++) {
		sighting_write(room, &s);
		room[i / 8] ^= (uint8_t)(1 << i % 8);
		if (!failed(sighting_read((bytes){ room, n }, &back)))
			assert_false(same(&s, &back));
	}
	sighting_write(room, &s);
	room[0] = 2;
	assert_int_equal(ch_code_of(sighting_read((bytes){ room, n }, &back)), CH_E_UNSUPPORTED);
}

static void test_long_texts_are_cut(void **state)
{
	static char text[3 * SIGHTING_TEXT_MAX];
	uint8_t room[SIGHTING_MAX];
	struct sighting s = sample(6), back;
	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = 'a';
	s.kid = s.issuer = s.realm = s.location = (str){ text, sizeof(text) };
	assert_true(sighting_size(&s) <= sizeof(room));
	sighting_write(room, &s);
	assert_false(failed(sighting_read((bytes){ room, sighting_size(&s) }, &back)));
	assert_int_equal(back.location.n, SIGHTING_TEXT_MAX);
}

static void test_repeats(void **state)
{
	uint8_t buf[SIGHTING_REPEATS_HEAD + SIGHTING_MAX];
	const struct sighting_repeats r = { 7, 1700000000000, 1700000009999 };
	struct sighting_repeats r_back;
	struct sighting s = sample(4), back;
	size_t n = SIGHTING_REPEATS_HEAD + sighting_size(&s);
	(void)state;
	sighting_repeats_write(buf, &r);
	sighting_write(buf + SIGHTING_REPEATS_HEAD, &s);
	assert_false(failed(sighting_repeats_read((bytes){ buf, n }, &r_back, &back)));
	assert_true(same(&s, &back) && r_back.more == r.more && r_back.first_ms == r.first_ms &&
		    r_back.last_ms == r.last_ms);
	for (size_t k = 0; k < n; k++)
		assert_true(failed(sighting_repeats_read((bytes){ buf, k }, &r_back, &back)));
	assert_true(failed(sighting_repeats_read((bytes){ buf, n + 1 }, &r_back, &back)));
	for (size_t i = 0; i < 8 * n; i++) {
		buf[i / 8] ^= (uint8_t)(1 << i % 8);
		if (!failed(sighting_repeats_read((bytes){ buf, n }, &r_back, &back)))
			assert_false(same(&s, &back) && r_back.more == r.more &&
				     r_back.first_ms == r.first_ms && r_back.last_ms == r.last_ms);
		buf[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	buf[7] = 0; /* none at all */
	assert_int_equal(ch_code_of(sighting_repeats_read((bytes){ buf, n }, &r_back, &back)),
			 CH_E_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_every_flip),
		cmocka_unit_test(test_long_texts_are_cut),
		cmocka_unit_test(test_repeats),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
