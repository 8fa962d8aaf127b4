/* The account page: a person's sessions and the applications with access, and the end of each.
 * Every act is posted with a token of this session's; what it names is looked for among the
 * person's own alone. */
#include "base/clock.h"
#include "base/log.h"
#include "people.h"

enum { GRANTS_AT_ONCE = 64, PAGE_ROOM = 44 * 1024 };

/* --- ending --- */

struct collected {
	struct arena *arena;
	str client_id, sid; /* what is looked for; empty: any */
	bool online;        /* only those that end with the session */
	struct store_grant grants[GRANTS_AT_ONCE];
	size_t n;
};

static ch_err collect(void *ctx, const struct store_grant *g)
{
	struct collected *c = ctx;
	if (c->n >= COUNT_OF(c->grants) || (c->online && g->seq > 0) ||
	    (c->sid.n > 0 && !str_eq(g->sid, c->sid)) ||
	    (c->client_id.n > 0 && !str_eq(g->client_id, c->client_id)))
		return CH_DONE;
	struct store_grant *to = &c->grants[c->n++];
	return arena_str(c->arena, g->id, &to->id);
}

/* As many as there are; each round ends some. */
static ch_err grants_end(struct http_req *r, struct realm *m, str sub, const struct collected *want)
{
	struct collected *c = arena_new(&r->arena, struct collected, 1);
	if (!c)
		return ch_fail(CH_E_LIMIT, "request needs more memory than it may have", 0);
	do {
		*c = *want;
		c->arena = &r->arena;
		c->n = 0;
		TRY(store_grant_list(m->issuer->store, m->config->name, sub, clock_unix_s(),
				     collect, c));
		for (size_t i = 0; i < c->n; i++)
			TRY(grant_end(m, c->grants[i].id, REVOKE_BY_USER));
	} while (c->n == COUNT_OF(c->grants));
	return CH_DONE;
}

static ch_err session_cut(struct http_req *r, struct realm *m, str sub, str sid)
{
	const struct collected of_session = { .sid = sid, .online = true };
	ch_err e = store_session_end(m->issuer->store, sub, sid);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return CH_DONE;
	TRY(e);
	LOG(LOG_INFO, "a session has ended", log_str("realm", m->config->name), log_str("sub", sub),
	    log_str("sid", sid));
	return grants_end(r, m, sub, &of_session);
}

ch_err session_end(struct http_req *r, struct realm *m, str sub, str sid)
{
	bool mine = false;
	TRY(revoking_begin(m->issuer, &mine));
	return revoking_end(m->issuer, mine, session_cut(r, m, sub, sid));
}

/* --- what is listed --- */

struct listing {
	struct account_page page; /* first */
	struct http_req *http;
	struct realm *realm;
};

static ch_err list_session(void *ctx, const struct store_session *n)
{
	struct listing *l = ctx;
	if (!str_eq(n->realm, l->realm->config->name) ||
	    l->page.n_sessions >= COUNT_OF(l->page.sessions))
		return CH_DONE;
	struct account_session *to = &l->page.sessions[l->page.n_sessions++];
	to->since = n->auth_time;
	to->seen = n->seen;
	TRY(arena_str(&l->http->arena, n->sid, &to->sid));
	return arena_str(&l->http->arena, n->agent, &to->agent);
}

/* NULL: no room. */
static struct account_app *app_of(struct listing *l, str client_id)
{
	for (size_t i = 0; i < l->page.n_apps; i++)
		if (str_eq(l->page.apps[i].id, client_id))
			return &l->page.apps[i];
	l->page.more = l->page.more || l->page.n_apps >= COUNT_OF(l->page.apps);
	if (l->page.more)
		return NULL;
	struct account_app *a = &l->page.apps[l->page.n_apps];
	if (failed(arena_str(&l->http->arena, client_id, &a->id)))
		return NULL;
	l->page.n_apps++;
	return a;
}

static ch_err app_add(struct listing *l, str client_id, str scope, int64_t since, int64_t used)
{
	struct account_app *a = app_of(l, client_id);
	str more = { 0 };
	if (!a)
		return CH_DONE;
	TRY(scope_without(scope, a->scopes, (str){ 0 }, &l->http->arena, &more));
	struct wr w = reply_room(l->http, a->scopes.n + 1 + more.n);
	wr_str(&w, a->scopes);
	if (a->scopes.n > 0 && more.n > 0)
		wr_char(&w, ' ');
	wr_str(&w, more);
	TRY(wr_done(&w));
	if (more.n > 0)
		a->scopes = wr_text(&w);
	if (a->since == 0 || since < a->since)
		a->since = since;
	if (used > a->used)
		a->used = used;
	return CH_DONE;
}

static ch_err list_consent(void *ctx, const struct store_consent *c)
{
	return app_add(ctx, c->client_id, c->scope, c->since, 0);
}

static ch_err list_grant(void *ctx, const struct store_grant *g)
{
	return app_add(ctx, g->client_id, g->scope, g->created, g->rotated);
}

static void apps_name(struct listing *l)
{
	for (size_t i = 0; i < l->page.n_apps; i++) {
		const struct store_client *c = NULL;
		struct account_app *a = &l->page.apps[i];
		a->name = a->id;
		if (!failed(client_find(l->realm->issuer, l->realm->config->name, a->id, &c)) &&
		    c->name.n > 0)
			(void)arena_str(&l->http->arena, c->name, &a->name);
	}
}

