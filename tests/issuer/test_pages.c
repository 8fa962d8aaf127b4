/* Pages and metadata: what a request says never becomes markup; what is listed works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/alg.h"
#include "rules.h"

static char room[32768];

#define EVIL "\"><script>alert(1)</script>'&"

static const char *login(const struct login_page *p)
{
	struct wr w = wr_of(room, sizeof(room) - 1);
	page_login(&w, p);
	assert_false(w.full);
	room[w.n] = 0;
	return room;
}

static void escapes(void **state)
{
	(void)state;
	const struct form_field fields[] = { { LIT("state"), LIT(EVIL) }, { LIT(EVIL), LIT("x") } };
	const char *html = login(&(struct login_page){ .fields = fields,
						       .n_fields = COUNT_OF(fields),
						       .realm = LIT(EVIL),
						       .app = LIT(EVIL),
						       .action = LIT(EVIL),
						       .username = LIT(EVIL),
						       .message = TEXT_WRONG,
						       .csrf = LIT(EVIL) });
	assert_null(strstr(html, "<script"));
	assert_null(strstr(html, "'&\""));
	assert_non_null(strstr(html, "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#39;&amp;"));
	struct wr w = wr_of(room, sizeof(room) - 1);
	page_error(&w, LANG_EN, TEXT_BAD_LINK, TEXT_BAD_LINK_TEXT, LIT(EVIL));
	room[w.n] = 0;
	assert_null(strstr(room, "<script"));
}

static void login_form(void **state)
{
	(void)state;
	const struct form_field fields[] = { { LIT("state"), LIT("s") }, { LIT("nonce"), { 0 } } };
	struct login_page p = { .fields = fields,
				.n_fields = COUNT_OF(fields),
				.realm = LIT("home"),
				.app = LIT("demo"),
				.message = TEXT_COUNT };
	const char *html = login(&p);
	assert_non_null(strstr(html, "<html lang=\"en\">"));
	assert_non_null(strstr(html, "<label for=\"username\">"));
	assert_non_null(strstr(html, "autocomplete=\"current-password\""));
	assert_non_null(strstr(html, "name=\"state\" value=\"s\""));
	assert_null(strstr(html, "name=\"nonce\""));
	assert_null(strstr(html, "role=\"alert\""));
	p.message = TEXT_WRONG;
	assert_non_null(strstr(login(&p), "role=\"alert\""));
	p.lang = LANG_FR;
	html = login(&p);
	assert_non_null(strstr(html, "<html lang=\"fr\">"));
	assert_non_null(strstr(html, "Mot de passe"));
}

/* Every text is there in every language, and no two languages say a long one alike. */
static void texts_in_all_languages(void **state)
{
	(void)state;
	for (enum text_id id = 0; id < TEXT_COUNT; id++) {
		str en = text_of(LANG_EN, id), fr = text_of(LANG_FR, id);
		assert_true(en.n > 0 && fr.n > 0);
		assert_true(str_has(en, '{') == str_has(fr, '{'));
		assert_false(str_eq(en, fr));
	}
}

static const struct issuer_realm realm = { .name = { EVIL, sizeof(EVIL) - 1 } };

static const char *finished(struct wr *w)
{
	assert_false(w->full);
	room[w->n] = 0;
	assert_null(strstr(room, "<script"));
	assert_null(strstr(room, "'&\""));
	assert_non_null(strstr(room, "</html>"));
	return room;
}

static void consent_escapes(void **state)
{
	(void)state;
	const struct form_field fields[] = { { LIT("state"), LIT(EVIL) } };
	struct consent_page p = { .realm = &realm,
				  .app = LIT(EVIL),
				  .home = LIT(EVIL),
				  .user = LIT(EVIL),
				  .scopes = LIT("openid mail.read " EVIL),
				  .leads_to = LIT("https://app.test:1/x"),
				  .message = TEXT_STALE_PAGE,
				  .fields = fields,
				  .n_fields = 1,
				  .csrf = LIT(EVIL) };
	struct wr w = wr_of(room, sizeof(room) - 1);
	page_consent(&w, &p);
	const char *html = finished(&w);
	assert_non_null(strstr(html, "Read your mail"));
	assert_non_null(strstr(html, "<b>app.test</b>"));
	p.lang = LANG_FR;
	p.leads_to = LIT("com.app:" EVIL);
	w = wr_of(room, sizeof(room) - 1);
	page_consent(&w, &p);
	html = finished(&w);
	assert_non_null(strstr(html, "Lire vos e-mails"));
	assert_non_null(strstr(html, "<b>com.app</b>"));
	w = wr_of(room, sizeof(room) - 1);
	page_choose(&w, &p);
	(void)finished(&w);
}

static void own_words(void **state)
{
	(void)state;
	struct issuer_realm own = realm;
	own.n_scope_texts = 2;
	own.scope_texts[0] =
		(struct role_scope_text){ LIT("files"), LIT("See " EVIL), LIT("Voir " EVIL) };
	own.scope_texts[1] =
		(struct role_scope_text){ LIT("mail.read"), LIT("Read it all"), { 0 } };
	for (size_t i = 0; i < 2; i++) {
		struct wr w = wr_of(room, sizeof(room) - 1);
		scope_put(&w, i ? LANG_FR : LANG_EN, &own, LIT("files"));
		scope_put(&w, i ? LANG_FR : LANG_EN, &own, LIT("mail.read"));
		scope_put(&w, i ? LANG_FR : LANG_EN, &own, LIT("mail.send"));
		room[w.n] = 0;
		assert_non_null(strstr(room, i ? "<li>Voir &" : "<li>See &"));
		assert_non_null(strstr(room, "<li>Read it all</li>"));
		assert_non_null(strstr(room, i ? "Envoyer" : "Send"));
		assert_null(strstr(room, "<script"));
	}
}

