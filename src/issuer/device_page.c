/* /REALM/device: a person who is signed in types a device's code, or comes with it in the link,
 * sees who asks for what, and says yes or no. A code that is tried is bounded for each person and
 * for the realm: a code is short, and whoever guessed one could put his own account into
 * somebody else's device. Nothing is decided by a GET, nor without a form of ours. */
#include "base/clock.h"
#include "base/log.h"
#include "people.h"

struct device_visit {
	struct http_req *http;
	struct realm *realm;
	struct form form;
	struct session s;
	struct device_page page;
	struct store_device device; /* of the page's code */
	unsigned status;
};

static void reply(struct device_visit *v, struct wr *w)
{
	if (failed(wr_done(w)))
		reply_error_page(v->http, v->page.lang,
				 ch_fail(CH_E_INVALID_REQUEST, "the request is too long", 0));
	else
		reply_page(v->http, &(struct page_answer){ .status = v->status ? v->status : 200,
							   .html = wr_text(w) });
}

static void show_code(struct device_visit *v, unsigned status, enum text_id message)
{
	struct wr w = reply_room(v->http, 16384);
	v->page.csrf = session_csrf(v->http, v->realm, &v->s, LIT("device"));
	v->page.message = message;
	v->status = status;
	page_device_code(&w, &v->page);
	reply(v, &w);
}

/* The form that decides is for one code and no other. */
static str act_of(struct device_visit *v)
{
	struct wr w = reply_room(v->http, 16 + USER_CODE_SIZE);
	wr_lit(&w, "device ");
	wr_str(&w, v->page.user_code);
	return wr_text(&w);
}

static void show_ask(struct device_visit *v, unsigned status, enum text_id message)
{
	struct wr w = reply_room(v->http, 24576);
	v->page.csrf = session_csrf(v->http, v->realm, &v->s, act_of(v));
	v->page.message = message;
	v->status = status;
	page_device_ask(&w, &v->page);
	reply(v, &w);
}

/* One that waits, of an app that is here; anything else is E_NOT_FOUND. */
static ch_err device_look(struct device_visit *v)
{
	const struct store_client *c = NULL;
	struct arena *a = &v->http->arena;
	struct realm *m = v->realm;
	TRY(store_device_by_code(m->issuer->store, m->config->name, v->page.user_code, a,
				 &v->device));
	if (v->device.state != DEVICE_WAITS || v->device.expires <= clock_unix_s())
		return ch_fail(CH_E_NOT_FOUND, "the device does not wait any more", 0);
	TRY(client_find(m->issuer, m->config->name, v->device.client_id, &c));
	v->page.scopes = v->device.scope;
	return arena_str(a, c->name.n > 0 ? c->name : c->id, &v->page.app);
}

static struct throttle_try try_of(const struct device_visit *v)
{
	return (struct throttle_try){
		.who = throttle_who(v->realm->issuer->csrf_key, LIT("device"),
				    v->realm->config->name, v->s.user.sub),
		.rule = &throttle_code,
	};
}

/* True when the code is one that waits; else it has been answered. A right code does not make
 * up for wrong ones: everybody can get himself right ones. */
static bool code_try(struct device_visit *v)
{
	struct throttle *t = &v->realm->issuer->throttle;
	struct throttle_try one = try_of(v);
	uint64_t now = clock_mono_ns();
	if (!guesses_left(&v->realm->guesses, now) || throttle_begin(t, &one, now) > 0) {
		show_code(v, 429, TEXT_DEVICE_TOO_OFTEN);
		return false;
	}
	ch_err e = device_look(v);
	if (ch_code_of(e) != CH_E_NOT_FOUND) {
		throttle_drop(t, one.who);
		if (failed(e))
			reply_error_page(v->http, v->page.lang, e);
		return !failed(e);
	}
	guesses_spend(&v->realm->guesses);
	metrics_count(v->realm, COUNT_DEVICE_WRONG);
	if (throttle_end(t, &one, false, now) > 0)
		LOG(LOG_WARN, "a person has tried so many device codes that he must wait",
		    log_str("realm", v->realm->config->name), log_str("sub", v->s.user.sub));
	show_code(v, 404, TEXT_DEVICE_UNKNOWN);
	return false;
}

/* What an app was let in for stands on the person's account page, where it can be taken back. */
static ch_err agree(struct device_visit *v)
{
	struct store *store = v->realm->issuer->store;
	struct arena *a = &v->http->arena;
	struct store_consent before = { 0 };
	struct wr w = reply_room(v->http, STORE_LIST_MAX);
	str more = { 0 };
	ch_err e = store_consent_get(store, v->s.user.sub, v->device.client_id, a, &before);
	if (failed(e) && ch_code_of(e) != CH_E_NOT_FOUND)
		return e;
	TRY(scope_without(v->device.scope, before.scope, (str){ 0 }, a, &more));
	wr_str(&w, before.scope);
	if (w.n > 0 && more.n > 0)
		wr_char(&w, ' ');
	wr_str(&w, more);
	TRY(wr_done(&w));
	const struct store_consent c = {
		.sub = v->s.user.sub,
		.realm = v->realm->config->name,
		.client_id = v->device.client_id,
		.scope = wr_text(&w),
		.since = before.since ? before.since : clock_unix_s(),
	};
	return store_consent_set(store, &c);
}

