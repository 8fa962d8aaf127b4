/* The device authorization endpoint (RFC 8628 sections 3.1 and 3.2): a device without a
 * browser gets a code that it keeps, and one that a person types elsewhere. Only for clients that
 * have this grant; what they may ask is judged here, before any person is asked. */
#include "base/clock.h"
#include "base/rand.h"
#include "codec/base64url.h"
#include "codec/json.h"
#include "issuer.h"

enum { DEVICE_TTL_S = 600, DEVICE_CODE_SIZE = 43, TRIES = 4 };

static ch_err device_wish(struct token_request *t, struct store_device *ret_d)
{
	const struct issuer_realm *m = t->realm->config;
	const struct store_client *c = t->client;
	struct arena *a = &t->http->arena;
	struct store_device d = { .realm = m->name };
	if (!list_has(c->grant_types, LIT("device_code")))
		return ch_fail(CH_E_UNAUTHORIZED_CLIENT, "the client may not use this grant", 0);
	TRY(scope_resolve(m, c->scopes, form_get(&t->form, LIT("scope")), a, &d.scope));
	/* who may not refresh is not told that it might */
	if (!list_has(c->grant_types, LIT("refresh_token")))
		TRY(scope_without(d.scope, LIT("offline_access"), (str){ 0 }, a, &d.scope));
	TRY(audience_resolve(m, c, form_get(&t->form, LIT("resource")), &d.audience));
	TRY(arena_str(a, d.audience, &d.audience));
	TRY(arena_str(a, c->id, &d.client_id));
	*ret_d = d;
	return CH_DONE;
}

/* *ret_code is what the device keeps; d->user_code is in user_code. */
static ch_err device_add(struct token_request *t, struct store_device *d,
			 char user_code[static USER_CODE_SIZE], str *ret_code)
{
	uint8_t random[32];
	struct wr w = reply_room(t->http, DEVICE_CODE_SIZE);
	int64_t now = clock_unix_s();
	ch_err e = CH_DONE;
	rand_fill(random, sizeof(random));
	base64url_write(&w, BYTES_OF(random));
	TRY(wr_done(&w));
	secret_hash(secret_bytes_of(wr_bytes(&w)), d->hash);
	d->expires = now + DEVICE_TTL_S;
	d->user_code = (str){ user_code, USER_CODE_SIZE };
	for (int i = 0; i < TRIES; i++) {
		user_code_make(user_code);
		e = store_device_add(t->realm->issuer->store, d, now);
		if (ch_code_of(e) != CH_E_EXISTS)
			break;
	}
	TRY(e);
	*ret_code = wr_text(&w);
	return CH_DONE;
}

static void put_address(struct json_out *o, str name, const struct realm *m, str user_code)
{
	char room[URL_MAX_BYTES + 64];
	struct wr w = wr_of(room, sizeof(room));
	wr_str(&w, m->config->issuer);
	wr_lit(&w, "/device");
	if (user_code.n > 0) {
		wr_lit(&w, "?user_code=");
		user_code_write(&w, user_code);
	}
	json_put_str(o, name, wr_text(&w));
}

static void answer_write(struct wr *w, const struct realm *m, const struct store_device *d,
			 str device_code)
{
	struct json_out o = json_out_of(w);
	char shown[USER_CODE_SIZE + 1];
	struct wr u = wr_of(shown, sizeof(shown));
	user_code_write(&u, d->user_code);
	json_begin(&o, (str){ 0 }, '{');
	json_put_str(&o, LIT("device_code"), device_code);
	json_put_str(&o, LIT("user_code"), wr_text(&u));
	put_address(&o, LIT("verification_uri"), m, (str){ 0 });
	put_address(&o, LIT("verification_uri_complete"), m, d->user_code);
	json_put_int(&o, LIT("expires_in"), DEVICE_TTL_S);
	json_put_int(&o, LIT("interval"), PACE_INTERVAL_S);
	json_finish(&o, '}');
}

static ch_err device_authorize(struct http_req *r, struct realm *m, struct wr *w)
{
	struct token_request t = { .http = r, .realm = m };
	struct store_device d = { 0 };
	char user_code[USER_CODE_SIZE];
	str code = { 0 };
	TRY(body_form(r, &t.form));
	TRY(client_authenticate(&t));
	TRY(device_wish(&t, &d));
	TRY(device_add(&t, &d, user_code, &code));
	metrics_count(m, COUNT_DEVICE_BEGUN);
	answer_write(w, m, &d, code);
	return wr_done(w);
}

void serve_device_authorization(struct http_req *r, void *ctx)
{
	struct realm *m = ctx;
	struct wr w = reply_room(r, 4 * URL_MAX_BYTES + 512);
	ch_err e = device_authorize(r, m, &w);
	if (failed(e))
		reply_error(r, m, e);
	else
		reply_json(r, 200, wr_text(&w));
}
