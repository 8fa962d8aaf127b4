/* What the issuer reads from requests: HTTP Basic, an authorization request, lists of
 * ETags, and the redirect that it builds. */
#include <assert.h>

#include "rules.h"

enum { ROOM = 1 << 18 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct issuer_realm realm = {
	.name = { "home", 4 },
	.issuer = { "http://localhost:1/home", 23 },
	.issues = true,
	.n_audiences = 1,
	.audiences = { { { "mail", 4 }, { "https://mail.test", 17 } } },
	.n_scopes = 2,
	.scopes = { { "openid", 6 }, { "mail.read", 9 } },
};

static void authorize(str query, struct arena *a)
{
	static const char uris[] = "http://127.0.0.1/callback https://app.test/cb com.app:/cb";
	const struct store_client c = {
		.grant_types = LIT("authorization_code"),
		.scopes = LIT("openid mail.read"),
		.redirect_uris = { uris, sizeof(uris) - 1 },
		.audience = LIT("mail"),
	};
	static uint8_t text[ROOM];
	struct wr w = wr_of(text, sizeof(text));
	struct form f;
	struct auth_request q = { 0 };
	str scope = { 0 }, audience = { 0 };
	if (failed(form_parse(query, a, &f)))
		return;
	auth_request_read(&f, &q);
	if (failed(auth_redirect_check(&q, &c)))
		return;
	/* what is trusted begins with a registered scheme and host, and splits no header */
	assert(str_starts(q.redirect_uri, LIT("http://127.0.0.1")) ||
	       str_starts(q.redirect_uri, LIT("https://app.test/cb")) ||
	       str_starts(q.redirect_uri, LIT("com.app:/cb")));
	struct auth_fail fail = auth_request_check(&f, &q, &realm, &c, a, &scope, &audience);
	auth_redirect_write(&w, &q, realm.issuer, LIT("code"), fail.error.p ? &fail : NULL);
	for (size_t i = 0; i < w.n; i++)
		assert(text[i] > ' ' && text[i] < 0x7f);
	w = wr_of(text, sizeof(text));
	form_action_write(&w, q.redirect_uri);
	assert(!str_has(wr_text(&w), ';') && !str_has(wr_text(&w), ' '));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t room[ROOM], other[64];
	struct arena a;
	str text = { (const char *)data, size };
	str id = { 0 };
	struct secret_bytes secret = { 0 };
	if (size > 8192)
		return 0;
	arena_init(&a, room, sizeof(room));
	(void)basic_read(text, &a, &id, &secret);
	bool dpop = false;
	if (!failed(bearer_read(text, (str){ 0 }, &id, &dpop)))
		assert(id.n > 0 && !str_has(id, ' ') && !str_has(id, '"'));
	static const uint8_t key[MAC_KEY_SIZE] = { 0 };
	struct pushed pushed;
	(void)pushed_read(text, key, LIT("home"), &a, &pushed);
	(void)etag_matches(text, LIT("\"abc\""));
	(void)pkce_check(text, text);
	assert(lang_pick(text, text) < LANG_COUNT);
	struct wr label = wr_of(other, sizeof(other));
	agent_write(&label, text);
	assert(!label.full);
	if (path_is_ours(&realm, text))
		assert(str_starts(text, LIT("/home/")) && !str_has(text, '\\') &&
		       !str_has(text, '\r') && !str_has(text, '\n'));
	assert(!csrf_ok((const uint8_t[MAC_KEY_SIZE]){ 0 }, &(struct csrf){ .cookie = LIT("c") },
			1000, text));
	authorize(text, &a);
	return 0;
}
