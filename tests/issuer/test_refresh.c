/* Refresh tokens: their text and their code, and what becomes of each at each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rules.h"

static const uint8_t key[MAC_KEY_SIZE] = { [0 ... MAC_KEY_SIZE - 1] = 0x42 };

static struct store_grant grant(void)
{
	struct store_grant g = { .id = LIT("AAECAwQFBgcICQoLDA0ODw"),
				 .realm = LIT("home"),
				 .client_id = LIT("app"),
				 .created = 1000,
				 .rotated = 5000,
				 .expires = 100000,
				 .seq = 7 };
	for (uint8_t i = 0; i < sizeof(g.salt); i++)
		g.salt[i] = i;
	return g;
}

static const struct issuer_realm realm = {
	.refresh_ttl_s = 50000,
	.refresh_idle_s = 20000,
	.refresh_window_s = 60,
};

/* The code was made by another program (Python's hmac) from the layout in refresh.c. */
#define CODE "4XhO1pGtfuytGxKwNNw-Vx1Q3zQ6xBIwxv8_LDM0xW0"
#define KNOWN "rt.AAECAwQFBgcICQoLDA0ODw.7." CODE

static bool is_genuine(str text)
{
	struct refresh_token t;
	struct store_grant g = grant();
	return !failed(refresh_token_read(text, &t)) && refresh_token_genuine(key, &g, &t);
}

static void text_and_code(void **state)
{
	uint8_t room[REFRESH_TOKEN_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct store_grant g = grant();
	struct refresh_token t;
	(void)state;
	refresh_token_write(&w, key, &g, 7);
	assert_true(str_eq(wr_text(&w), LIT(KNOWN)));
	assert_false(failed(refresh_token_read(LIT(KNOWN), &t)));
	assert_true(t.seq == 7 && str_eq(t.grant_id, g.id));
	assert_true(is_genuine(LIT(KNOWN)));
	w = wr_of(room, sizeof(room));
	refresh_token_write(&w, key, &g, INT64_MAX);
	assert_false(w.full);
	assert_true(is_genuine(wr_text(&w)));
}

/* Whatever the code covers makes another one. */
static void code_covers(void **state)
{
	struct refresh_token t;
	struct store_grant g = grant();
	uint8_t other[MAC_KEY_SIZE] = { 0 };
	(void)state;
	assert_false(failed(refresh_token_read(LIT(KNOWN), &t)));
	assert_false(refresh_token_genuine(other, &g, &t));
	g.realm = LIT("corp");
	assert_false(refresh_token_genuine(key, &g, &t));
	g = grant();
	g.id = LIT("AAECAwQFBgcICQoLDA0ODg");
	assert_false(refresh_token_genuine(key, &g, &t));
	g = grant();
	g.salt[31] ^= 1;
	assert_false(refresh_token_genuine(key, &g, &t));
	g = grant();
	t.seq++;
	assert_false(refresh_token_genuine(key, &g, &t));
}

static void every_prefix_and_every_bit(void **state)
{
	struct refresh_token t;
	char text[sizeof(KNOWN) - 1];
	(void)state;
	for (size_t n = 0; n < sizeof(text); n++)
		assert_true(failed(refresh_token_read((str){ KNOWN, n }, &t)));
	for (size_t i = 0; i < sizeof(text) * 8; i++) {
		mem_copy(text, KNOWN, sizeof(text));
		text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
		assert_false(is_genuine((str){ text, sizeof(text) }));
	}
}

static void other_texts(void **state)
{
	static const char *const bad[] = {
		"",
		"rt",
		"rt...",
		"RT.AAECAwQFBgcICQoLDA0ODw.7." CODE,
		"rt.AAECAwQFBgcICQoLDA0ODx.7." CODE, /* bits that no bytes have */
		"rt.AAECAwQFBgcICQoLDA0O.7." CODE,
		"rt.AAECAwQFBgcICQoLDA0ODwAA.7." CODE,
		"rt.AAECAwQFBgcICQoLDA0OD=.7." CODE,
		"rt.AAECAwQFBgcICQoLDA0ODw.0." CODE,
		"rt.AAECAwQFBgcICQoLDA0ODw.07." CODE,
		"rt.AAECAwQFBgcICQoLDA0ODw.+7." CODE,
		"rt.AAECAwQFBgcICQoLDA0ODw.-7." CODE,
		"rt.AAECAwQFBgcICQoLDA0ODw.." CODE,
		"rt.AAECAwQFBgcICQoLDA0ODw.9223372036854775808." CODE,
		"rt.AAECAwQFBgcICQoLDA0ODw.18446744073709551623." CODE,
		"rt.AAECAwQFBgcICQoLDA0ODw.7." CODE ".",
		"rt.AAECAwQFBgcICQoLDA0ODw.7." CODE "A",
		"rt.AAECAwQFBgcICQoLDA0ODw.7.4XhO1pGtfuytGxKwNNw-Vx1Q3zQ6xBIwxv8_LDM0xW1",
		"rt.AAECAwQFBgcICQoLDA0ODw.7.4XhO1pGtfuytGxKwNNw+Vx1Q3zQ6xBIwxv8/LDM0xW0",
		" rt.AAECAwQFBgcICQoLDA0ODw.7." CODE,
		"rt.AAECAwQFBgcICQoLDA0ODw.7." CODE "\n",
	};
	struct refresh_token t;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (!failed(refresh_token_read(str_from_c(bad[i]), &t)))
			fail_msg("taken: %s", bad[i]);
}

static const struct {
	int64_t seq, now;
	enum refresh_verdict is;
} table[] = {
	/* the grant has seq 7 since 5000 and a window of 60 */
	{ 7, 5000, REFRESH_ROTATE },
	{ 7, 5060, REFRESH_ROTATE },
	{ 7, 24999, REFRESH_ROTATE },
	{ 6, 5000, REFRESH_REPEAT },
	{ 6, 5059, REFRESH_REPEAT },
	{ 6, 5060, REFRESH_STOLEN },
	{ 6, 24999, REFRESH_STOLEN },
	{ 5, 5000, REFRESH_STOLEN },
	{ 1, 5000, REFRESH_STOLEN },
	{ 8, 5000, REFRESH_REFUSED },
	{ 0, 5000, REFRESH_REFUSED },
	{ -1, 5000, REFRESH_REFUSED },
	/* a clock that was set back */
	{ 7, 4000, REFRESH_ROTATE },
	{ 6, 4000, REFRESH_REPEAT },
	/* idle for 20000 */
	{ 7, 25000, REFRESH_REFUSED },
	{ 6, 25000, REFRESH_REFUSED },
	{ 1, 25000, REFRESH_REFUSED },
};

static void verdicts(void **state)
{
	struct store_grant g = grant();
	(void)state;
	for (size_t i = 0; i < COUNT_OF(table); i++)
		assert_int_equal(refresh_judge(&realm, &g, LIT("app"), (str){ 0 }, table[i].seq,
					       table[i].now),
				 table[i].is);
}

/* For another client than its own a token is stolen, unless it is worth nothing. */
static void verdicts_for_others(void **state)
{
	struct store_grant g = grant();
	(void)state;
	for (size_t i = 0; i < COUNT_OF(table); i++)
		assert_int_equal(refresh_judge(&realm, &g, LIT("ap"), (str){ 0 }, table[i].seq,
					       table[i].now),
				 table[i].is == REFRESH_REFUSED ? REFRESH_REFUSED : REFRESH_STOLEN);
}

static void verdicts_without_a_window(void **state)
{
	struct store_grant g = grant();
	struct issuer_realm r = realm;
	(void)state;
	r.refresh_window_s = 0;
	for (size_t i = 0; i < COUNT_OF(table); i++)
		assert_int_equal(
			refresh_judge(&r, &g, LIT("app"), (str){ 0 }, table[i].seq, table[i].now),
			table[i].is == REFRESH_REPEAT ? REFRESH_STOLEN : table[i].is);
}

static void nothing_of_a_grant_that_is_over(void **state)
{
	struct store_grant gone[5];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(gone); i++)
		gone[i] = grant();
	gone[0].revoked = true;
	gone[1].expires = 5000;
	gone[2].created = 5000 - 50000;
	gone[3].rotated = 5000 - 20000;
	gone[4].dpop = LIT("a key that nobody has shown");
	for (size_t i = 0; i < COUNT_OF(gone); i++)
		for (int64_t seq = 1; seq <= 8; seq++)
			assert_int_equal(
				refresh_judge(&realm, &gone[i], LIT("app"), (str){ 0 }, seq, 5000),
				REFRESH_REFUSED);
}

