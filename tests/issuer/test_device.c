/* What a device shows and how often it may ask: user codes as people type them, each letter as
 * likely as the others; and the pace, against a model that forgets nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pages.h"
#include "rules.h"

static const uint64_t second = 1000000000;

static void typed(void **state)
{
	static const char *const good[] = { "WDJB-MJHT",    "wdjb-mjht",   "WDJBMJHT",
					    "wdjb mjht",    "WD-JB-MJ-HT", " wDjB  MjHt ",
					    "W D J B MJHT-" };
	static const char *const bad[] = { "",          "WDJB-MJH",  "WDJB-MJHTT", "WDJB-MJHA",
					   "WDJB_MJHT", "WDJB-MJH0", "WDJBMJHT\n", "WDJB–MJHT" };
	char code[USER_CODE_SIZE];
	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		memset(code, 0, sizeof(code));
		assert_false(failed(user_code_read(str_from_c(good[i]), code)));
		assert_memory_equal(code, "WDJBMJHT", USER_CODE_SIZE);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		memset(code, '?', sizeof(code));
		assert_true(failed(user_code_read(str_from_c(bad[i]), code)));
		assert_memory_equal(code, "????????", USER_CODE_SIZE);
	}
	for (size_t n = 0; n < 9; n++)
		assert_int_equal(ch_code_of(user_code_read((str){ "WDJB-MJHT", n }, code)),
				 CH_E_TRUNCATED);
	/* every byte in every place */
	for (size_t at = 0; at < 9; at++)
		for (unsigned c = 0; c < 256; c++) {
			char text[] = "WDJB-MJHT";
			text[at] = (char)c;
			bool one_more = at == 4;
			bool letter = c != 0 &&
				      strchr("BCDFGHJKLMNPQRSTVWXZbcdfghjklmnpqrstvwxz", (int)c);
			bool gap = c == '-' || c == ' ';
			assert_int_equal(!failed(user_code_read((str){ text, 9 }, code)),
					 one_more ? gap : letter);
		}
}

/* 20,000 letters: each of the twenty comes 1000 times, give or take (six sigma: 185). */
static void made(void **state)
{
	size_t count[128] = { 0 };
	char code[USER_CODE_SIZE], again[USER_CODE_SIZE], text[16];
	(void)state;
	for (size_t i = 0; i < 2500; i++) {
		struct wr w = wr_of(text, sizeof(text));
		user_code_make(code);
		for (size_t k = 0; k < sizeof(code); k++)
			count[(unsigned char)code[k] & 127]++;
		user_code_write(&w, (str){ code, sizeof(code) });
		assert_int_equal(w.n, 9);
		assert_int_equal(text[4], '-');
		assert_false(failed(user_code_read(wr_text(&w), again)));
		assert_memory_equal(code, again, sizeof(code));
	}
	size_t letters = 0;
	for (size_t c = 0; c < COUNT_OF(count); c++) {
		letters += count[c] > 0;
		assert_true(count[c] == 0 || (count[c] > 815 && count[c] < 1185));
	}
	assert_int_equal(letters, 20);
}

static struct pace table;

static void pace(void **state)
{
	const uint8_t one[STORE_HASH_SIZE] = { 1, 2, 3 }, other[STORE_HASH_SIZE] = { 3, 2, 1 };
	uint64_t now = 77 * second;
	(void)state;
	memset(&table, 0, sizeof(table));
	assert_true(pace_ask(&table, one, now));
	assert_true(pace_ask(&table, other, now));
	assert_true(pace_ask(&table, one, now += 5 * second));
	/* a second early is the network's */
	assert_true(pace_ask(&table, one, now += 4 * second));
	assert_false(pace_ask(&table, one, now += 4 * second - 1));
	/* now it is ten */
	assert_false(pace_ask(&table, one, now += 5 * second));
	assert_false(pace_ask(&table, one, now += 13 * second));
	assert_true(pace_ask(&table, one, now += 20 * second));
	assert_true(pace_ask(&table, other, now));
	for (int i = 0; i < 100; i++)
		assert_false(pace_ask(&table, one, now += second));
	assert_true(pace_ask(&table, one, now += PACE_INTERVAL_MAX_S * second));
}