static ch_err list_all(struct listing *l, const struct session *s)
{
	struct store *store = l->realm->issuer->store;
	int64_t now = clock_unix_s();
	TRY(store_session_list(store, s->user.sub, now, list_session, l));
	TRY(store_consent_list(store, s->user.sub, list_consent, l));
	TRY(store_grant_list(store, l->realm->config->name, s->user.sub, now, list_grant, l));
	apps_name(l);
	return CH_DONE;
}

static void account_show(struct http_req *r, struct realm *m, const struct session *s,
			 enum text_id message)
{
	struct listing *l = arena_new(&r->arena, struct listing, 1);
	enum lang lang = lang_pick((str){ 0 }, http_field(r, "Accept-Language"));
	ch_err e = l ? CH_DONE
		     : ch_fail(CH_E_LIMIT, "request needs more memory than it may have", 0);
	if (l) {
		l->http = r;
		l->realm = m;
		l->page.lang = lang;
		l->page.realm = m->config;
		l->page.user = s->user.username;
		l->page.sid = s->sid;
		l->page.message = message;
		l->page.csrf = session_csrf(r, m, s, LIT("account"));
		l->page.logout_csrf = session_csrf(r, m, s, LIT("logout"));
		e = list_all(l, s);
	}
	if (failed(e)) {
		reply_error_page(r, lang, e);
		return;
	}
	struct wr w = reply_room(r, PAGE_ROOM);
	page_account(&w, &l->page);
	if (failed(wr_done(&w)))
		reply_error_page(r, lang, ch_fail(CH_E_LIMIT, "the page is too long", w.cap));
	else
		reply_page(r, &(struct page_answer){
				      .status = message == TEXT_COUNT ? 200 : 403,
				      .html = wr_text(&w),
			      });
}

/* --- the endpoint --- */

static str account_path(struct http_req *r, const struct realm *m)
{
	struct wr w = reply_room(r, NAME_MAX_BYTES + 16);
	wr_char(&w, '/');
	wr_str(&w, m->config->name);
	wr_lit(&w, "/account");
	return wr_text(&w);
}

/* False: nobody is signed in, and it has been answered. */
static bool account_session(struct http_req *r, struct realm *m, struct session *ret_s)
{
	ch_err e = session_find(r, m, ret_s);
	if (!failed(e))
		return true;
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		signin_then(r, m, account_path(r, m));
	else
		reply_error_page(r, LANG_EN, e);
	return false;
}

void serve_account(struct http_req *r, void *ctx)
{
	struct session s = { 0 };
	if (account_session(r, ctx, &s))
		account_show(r, ctx, &s, TEXT_COUNT);
}

static ch_err app_cut(struct http_req *r, struct realm *m, const struct session *s, str client_id)
{
	const struct collected of_app = { .client_id = client_id };
	TRY(store_consent_remove(m->issuer->store, s->user.sub, client_id));
	LOG(LOG_INFO, "a person took access away", log_str("realm", m->config->name),
	    log_str("sub", s->user.sub), log_str("client", client_id));
	return grants_end(r, m, s->user.sub, &of_app);
}

static ch_err forget_app(struct http_req *r, struct realm *m, const struct session *s,
			 str client_id)
{
	bool mine = false;
	TRY(revoking_begin(m->issuer, &mine));
	return revoking_end(m->issuer, mine, app_cut(r, m, s, client_id));
}

static ch_err end_others(struct http_req *r, struct realm *m, const struct session *s)
{
	struct listing *l = arena_new(&r->arena, struct listing, 1);
	if (!l)
		return ch_fail(CH_E_LIMIT, "request needs more memory than it may have", 0);
	l->http = r;
	l->realm = m;
	TRY(store_session_list(m->issuer->store, s->user.sub, clock_unix_s(), list_session, l));
	for (size_t i = 0; i < l->page.n_sessions; i++)
		if (!str_eq(l->page.sessions[i].sid, s->sid))
			TRY(session_end(r, m, s->user.sub, l->page.sessions[i].sid));
	return CH_DONE;
}

static ch_err account_act(struct http_req *r, struct realm *m, const struct session *s,
			  const struct form *f)
{
	str end = form_get(f, LIT("end")), forget = form_get(f, LIT("forget"));
	if (end.p)
		return session_end(r, m, s->user.sub, end);
	if (form_get(f, LIT("others")).p)
		return end_others(r, m, s);
	if (forget.p)
		return forget_app(r, m, s, forget);
	return ch_fail(CH_E_INVALID_REQUEST, "the form says nothing to do", 0);
}

void serve_account_act(struct http_req *r, void *ctx)
{
	struct session s = { 0 };
	struct form f = { .n = 0 };
	enum lang lang = lang_pick((str){ 0 }, http_field(r, "Accept-Language"));
	ch_err e = body_form(r, &f);
	if (failed(e)) {
		reply_error_page(r, lang, e);
		return;
	}
	if (!account_session(r, ctx, &s))
		return;
	if (!session_csrf_ok(ctx, &s, LIT("account"), form_get(&f, LIT("csrf")))) {
		account_show(r, ctx, &s, TEXT_STALE_PAGE);
		return;
	}
	e = account_act(r, ctx, &s, &f);
	if (failed(e))
		reply_error_page(r, lang, e);
	else
		reply_see_other(r, account_path(r, ctx), NULL, 0);
}
