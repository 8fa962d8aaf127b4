/* The authorization endpoint: from an application's request to a code, by way of the pages
 * that stand between. Every POST is judged anew from its fields; a form is believed in
 * nothing but that we made it. The redirect URI is trusted only after auth_redirect_check. */
#include "base/clock.h"
#include "base/log.h"
#include "people.h"

/* One visit: the request, who asks, what would be granted. In the request's arena. */
struct visit {
	struct signin in; /* first */
	struct asked asked;
	struct auth_request request;
	struct auth_situation where;
	str scope;
	str audience;
	str home; /* of the client */
	bool trusted;
	bool stale; /* what was posted is not from a page of ours, or an old one */
	bool waits; /* the request is suspended */
	str agreed_before;
	int64_t agreed_since;
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

/* Copies: the client may be forgotten while the request waits. */
static ch_err client_keep(struct visit *v, const struct store_client *c)
{
	struct arena *a = &v->in.http->arena;
	v->trusted = str_eq(c->consent, LIT("none"));
	/* any program on the device can come by such a URI, and it shows no secret */
	v->where.anybody = !v->trusted && client_is_public(c) &&
			   !str_starts(v->request.redirect_uri, LIT("https:"));
	TRY(arena_str(a, c->id, &v->in.client_id));
	TRY(arena_str(a, c->home, &v->home));
	return arena_str(a, c->name.n ? c->name : c->id, &v->in.app);
}

/* Who asks, and may the answer go where it says? */
static ch_err visit_client(struct visit *v, const struct store_client **ret_c)
{
	struct realm *m = v->in.realm;
	TRY(request_asked(v->in.http, m, &v->in.form, &v->asked));
	auth_request_read(&v->asked.form, &v->request);
	v->request.pushed = v->asked.uri;
	if (!v->request.client_id.p)
		return ch_fail(CH_E_INVALID_REQUEST, "the request says no client_id", 0);
	ch_err e = client_find(m->issuer, m->config->name, v->request.client_id, ret_c);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return ch_fail(CH_E_INVALID_CLIENT, "the application is not known here", 0);
	if (failed(e))
		return e;
	TRY(auth_redirect_check(&v->request, *ret_c));
	return client_keep(v, *ret_c);
}

/* What the sign-in form of this visit is. */
static void visit_form(struct visit *v)
{
	struct wr action = reply_room(v->in.http, AUTH_URI_MAX);
	form_action_write(&action, v->request.redirect_uri);
	v->in.purpose = LIT("authorize");
	v->in.action = LIT("authorize");
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
	struct auth_fail fail = auth_request_check(&v->asked.form, &v->request, v->in.realm->config,
						   c, &v->in.http->arena, &v->scope, &v->audience);
	if (!fail.error.p)
		fail = auth_asks_read(&v->request, &v->where.asks);
	if (fail.error.p)
		send_back(v, (str){ 0 }, &fail);
	else
		visit_form(v);
	return !fail.error.p;
}

/* A code on its way: it goes out when it is stored, with all others of the turn. */
struct giving {
	struct settler settler; /* first */
	struct visit *visit;
	struct session session;
	struct store_code code;
	str text;
};

static ch_err code_settle(struct settler *s)
{
	struct giving *g = (struct giving *)(void *)s;
	struct realm *m = g->visit->in.realm;
	/* who was disabled or reset while it waited is signed in no more, and has no codes */
	ch_err e = session_again(m, &g->session, &g->visit->in.http->arena);
	if (!failed(e))
		e = store_code_add(m->issuer->store, &g->code, clock_unix_s());
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return ch_fail(CH_E_INVALID_GRANT, "the session or the application is gone", 0);
	return e;
}

/* A request that was pushed is used up now, and not before: no failure costs the client it.
 * Whoever comes second with it gets no code, though one is stored, which nobody knows. */
static void code_answer(struct settler *s, ch_err e)
{
	struct giving *g = (struct giving *)(void *)s;
	struct visit *v = g->visit;
	if (!failed(e))
		e = request_used(v->in.realm, &v->asked);
	if (failed(e))
		visit_error(v, e);
	else
		send_back(v, g->text, NULL);
}

static struct store_code code_of(const struct visit *v, const struct session *s)
{
	return (struct store_code){
		.realm = v->in.realm->config->name,
		.client_id = v->in.client_id,
		.redirect_uri = v->request.redirect_uri,
		.challenge = v->request.challenge,
		.sub = s->user.sub,
		.scope = v->scope,
		.audience = v->audience,
		.nonce = v->request.nonce,
		.dpop = v->request.dpop_jkt,
		.auth_time = s->auth_time,
		.expires = clock_unix_s() + v->in.realm->config->code_ttl_s,
		.sid = s->sid,
	};
}

static ch_err code_make(struct visit *v, const struct session *s, struct giving **ret_g)
{
	struct giving *g = arena_new(&v->in.http->arena, struct giving, 1);
	struct wr w = reply_room(v->in.http, 43);
	if (!g)
		return ch_fail(CH_E_LIMIT, "request needs more memory than it may have", 0);
	stamp_write(&w, 32);
	TRY(wr_done(&w));
	g->settler = (struct settler){ .settle = code_settle, .answer = code_answer };
	g->visit = v;
	g->session = *s;
	g->text = wr_text(&w);
	g->code = code_of(v, s);
	code_key(g->text, g->code.hash);
	*ret_g = g;
	return CH_DONE;
}

static void give_code(struct visit *v, const struct session *s)
{
	struct giving *g = NULL;
	ch_err e = code_make(v, s, &g);
	if (failed(e)) {
		visit_error(v, e);
		return;
	}
	if (!v->waits)
		http_suspend(v->in.http);
	settle_add(v->in.realm->issuer, &g->settler);
}

static struct csrf csrf_of(const struct visit *v, const struct session *s, str purpose)
{
	return (struct csrf){ .realm = v->in.realm->config->name,
			      .purpose = purpose,
			      .cookie = s->cookie,
			      .fields = v->in.fields,
			      .n_fields = v->in.n_fields };
}

static const str consenting = { "consent", 7 }, choosing = { "choose", 6 };

/* The page that asks for consent, or for an account. */
static void ask(struct visit *v, const struct session *s, bool consent)
{
	char token[CSRF_TOKEN_SIZE];
	struct wr w = reply_room(v->in.http, 28672);
	struct csrf csrf = csrf_of(v, s, consent ? consenting : choosing);
	csrf_write(v->in.realm->issuer->csrf_key, &csrf, clock_unix_s(), token);
	const struct consent_page page = {
		.lang = v->in.lang,
		.realm = v->in.realm->config,
		.app = v->in.app,
		.home = v->home,
		.user = s->user.username,
		.scopes = v->scope,
		.leads_to = v->request.redirect_uri,
		.message = v->stale ? TEXT_STALE_PAGE : TEXT_COUNT,
		.fields = v->in.fields,
		.n_fields = v->in.n_fields,
		.csrf = { token, sizeof(token) },
	};
	if (consent)
		page_consent(&w, &page);
	else
		page_choose(&w, &page);
	if (failed(wr_done(&w)))
		visit_error(v, ch_fail(CH_E_INVALID_REQUEST, "the request is too long", 0));
	else
		reply_page(v->in.http, &(struct page_answer){ .status = v->stale ? 403 : 200,
							      .html = wr_text(&w),
							      .form_action = v->in.form_action,
							      .cookies = v->in.cookies,
							      .n_cookies = v->in.n_cookies });
}

/* Is there anything in it that the person has not agreed to? */
static ch_err agreement_find(struct visit *v, const struct session *s)
{
	struct store_consent c = { 0 };
	str left = { 0 };
	v->where.must_agree = false;
	if (!s || v->trusted)
		return CH_DONE;
	ch_err e = store_consent_get(v->in.realm->issuer->store, s->user.sub, v->in.client_id,
				     &v->in.http->arena, &c);
	v->where.must_agree = ch_code_of(e) == CH_E_NOT_FOUND;
	if (failed(e))
		return v->where.must_agree ? CH_DONE : e;
	TRY(scope_without(v->scope, c.scope, (str){ 0 }, &v->in.http->arena, &left));
	v->where.must_agree = left.n > 0;
	v->agreed_before = c.scope;
	v->agreed_since = c.since;
	return CH_DONE;
}

/* Remembers all that was agreed to so far. */
static ch_err agree(struct visit *v, const struct session *s)
{
	struct wr w = reply_room(v->in.http, STORE_LIST_MAX);
	str more = { 0 };
	if (v->trusted)
		return CH_DONE;
	TRY(scope_without(v->scope, v->agreed_before, (str){ 0 }, &v->in.http->arena, &more));
	wr_str(&w, v->agreed_before);
	if (w.n > 0 && more.n > 0)
		wr_char(&w, ' ');
	wr_str(&w, more);
	TRY(wr_done(&w));
	const struct store_consent c = {
		.sub = s->user.sub,
		.realm = v->in.realm->config->name,
		.client_id = v->in.client_id,
		.scope = wr_text(&w),
		.since = v->agreed_since ? v->agreed_since : clock_unix_s(),
	};
	LOG(LOG_INFO, "a person lets an application in", log_str("realm", c.realm),
	    log_str("sub", c.sub), log_str("client", c.client_id), log_str("scope", v->scope));
	return store_consent_set(v->in.realm->issuer->store, &c);
}

static ch_err hint_look(struct visit *v, const struct session *s)
{
	struct hint h = { 0 };
	if (!v->request.id_token_hint.p)
		return CH_DONE;
	TRY(hint_judge(v->in.realm, v->request.id_token_hint, &v->in.http->arena, &h));
	v->where.another = s && !str_eq(h.sub, s->user.sub);
	return CH_DONE;
}

#define FAIL(error, text) (&(struct auth_fail){ LIT(error), LIT(text) })

/* s is NULL when nobody is signed in. */
static void go_on(struct visit *v, const struct session *s)
{
	v->where.signed_in = s;
	v->where.age = s ? clock_unix_s() - s->auth_time : 0;
	ch_err e = hint_look(v, s);
	if (ch_code_of(e) == CH_E_INVALID_REQUEST) {
		send_back(v, (str){ 0 },
			  FAIL("invalid_request", "id_token_hint is no ID token of this realm"));
		return;
	}
	if (!failed(e))
		e = agreement_find(v, s);
	if (!failed(e) && s && v->where.agreed)
		e = agree(v, s);
	if (failed(e)) {
		visit_error(v, e);
		return;
	}
	enum auth_next next = auth_decide(&v->where);
	/* without a person there is nothing to give, and nobody to ask for it */
	if (!s && (next == AUTH_CODE || next == AUTH_CHOOSE || next == AUTH_CONSENT))
		next = AUTH_SIGN_IN;
	switch (next) {
	case AUTH_CODE:
		give_code(v, s);
		return;
	case AUTH_CHOOSE:
	case AUTH_CONSENT:
		ask(v, s, next == AUTH_CONSENT);
		return;
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
	v->waits = true;
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

/* What a button of our pages says; false: the form is a sign-in. */
static bool visit_act(struct visit *v)
{
	struct session s = { 0 };
	str act = form_get(&v->in.form, LIT("act"));
	bool allow = str_eq(act, LIT("allow")), deny = str_eq(act, LIT("deny"));
	if (!act.p)
		return false;
	ch_err e = session_find(v->in.http, v->in.realm, &s);
	if (failed(e) && ch_code_of(e) != CH_E_NOT_FOUND) {
		visit_error(v, e);
		return true;
	}
	struct csrf csrf = csrf_of(v, &s, allow || deny ? consenting : choosing);
	/* of a sign-in nothing is at stake yet: its own form has its own token */
	bool other = str_eq(act, LIT("other"));
	v->stale = !other && !csrf_ok(v->in.realm->issuer->csrf_key, &csrf, clock_unix_s(),
				      form_get(&v->in.form, LIT("csrf")));
	v->where.agreed = allow && !v->stale;
	v->where.chose = str_eq(act, LIT("continue")) && !v->stale;
	if (other)
		signin_show(&v->in, 200, TEXT_COUNT);
	else if (deny && !v->stale)
		send_back(v, (str){ 0 }, FAIL("access_denied", "the person did not allow it"));
	else
		go_on(v, failed(e) ? NULL : &s);
	return true;
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
	else if (visit_check(v) && !visit_act(v))
		signin_take(&v->in);
}
