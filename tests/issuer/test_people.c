/* What stands between a person and an application: languages, paths, cookies, forms' tokens, and
 * which page comes next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules.h"

static void languages(void **state)
{
	static const struct {
		const char *locales, *accept;
		enum lang want;
	} cases[] = {
		{ "", "", LANG_EN },
		{ "", "fr", LANG_FR },
		{ "", "fr-CA, en;q=0.9", LANG_FR },
		{ "", "en, fr", LANG_EN },
		{ "", "en;q=0.5, fr;q=0.51", LANG_FR },
		{ "", "en ; q=0.5 ,FR ; Q=0.7", LANG_FR },
		{ "", "de, fr;q=0.001", LANG_FR },
		{ "", "fr;q=0", LANG_EN },
		{ "", "fr;q=0.0000", LANG_EN },
		{ "", "fr;q=2", LANG_EN },
		{ "", "fr;q=1.5", LANG_EN },
		{ "", "fr;q=.9", LANG_EN },
		{ "", "fr;q=-1", LANG_EN },
		{ "", "french", LANG_EN },
		{ "", "*", LANG_EN },
		{ "", ",,;;=,fr", LANG_FR },
		{ "fr", "en", LANG_FR },
		{ "de fr-FR en", "en", LANG_FR },
		{ "de", "fr", LANG_FR },
		{ "en fr", "fr", LANG_EN },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(
			lang_pick(str_from_c(cases[i].locales), str_from_c(cases[i].accept)),
			cases[i].want);
}

static void paths(void **state)
{
	static const char *const good[] = { "/home/account", "/home/device?user_code=AB-CD",
					    "/home/a/b?c=%2F%2Fd" };
	static const char *const bad[] = { "",
					   "/",
					   "/home",
					   "home/account",
					   "//evil.test/home/",
					   "/homes/account",
					   "/corp/account",
					   "/home//evil.test",
					   "/home/../corp/x",
					   "/home/..",
					   "/home/\\evil.test",
					   "\\home/x",
					   "/home/a b",
					   "/home/\ta",
					   "/home/a\r\nX: y",
					   "/home/#x",
					   "https://evil.test/home/",
					   "/home/\"x",
					   "/home/<x>",
					   "/home/\xc3\xa9" };
	const struct issuer_realm realm = { .name = LIT("home") };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_true(path_is_ours(&realm, str_from_c(good[i])));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(path_is_ours(&realm, str_from_c(bad[i])));
	assert_false(path_is_ours(&realm, (str){ "/home/\0x", 8 }));
}

static void cookies(void **state)
{
	char room[COOKIE_MAX], name[COOKIE_NAME_MAX];
	struct issuer_realm realm = { .name = LIT("home"), .issuer = LIT("https://a.test/home") };
	struct wr w = wr_of(room, sizeof(room));
	(void)state;
	cookie_write(&w, &realm, COOKIE_SESSION, LIT("v"));
	assert_true(str_eq(wr_text(&w), LIT("__Host-chancery.home=v; Path=/; HttpOnly; SameSite=Lax"
					    "; Secure")));
	assert_true(
		str_eq(cookie_name(&realm, COOKIE_FORM, name), LIT("__Host-chancery-form.home")));
	realm.issuer = LIT("http://localhost:8080/home");
	w = wr_of(room, sizeof(room));
	cookie_write(&w, &realm, COOKIE_SESSION, (str){ 0 });
	assert_true(str_eq(wr_text(&w),
			   LIT("chancery.home=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")));
	char longest[NAME_MAX_BYTES];
	for (size_t i = 0; i < sizeof(longest); i++)
		longest[i] = 'r';
	realm = (struct issuer_realm){ .name = { longest, sizeof(longest) },
				       .issuer = LIT("https://a.test/r") };
	w = wr_of(room, sizeof(room));
	for (enum cookie_kind kind = 0; kind < COOKIE_COUNT; kind++)
		cookie_write(&w, &realm, kind, LIT("v"));
	assert_true(cookie_name(&realm, COOKIE_FORM, name).n < COOKIE_NAME_MAX);
}

static const uint8_t key[MAC_KEY_SIZE] = { 1 }, other_key[MAC_KEY_SIZE] = { 2 };

static void tokens_of_forms(void **state)
{
	char text[CSRF_TOKEN_SIZE];
	const str token = { text, sizeof(text) };
	const struct form_field fields[] = { { LIT("a"), LIT("ab") }, { LIT("b"), LIT("c") } };
	const struct form_field moved[] = { { LIT("a"), LIT("a") }, { LIT("b"), LIT("bc") } };
	const struct csrf good = { LIT("home"), LIT("p"), LIT("c1"), fields, 2 };
	const struct csrf others[] = {
		{ LIT("corp"), LIT("p"), LIT("c1"), fields, 2 },
		{ LIT("home"), LIT("q"), LIT("c1"), fields, 2 },
		{ LIT("home"), LIT("p"), LIT("c2"), fields, 2 },
		{ LIT("home"), LIT("p"), { 0 }, fields, 2 },
		{ LIT("home"), LIT("p"), LIT("c1"), fields, 1 },
		{ LIT("home"), LIT("p"), LIT("c1"), moved, 2 },
	};
	(void)state;
	csrf_write(key, &good, 5000, text);
	assert_true(csrf_ok(key, &good, 5000, token));
	assert_true(csrf_ok(key, &good, 5000 + CSRF_TTL_S, token));
	assert_false(csrf_ok(key, &good, 5000 + CSRF_TTL_S + 1, token));
	assert_false(csrf_ok(key, &good, 4999, token));
	assert_false(csrf_ok(other_key, &good, 5000, token));
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_false(csrf_ok(key, &others[i], 5000, token));
	for (size_t n = 0; n < sizeof(text); n++)
		assert_false(csrf_ok(key, &good, 5000, str_sub(token, 0, n)));
	for (size_t i = 0; i < sizeof(text); i++) {
		csrf_write(key, &good, 5000, text);
		text[i] = text[i] == '1' ? '2' : '1';
		assert_false(csrf_ok(key, &good, 5000, token));
		text[i] = 'A';
		assert_false(csrf_ok(key, &good, 5000, token));
	}
	/* a form that nobody's cookie stands for */
	const struct csrf nobodys = { LIT("home"), LIT("p"), { 0 }, fields, 2 };
	csrf_write(key, &nobodys, 5000, text);
	assert_false(csrf_ok(key, &nobodys, 5000, token));
}