static void decide(struct device_visit *v, bool allow)
{
	struct wr w = reply_room(v->http, 16384);
	struct store_device *d = &v->device;
	d->state = allow ? DEVICE_ALLOWED : DEVICE_DENIED;
	d->sub = v->s.user.sub;
	d->auth_time = v->s.auth_time;
	ch_err e = allow ? agree(v) : CH_DONE;
	if (!failed(e))
		e = store_device_decide(v->realm->issuer->store, d, clock_unix_s());
	if (ch_code_of(e) == CH_E_NOT_FOUND) {
		show_code(v, 404, TEXT_DEVICE_UNKNOWN);
		return;
	}
	if (failed(e)) {
		reply_error_page(v->http, v->page.lang, e);
		return;
	}
	metrics_count(v->realm, allow ? COUNT_DEVICE_ALLOWED : COUNT_DEVICE_DENIED);
	LOG(LOG_INFO, "a person answers a device", log_str("realm", v->realm->config->name),
	    log_str("answer", allow ? LIT("yes") : LIT("no")), log_str("sub", v->s.user.sub),
	    log_str("client", d->client_id), log_str("scope", d->scope));
	page_device_done(&w, &v->page, allow);
	reply(v, &w);
}

/* The code, if one came; false: what came is none. */
static bool code_read(struct device_visit *v)
{
	str typed = form_get(&v->form, LIT("user_code"));
	char *room = arena_alloc(&v->http->arena, USER_CODE_SIZE);
	v->page.user_code = (str){ 0 };
	if (!typed.p || !room)
		return !typed.p;
	if (failed(user_code_read(typed, room))) {
		v->page.user_code = typed;
		return false;
	}
	v->page.user_code = (str){ room, USER_CODE_SIZE };
	return true;
}

/* Who must sign in first comes back with the code, if it is one. */
static void signin_first(struct device_visit *v)
{
	struct wr then = reply_room(v->http, NAME_MAX_BYTES + 64);
	wr_char(&then, '/');
	wr_str(&then, v->realm->config->name);
	wr_lit(&then, "/device");
	if (code_read(v) && v->page.user_code.n > 0) {
		wr_lit(&then, "?user_code=");
		user_code_write(&then, v->page.user_code);
	}
	signin_then(v->http, v->realm, wr_text(&then));
}

/* NULL: it has been answered. e is what reading the form has said. */
static struct device_visit *visit_begin(struct http_req *r, struct realm *m, struct device_visit *v,
					ch_err e)
{
	v->http = r;
	v->realm = m;
	v->page.realm = m->config;
	v->page.message = TEXT_COUNT;
	v->page.lang =
		lang_pick(form_get(&v->form, LIT("ui_locales")), http_field(r, "Accept-Language"));
	if (!failed(e))
		e = session_find(r, m, &v->s);
	if (ch_code_of(e) == CH_E_NOT_FOUND) {
		signin_first(v);
		return NULL;
	}
	if (failed(e)) {
		reply_error_page(r, v->page.lang, e);
		return NULL;
	}
	v->page.user = v->s.user.username;
	return v;
}

static struct device_visit *visit_new(struct http_req *r)
{
	struct device_visit *v = arena_new(&r->arena, struct device_visit, 1);
	if (!v)
		reply_error_page(
			r, LANG_EN,
			ch_fail(CH_E_LIMIT, "request needs more memory than it may have", 0));
	return v;
}

void serve_device(struct http_req *r, void *ctx)
{
	struct device_visit *v = visit_new(r);
	if (!v)
		return;
	ch_err e = CH_DONE;
	if (failed(form_parse(r->query, &r->arena, &v->form)))
		e = ch_fail(CH_E_INVALID_REQUEST, "the link is not well formed", 0);
	if (!visit_begin(r, ctx, v, e))
		return;
	if (!code_read(v))
		show_code(v, 404, TEXT_DEVICE_UNKNOWN);
	else if (v->page.user_code.n == 0)
		show_code(v, 200, TEXT_COUNT);
	else if (code_try(v))
		show_ask(v, 200, TEXT_COUNT);
}

void serve_device_answer(struct http_req *r, void *ctx)
{
	struct device_visit *v = visit_new(r);
	if (!v)
		return;
	ch_err e = body_form(r, &v->form);
	if (!visit_begin(r, ctx, v, e))
		return;
	str act = form_get(&v->form, LIT("act")), csrf = form_get(&v->form, LIT("csrf"));
	bool allow = str_eq(act, LIT("allow")), deny = str_eq(act, LIT("deny"));
	if (!code_read(v) || v->page.user_code.n == 0) {
		show_code(v, 404, TEXT_DEVICE_UNKNOWN);
		return;
	}
	if (!session_csrf_ok(v->realm, &v->s, allow || deny ? act_of(v) : LIT("device"), csrf)) {
		show_code(v, 403, TEXT_STALE_PAGE);
		return;
	}
	if (!code_try(v))
		return;
	if (allow || deny)
		decide(v, allow);
	else
		show_ask(v, 200, TEXT_COUNT);
}
