/* Signing out (OpenID Connect RP-Initiated Logout 1.0). A session ends without a question only
 * when an ID token of ours says that the application had it, or when the person pressed our own
 * button; a link that anybody can make is a question. Must never lead to a URI that the
 * application has not registered for it. */
#include "base/clock.h"
#include "codec/url.h"
#include "people.h"

enum { LOGOUT_FIELDS = 3 };

struct logout {
	struct http_req *http;
	struct realm *realm;
	struct form form;
	enum lang lang;
	struct form_field fields[LOGOUT_FIELDS]; /* client_id, post_logout_redirect_uri, state */
	struct hint hint;
	bool hinted;
	str app;  /* its name; empty: not known */
	str back; /* where it may lead to; empty: nowhere */
	struct session session;
	bool signed_in;
	str cookie; /* that takes ours away */
};

static bool uri_known(str uris, str uri)
{
	while (uris.n > 0)
		if (url_redirect_matches(list_cut(&uris), uri))
			return true;
	return false;
}

/* What the application may have, if it is one of ours. */
static ch_err logout_client(struct logout *l)
{
	const struct store_client *c = NULL;
	str id = l->hinted ? l->hint.client_id : l->fields[0].value;
	str uri = l->fields[1].value;
	if (!id.p)
		return CH_DONE;
	ch_err e = client_find(l->realm->issuer, l->realm->config->name, id, &c);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return CH_DONE;
	TRY(e);
	TRY(arena_str(&l->http->arena, c->name.n ? c->name : c->id, &l->app));
	if (uri.p && uri.n <= AUTH_URI_MAX && uri_known(c->logout_uris, uri))
		l->back = uri;
	return CH_DONE;
}

static ch_err logout_read(struct logout *l)
{
	static const str names[LOGOUT_FIELDS] = { { "client_id", 9 },
						  { "post_logout_redirect_uri", 24 },
						  { "state", 5 } };
	str hint = form_get(&l->form, LIT("id_token_hint"));
	l->lang = lang_pick(form_get(&l->form, LIT("ui_locales")),
			    http_field(l->http, "Accept-Language"));
	for (size_t i = 0; i < LOGOUT_FIELDS; i++)
		l->fields[i] = (struct form_field){ names[i], form_get(&l->form, names[i]) };
	if (l->fields[2].value.n > AUTH_STATE_MAX)
		return ch_fail(CH_E_INVALID_REQUEST, "state is longer than 1024 bytes", 0);
	if (hint.p && hint.n <= AUTH_HINT_MAX) {
		ch_err e = hint_judge(l->realm, hint, &l->http->arena, &l->hint);
		if (failed(e) && ch_code_of(e) != CH_E_INVALID_REQUEST)
			return e;
		l->hinted = !failed(e);
	}
	if (l->hinted && l->fields[0].value.p && !str_eq(l->fields[0].value, l->hint.client_id))
		return ch_fail(CH_E_INVALID_REQUEST,
			       "client_id is not the one that the ID token is for", 0);
	TRY(logout_client(l));
	ch_err e = session_find(l->http, l->realm, &l->session);
	l->signed_in = !failed(e);
	return ch_code_of(e) == CH_E_NOT_FOUND ? CH_DONE : e;
}

/* Back to the application, or a page that says so. */
static void logout_done(struct logout *l)
{
	struct wr w = reply_room(l->http, 12288),
		  to = reply_room(l->http, 3 * AUTH_URI_MAX + 3 * AUTH_STATE_MAX + 64);
	struct wr cookie = reply_room(l->http, COOKIE_MAX);
	cookie_write(&cookie, l->realm->config, COOKIE_SESSION, (str){ 0 });
	const str cookies[] = { wr_text(&cookie) };
	if (l->back.n > 0) {
		wr_str(&to, l->back);
		if (l->fields[2].value.p) {
			if (!str_has(l->back, '?'))
				wr_char(&to, '?');
			form_write(&to, LIT("state"), l->fields[2].value);
		}
		reply_see_other(l->http, wr_text(&to), cookies, 1);
		return;
	}
	page_signed_out(&w, l->lang, l->realm->config->name);
	reply_page(l->http, &(struct page_answer){ .status = 200,
						   .html = wr_text(&w),
						   .cookies = cookies,
						   .n_cookies = 1 });
}

static void logout_end(struct logout *l)
{
	ch_err e = CH_DONE;
	if (l->signed_in)
		e = session_end(l->http, l->realm, l->session.user.sub, l->session.sid);
	/* a form that another site posts brings no cookie; the hint names the session */
	if (!failed(e) && l->hinted && l->hint.sid.n > 0)
		e = session_end(l->http, l->realm, l->hint.sub, l->hint.sid);
	if (failed(e))
		reply_error_page(l->http, l->lang, e);
	else
		logout_done(l);
}

static struct csrf csrf_of(const struct logout *l)
{
	return (struct csrf){ .realm = l->realm->config->name,
			      .purpose = LIT("logout"),
			      .cookie = l->session.cookie,
			      .fields = l->fields,
			      .n_fields = l->back.n > 0 ? LOGOUT_FIELDS : 0 };
}

static void logout_ask(struct logout *l, unsigned status, enum text_id message)
{
	char token[CSRF_TOKEN_SIZE];
	struct wr w = reply_room(l->http, 20480), action = reply_room(l->http, AUTH_URI_MAX);
	struct csrf csrf = csrf_of(l);
	csrf_write(l->realm->issuer->csrf_key, &csrf, clock_unix_s(), token);
	page_logout(&w, &(struct logout_page){ .lang = l->lang,
					       .realm = l->realm->config,
					       .app = l->app,
					       .message = message,
					       .fields = l->fields,
					       .n_fields = csrf.n_fields,
					       .csrf = { token, sizeof(token) } });
	form_action_write(&action, l->back);
	if (failed(wr_done(&w)))
		reply_error_page(l->http, l->lang,
				 ch_fail(CH_E_INVALID_REQUEST, "the request is too long", 0));
	else
		reply_page(l->http, &(struct page_answer){ .status = status,
							   .html = wr_text(&w),
							   .form_action = wr_text(&action) });
}

static void logout_run(struct logout *l)
{
	ch_err e = logout_read(l);
	str token = form_get(&l->form, LIT("csrf"));
	bool posted = l->http->method == HTTP_POST && token.p;
	if (failed(e)) {
		reply_error_page(l->http, l->lang, e);
		return;
	}
	bool theirs = l->hinted && (!l->signed_in || str_eq(l->hint.sub, l->session.user.sub));
	if (!l->signed_in || theirs) {
		logout_end(l);
		return;
	}
	struct csrf csrf = csrf_of(l);
	if (posted && csrf_ok(l->realm->issuer->csrf_key, &csrf, clock_unix_s(), token))
		logout_end(l);
	else
		logout_ask(l, posted ? 403 : 200, posted ? TEXT_STALE_PAGE : TEXT_COUNT);
}

void serve_logout(struct http_req *r, void *ctx)
{
	struct logout *l = arena_new(&r->arena, struct logout, 1);
	ch_err e = l ? CH_DONE
		     : ch_fail(CH_E_LIMIT, "request needs more memory than it may have", 0);
	if (l) {
		l->http = r;
		l->realm = ctx;
		if (r->method == HTTP_POST)
			e = body_form(r, &l->form);
		else if (failed(form_parse(r->query, &r->arena, &l->form)))
			e = ch_fail(CH_E_INVALID_REQUEST, "the request is not well formed", 0);
	}
	if (failed(e))
		reply_error_page(r, LANG_EN, e);
	else
		logout_run(l);
}