static void browsers(void **state)
{
	static const struct {
		const char *field, *want;
	} cases[] = {
		{ "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
		  "Firefox, Linux" },
		{ "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
		  " Chrome/120.0.0.0 Safari/537.36 Edg/120.0",
		  "Edge, Windows" },
		{ "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML,"
		  " like Gecko) Version/17.0 Safari/605.1.15",
		  "Safari, macOS" },
		{ "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15"
		  " (KHTML, like Gecko) CriOS/120.0 Mobile/15E148 Safari/604.1",
		  "Chrome, iPhone" },
		{ "Mozilla/5.0 (Linux; Android 14) Chrome/120.0 Mobile Safari/537.36",
		  "Chrome, Android" },
		{ "curl/7.88.1", "curl" },
		{ "<script>alert(1)</script>", "" },
		{ "", "" },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char room[64];
		struct wr w = wr_of(room, sizeof(room));
		agent_write(&w, str_from_c(cases[i].field));
		assert_true(str_eq(wr_text(&w), str_from_c(cases[i].want)));
	}
}

static const char *asks(const char *prompt, const char *max_age, struct auth_asks *ret_asks)
{
	const struct auth_request q = { .prompt = str_from_c(prompt),
					.max_age = max_age ? str_from_c(max_age) : (str){ 0 } };
	struct auth_fail fail = auth_asks_read(&q, ret_asks);
	return fail.error.p ? fail.error.p : "";
}

static void what_is_asked(void **state)
{
	struct auth_asks a = { 0 };
	(void)state;
	assert_string_equal(asks("", NULL, &a), "");
	assert_true(a.prompt == 0 && a.max_age == -1);
	assert_string_equal(asks("login consent", "0", &a), "");
	assert_true(a.prompt == (PROMPT_LOGIN | PROMPT_CONSENT) && a.max_age == 0);
	assert_string_equal(asks("none", "3600", &a), "");
	assert_true(a.prompt == PROMPT_NONE && a.max_age == 3600);
	assert_string_equal(asks("none login", NULL, &a), "invalid_request");
	assert_string_equal(asks("create", NULL, &a), "invalid_request");
	assert_string_equal(asks("", "-1", &a), "invalid_request");
	assert_string_equal(asks("", "1x", &a), "invalid_request");
	assert_string_equal(asks("", "99999999999999999999", &a), "invalid_request");
}