/* Forty devices at random: the table holds them all, so it must say what the model says. */
static void pace_like_a_model(void **state)
{
	struct {
		uint64_t last, interval;
	} model[40] = { 0 };
	uint64_t now = 5 * second;
	(void)state;
	memset(&table, 0, sizeof(table));
	srandom(20261123);
	for (int i = 0; i < 20000; i++) {
		size_t d = (size_t)random() % COUNT_OF(model);
		uint8_t hash[STORE_HASH_SIZE] = { 0 };
		hash[7] = (uint8_t)(d * 6);
		now += (uint64_t)random() % (second / 2);
		if (model[d].last == 0)
			model[d].interval = 5;
		bool soon = model[d].last > 0 &&
			    now - model[d].last < (model[d].interval - 1) * second;
		if (soon && model[d].interval < 60)
			model[d].interval += 5;
		model[d].last = now;
		assert_int_equal(pace_ask(&table, hash, now), !soon);
	}
}

/* More of them than places: who has asked last is still known, and nothing else is harmed. */
static void pace_full(void **state)
{
	uint64_t now = second;
	(void)state;
	memset(&table, 0, sizeof(table));
	for (uint32_t i = 0; i < 4 * PACE_PLACES; i++) {
		uint8_t hash[STORE_HASH_SIZE] = { (uint8_t)i, (uint8_t)(i >> 8) };
		hash[6] = (uint8_t)(i >> 8);
		hash[7] = (uint8_t)i;
		now += second / 100;
		assert_true(pace_ask(&table, hash, now));
		assert_false(pace_ask(&table, hash, now + 1));
	}
}

/* A hundred wrong codes, then one a second. */
static void guessing(void **state)
{
	struct guesses g = { 0 };
	uint64_t now = 1000 * second;
	(void)state;
	for (int i = 0; i < GUESSES_MAX; i++) {
		assert_true(guesses_left(&g, now));
		guesses_spend(&g);
	}
	assert_false(guesses_left(&g, now));
	assert_false(guesses_left(&g, now + second - 1));
	assert_true(guesses_left(&g, now + second));
	guesses_spend(&g);
	assert_false(guesses_left(&g, now + second));
	for (int i = 0; i < GUESSES_MAX; i++) {
		assert_true(guesses_left(&g, now + 10 * GUESSES_MAX * second));
		guesses_spend(&g);
	}
	assert_false(guesses_left(&g, now + 10 * GUESSES_MAX * second));
}

static bool has(str page, const char *text)
{
	return memmem(page.p, page.n, text, strlen(text));
}

/* What a person or an app made up is text; each page that allows something warns. */
static void pages(void **state)
{
	static char room[32768];
	const struct issuer_realm realm = { .name = LIT("home") };
	struct device_page p = { .lang = LANG_EN,
				 .realm = &realm,
				 .user = LIT("<a>"),
				 .user_code = LIT("\"><i>"),
				 .app = LIT("<b>&"),
				 .scopes = LIT("mail.read <s>"),
				 .message = TEXT_DEVICE_UNKNOWN,
				 .csrf = LIT("token") };
	struct wr w = wr_of(room, sizeof(room));
	(void)state;
	page_device_code(&w, &p);
	assert_false(failed(wr_done(&w)));
	assert_true(has(wr_text(&w), "value=\"&quot;&gt;&lt;i&gt;\"") &&
		    has(wr_text(&w), "role=\"alert\""));
	assert_false(has(wr_text(&w), "<a>") || has(wr_text(&w), "name=\"act\""));
	p.user_code = LIT("WDJBMJHT");
	for (enum lang l = 0; l < LANG_COUNT; l++) {
		p.lang = l;
		w = wr_of(room, sizeof(room));
		page_device_ask(&w, &p);
		assert_false(failed(wr_done(&w)));
		assert_true(has(wr_text(&w), "WDJB-MJHT") && has(wr_text(&w), "&lt;b&gt;&amp;"));
		assert_false(has(wr_text(&w), "<s>") || has(wr_text(&w), "<a>"));
		assert_true(has(wr_text(&w), l == LANG_EN ? "do not allow it" : "refusez"));
		w = wr_of(room, sizeof(room));
		page_device_done(&w, &p, l == LANG_EN);
		assert_false(failed(wr_done(&w)) || has(wr_text(&w), "<form"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(typed),     cmocka_unit_test(made),
		cmocka_unit_test(pace),      cmocka_unit_test(pace_like_a_model),
		cmocka_unit_test(pace_full), cmocka_unit_test(guessing),
		cmocka_unit_test(pages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