static void account_escapes(void **state)
{
	(void)state;
	static struct account_page p;
	p = (struct account_page){ .realm = &realm,
				   .user = LIT(EVIL),
				   .sid = LIT("s"),
				   .n_sessions = 2,
				   .n_apps = 1,
				   .more = true,
				   .csrf = LIT(EVIL),
				   .logout_csrf = LIT(EVIL),
				   .message = TEXT_STALE_PAGE };
	p.sessions[0] = (struct account_session){ LIT("s"), LIT(""), 1000000000, 1000000061 };
	p.sessions[1] = (struct account_session){ LIT(EVIL), LIT(EVIL), 0, 0 };
	p.apps[0] = (struct account_app){ LIT(EVIL), LIT(EVIL), LIT(EVIL), 0, 1 };
	for (enum lang lang = 0; lang < LANG_COUNT; lang++) {
		struct wr w = wr_of(room, sizeof(room) - 1);
		p.lang = lang;
		page_account(&w, &p);
		const char *html = finished(&w);
		assert_non_null(strstr(html, "<time datetime=\"2001-09-09T01:47Z\">9 "));
		assert_non_null(strstr(html, lang == LANG_FR ? "9 septembre 2001, 01:47 UTC"
							     : "9 September 2001, 01:47 UTC"));
	}
}

static void logout_escapes(void **state)
{
	(void)state;
	const struct form_field fields[] = { { LIT("state"), LIT(EVIL) } };
	struct wr w = wr_of(room, sizeof(room) - 1);
	page_logout(&w, &(struct logout_page){ .realm = &realm,
					       .app = LIT(EVIL),
					       .message = TEXT_STALE_PAGE,
					       .fields = fields,
					       .n_fields = 1,
					       .csrf = LIT(EVIL) });
	(void)finished(&w);
	w = wr_of(room, sizeof(room) - 1);
	page_signed_out(&w, LANG_FR, LIT(EVIL));
	(void)finished(&w);
}

/* The policy's hash is the one of the style element as it stands in the page. */
static void style_hash(void **state)
{
	(void)state;
	uint8_t hash[SHA256_SIZE];
	char text[64];
	struct wr w = wr_of(room, sizeof(room) - 1), t = wr_of(text, sizeof(text));
	page_error(&w, LANG_FR, TEXT_TRY_AGAIN, TEXT_TOO_MANY, LIT("b"));
	room[w.n] = 0;
	const char *from = strstr(room, "<style>") + 7;
	const char *to = strstr(room, "</style>");
	sha256((bytes){ (const uint8_t *)from, (size_t)(to - from) }, hash);
	wr_lit(&t, "'sha256-");
	base64_write(&t, BYTES_OF(hash));
	wr_lit(&t, "'");
	assert_true(str_eq(wr_text(&t), page_style_hash()));
}

static size_t metadata(bool issues, bool refreshes, struct json_node *nodes, size_t cap)
{
	struct issuer_realm r = { .name = LIT("home"),
				  .issuer = LIT("http://localhost:1/home"),
				  .issues = issues,
				  .n_scopes = refreshes ? 2 : 1,
				  .scopes = { LIT("openid"), LIT("offline_access") } };
	struct wr w = wr_of(room, sizeof(room));
	size_t n = 0;
	metadata_write(&w, &r, 1U << ALG_ES256 | 1U << ALG_EDDSA);
	assert_false(
		failed(json_parse(wr_bytes(&w), (struct json_limits){ 4, 200 }, nodes, cap, &n)));
	return n;
}

static void lists_what_works(void **state)
{
	(void)state;
	static struct json_node nodes[201];
	assert_true(metadata(true, false, nodes, COUNT_OF(nodes)) > 10);
	assert_true(json_is_str(json_member(nodes, LIT("issuer")), LIT("http://localhost:1/home")));
	assert_true(json_is_str(json_member(nodes, LIT("token_endpoint")),
				LIT("http://localhost:1/home/token")));
	const struct json_node *algs =
		json_member(nodes, LIT("id_token_signing_alg_values_supported"));
	assert_int_equal(algs->count, 2);
	assert_true(json_is_str(json_first(algs), LIT("ES256")));
	assert_true(json_is_str(json_member(nodes, LIT("userinfo_endpoint")),
				LIT("http://localhost:1/home/userinfo")));
	assert_null(json_member(nodes, LIT("registration_endpoint")));
	assert_int_equal(json_member(nodes, LIT("grant_types_supported"))->count, 3);
	assert_true(json_is_str(json_member(nodes, LIT("device_authorization_endpoint")),
				LIT("http://localhost:1/home/device_authorization")));
	(void)metadata(true, true, nodes, COUNT_OF(nodes));
	assert_int_equal(json_member(nodes, LIT("grant_types_supported"))->count, 4);
	assert_int_equal(json_member(nodes, LIT("scopes_supported"))->count, 2);
	(void)metadata(false, true, nodes, COUNT_OF(nodes));
	assert_non_null(json_member(nodes, LIT("jwks_uri")));
	assert_null(json_member(nodes, LIT("token_endpoint")));
	assert_null(json_member(nodes, LIT("userinfo_endpoint")));
	assert_null(json_member(nodes, LIT("authorization_endpoint")));
	assert_int_equal(json_member(nodes, LIT("response_types_supported"))->count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes),
		cmocka_unit_test(login_form),
		cmocka_unit_test(texts_in_all_languages),
		cmocka_unit_test(consent_escapes),
		cmocka_unit_test(own_words),
		cmocka_unit_test(account_escapes),
		cmocka_unit_test(logout_escapes),
		cmocka_unit_test(style_hash),
		cmocka_unit_test(lists_what_works),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