static void what_comes_next(void **state)
{
	static const struct {
		struct auth_situation s;
		enum auth_next want;
	} cases[] = {
		/* nobody is signed in */
		{ { .asks = { 0, -1 } }, AUTH_SIGN_IN },
		{ { .asks = { PROMPT_NONE, -1 } }, AUTH_LOGIN_REQUIRED },
		{ { .asks = { PROMPT_CONSENT, -1 }, .must_agree = true }, AUTH_SIGN_IN },
		/* somebody is */
		{ { .asks = { 0, -1 }, .signed_in = true, .age = 99 }, AUTH_CODE },
		{ { .asks = { PROMPT_NONE, -1 }, .signed_in = true }, AUTH_CODE },
		{ { .asks = { PROMPT_LOGIN, -1 }, .signed_in = true }, AUTH_SIGN_IN },
		{ { .asks = { PROMPT_LOGIN, -1 }, .signed_in = true, .typed = true }, AUTH_CODE },
		{ { .asks = { PROMPT_SELECT, -1 }, .signed_in = true }, AUTH_CHOOSE },
		{ { .asks = { PROMPT_SELECT, -1 }, .signed_in = true, .chose = true }, AUTH_CODE },
		{ { .asks = { PROMPT_SELECT, -1 }, .signed_in = true, .typed = true }, AUTH_CODE },
		{ { .asks = { PROMPT_CONSENT, -1 }, .signed_in = true }, AUTH_CONSENT },
		{ { .asks = { PROMPT_CONSENT, -1 }, .signed_in = true, .agreed = true },
		  AUTH_CODE },
		{ { .asks = { PROMPT_LOGIN | PROMPT_CONSENT, -1 },
		    .signed_in = true,
		    .typed = true },
		  AUTH_CONSENT },
		{ { .asks = { PROMPT_LOGIN | PROMPT_CONSENT, -1 },
		    .signed_in = true,
		    .agreed = true },
		  AUTH_CODE },
		/* too long ago */
		{ { .asks = { 0, 60 }, .signed_in = true, .age = 60 }, AUTH_CODE },
		{ { .asks = { 0, 60 }, .signed_in = true, .age = 61 }, AUTH_SIGN_IN },
		{ { .asks = { PROMPT_NONE, 60 }, .signed_in = true, .age = 61 },
		  AUTH_LOGIN_REQUIRED },
		{ { .asks = { 0, 0 }, .signed_in = true, .age = 1, .typed = true }, AUTH_CODE },
		{ { .asks = { 0, 0 }, .signed_in = true, .age = 1 }, AUTH_SIGN_IN },
		/* somebody else is asked for */
		{ { .asks = { 0, -1 }, .signed_in = true, .another = true }, AUTH_SIGN_IN },
		{ { .asks = { PROMPT_NONE, -1 }, .signed_in = true, .another = true },
		  AUTH_LOGIN_REQUIRED },
		{ { .asks = { 0, -1 }, .signed_in = true, .another = true, .typed = true },
		  AUTH_LOGIN_REQUIRED },
		/* consent */
		{ { .asks = { 0, -1 }, .signed_in = true, .must_agree = true }, AUTH_CONSENT },
		{ { .asks = { 0, -1 }, .signed_in = true, .must_agree = true, .typed = true },
		  AUTH_CONSENT },
		{ { .asks = { 0, -1 }, .signed_in = true, .must_agree = true, .agreed = true },
		  AUTH_CODE },
		{ { .asks = { PROMPT_NONE, -1 }, .signed_in = true, .must_agree = true },
		  AUTH_CONSENT_REQUIRED },
		/* anybody could be this app */
		{ { .asks = { 0, -1 }, .signed_in = true, .anybody = true }, AUTH_CONSENT },
		{ { .asks = { 0, -1 }, .signed_in = true, .anybody = true, .typed = true },
		  AUTH_CODE },
		{ { .asks = { PROMPT_NONE, -1 }, .signed_in = true, .anybody = true },
		  AUTH_INTERACTION_REQUIRED },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(auth_decide(&cases[i].s), cases[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(languages),       cmocka_unit_test(paths),
		cmocka_unit_test(cookies),         cmocka_unit_test(tokens_of_forms),
		cmocka_unit_test(browsers),        cmocka_unit_test(what_is_asked),
		cmocka_unit_test(what_comes_next),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
