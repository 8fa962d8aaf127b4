/* The authorization endpoint: from an application's request to a code, by way of the pages
 * that stand between. Every POST is judged anew from its fields; a form is believed in
 * nothing but that we made it. The redirect URI is trusted only after auth_redirect_check. */
#include "base/clock.h"
#include "base/rand.h"
#include "codec/base64url.h"
#include "people.h"

/* One visit: the request, who asks, what would be granted. In the request's arena. */
struct visit {
	struct signin in; /* first */
	struct auth_request request;
	struct auth_situation where;
	str scope;
	str audience;
};

static void visit_error(struct visit *v, ch_err e)
{
	reply_error_page(v->in.http, v->in.lang, e);
}

static void send_back(struct visit *v, str code, const struct auth_fail *fail_or_null)
{
	struct wr w = reply_room(v->in.http, AUTH_URI_MAX + 4 * AUTH_STATE_MAX + 1024);
	auth_redirect_write(&w, &v->request, v->in.realm->config->issuer, code, fail_or_null);
	ch_err e = wr_done(&w);
	if (failed(e))
		visit_error(v, e);
	else
		reply_see_other(v->in.http, wr_text(&w), v->in.cookies, v->in.n_cookies);
}

/* Who asks, and may the answer go where it says? */
static ch_err visit_client(struct visit *v, const struct store_client **ret_c)
{
	struct realm *m = v->in.realm;
	auth_request_read(&v->in.form, &v->request);
	if (!v->request.client_id.p)
		return ch_fail(CH_E_INVALID_REQUEST, "the request says no client_id", 0);
	ch_err e = client_find(m->issuer, m->config->name, v->request.client_id, ret_c);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return ch_fail(CH_E_INVALID_CLIENT, "the application is not known here", 0);
	if (failed(e))
		return e;
	TRY(auth_redirect_check(&v->request, *ret_c));
	return arena_str(&v->in.http->arena, (*ret_c)->id, &v->in.client_id);
}

/* What the sign-in form of this visit is. */
static void visit_form(struct visit *v)
{
	struct wr action = reply_room(v->in.http, AUTH_URI_MAX);
	form_action_write(&action, v->request.redirect_uri);
	v->in.purpose = LIT("authorize");
	v->in.action = LIT("authorize");
	v->in.app = v->in.client_id;
	v->in.form_action = wr_text(&action);
	v->in.username = str_sub(v->request.login_hint, 0, STORE_NAME_MAX);
	v->in.n_fields = auth_request_fields(&v->request, v->in.fields);
}

/* True when the visit may go on; else it has been answered. */
static bool visit_check(struct visit *v)
{
	const struct store_client *c = NULL;
	ch_err e = visit_client(v, &c);
	if (failed(e)) {
		visit_error(v, e);
		return false;
	}
	struct auth_fail fail = auth_request_check(&v->in.form, &v->request, v->in.realm->config, c,
						   &v->in.http->arena, &v->scope, &v->audience);
	if (!fail.error.p)
		fail = auth_asks_read(&v->request, &v->where.asks);
	if (fail.error.p)
		send_back(v, (str){ 0 }, &fail);
	else
		visit_form(v);
	return !fail.error.p;
}

static ch_err code_make(struct visit *v, const struct session *s, str *ret_code)
{
	uint8_t random[32];
	struct wr w = reply_room(v->in.http, 43);
	int64_t now = clock_unix_s();
	rand_fill(random, sizeof(random));
	base64url_write(&w, BYTES_OF(random));
	TRY(wr_done(&w));
	struct store_code c = {
		.realm = v->in.realm->config->name,
		.client_id = v->in.client_id,
		.redirect_uri = v->request.redirect_uri,
		.challenge = v->request.challenge,
		.sub = s->user.sub,
		.scope = v->scope,
		.audience = v->audience,
		.nonce = v->request.nonce,
		.auth_time = s->auth_time,
		.expires = now + v->in.realm->config->code_ttl_s,
		.sid = s->sid,
	};
	secret_hash(secret_bytes_of(wr_bytes(&w)), c.hash);
	TRY(store_code_add(v->in.realm->issuer->store, &c, now));
	*ret_code = wr_text(&w);
	return CH_DONE;
}

static void give_code(struct visit *v, const struct session *s)
{
	str code = { 0 };
	ch_err e = code_make(v, s, &code);
	if (failed(e))
		visit_error(v, e);
	else
		send_back(v, code, NULL);
}

#define FAIL(error, text) (&(struct auth_fail){ LIT(error), LIT(text) })

/* s is NULL when nobody is signed in. */
static void go_on(struct visit *v, const struct session *s)
{
	v->where.signed_in = s;
	v->where.age = s ? clock_unix_s() - s->auth_time : 0;
	switch (auth_decide(&v->where)) {
	case AUTH_CODE:
		give_code(v, s);
		return;
	case AUTH_CHOOSE:
	case AUTH_CONSENT:
	case AUTH_SIGN_IN:
		signin_show(&v->in, 200, TEXT_COUNT);
		return;
	case AUTH_LOGIN_REQUIRED:
		send_back(v, (str){ 0 }, FAIL("login_required", "a person must sign in"));
		return;
	case AUTH_CONSENT_REQUIRED:
		send_back(v, (str){ 0 }, FAIL("consent_required", "a person must agree"));
		return;
	case AUTH_INTERACTION_REQUIRED:
		send_back(v, (str){ 0 },
			  FAIL("interaction_required", "a person must see that the app asks"));
		return;
	}
}

static void on_signed_in(struct signin *in, const struct session *s)
{
	struct visit *v = (struct visit *)(void *)in;
	v->where.typed = true;
	go_on(v, s);
}

static struct visit *visit_new(struct http_req *r, struct realm *m)
{
	struct visit *v = arena_new(&r->arena, struct visit, 1);
	if (!v) {
		reply_error_page(
			r, LANG_EN,
			ch_fail(CH_E_LIMIT, "request needs more memory than it may have", 0));
		return NULL;
	}
	signin_init(&v->in, r, m);
	v->in.done = on_signed_in;
	return v;
}

void serve_authorize(struct http_req *r, void *ctx)
{
	struct session s = { 0 };
	struct visit *v = visit_new(r, ctx);
	if (!v)
		return;
	if (failed(form_parse(r->query, &r->arena, &v->in.form))) {
		visit_error(v, ch_fail(CH_E_INVALID_REQUEST,
				       "the request is not well formed, or a parameter occurs"
				       " twice",
				       0));
		return;
	}
	signin_init(&v->in, r, ctx);
	if (!visit_check(v))
		return;
	ch_err e = session_find(r, ctx, &s);
	if (failed(e) && ch_code_of(e) != CH_E_NOT_FOUND)
		visit_error(v, e);
	else
		go_on(v, failed(e) ? NULL : &s);
}

void serve_login(struct http_req *r, void *ctx)
{
	struct visit *v = visit_new(r, ctx);
	if (!v)
		return;
	ch_err e = body_form(r, &v->in.form);
	signin_init(&v->in, r, ctx);
	if (failed(e))
		visit_error(v, e);
	else if (visit_check(v))
		signin_take(&v->in);
}