/* Bound to a key: it is as without one for who proves it, and nothing for all others, who cannot
 * even end it. */
static void verdicts_with_a_key(void **state)
{
	struct store_grant g = grant();
	const str others[] = { { NULL, 0 }, LIT("another key"), LIT("the ke"), LIT("the keyy") };
	(void)state;
	g.dpop = LIT("the key");
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		assert_int_equal(
			refresh_judge(&realm, &g, LIT("app"), g.dpop, table[i].seq, table[i].now),
			table[i].is);
		for (size_t k = 0; k < COUNT_OF(others); k++)
			assert_int_equal(refresh_judge(&realm, &g, LIT("app"), others[k],
						       table[i].seq, table[i].now),
					 REFRESH_REFUSED);
	}
}

static void ends(void **state)
{
	(void)state;
	assert_true(grant_expires(&realm, 1000, 1000) == 21000);
	assert_true(grant_expires(&realm, 1000, 30999) == 50999);
	assert_true(grant_expires(&realm, 1000, 31001) == 51000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_and_code),
		cmocka_unit_test(code_covers),
		cmocka_unit_test(every_prefix_and_every_bit),
		cmocka_unit_test(other_texts),
		cmocka_unit_test(verdicts),
		cmocka_unit_test(verdicts_for_others),
		cmocka_unit_test(verdicts_without_a_window),
		cmocka_unit_test(verdicts_with_a_key),
		cmocka_unit_test(nothing_of_a_grant_that_is_over),
		cmocka_unit_test(ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
