/* The authorization endpoint: GET shows the login form, POST takes it. Every POST is
 * judged anew from its fields; the form is believed in nothing. The redirect URI is
 * trusted only after auth_redirect_check. */
#include "base/clock.h"
#include "base/log.h"
#include "base/path.h"
#include "base/rand.h"
#include "codec/base64url.h"
#include "issuer.h"
#include "wire/hash.h"

static const char cookie_name[] = "chancery_login";

/* One visit: the request, who asks, what would be granted. In the request's arena. */
struct visit {
	struct hash_job hash; /* first */
	struct realm *realm;
	struct http_req *http;
	struct form form;
	struct auth_request request;
	str client_id;
	str scope;
	str audience;
	struct store_user user;
	bool known;   /* user is set */
	uint64_t who; /* of the throttle */
};

static void send_back(struct visit *v, str code, const struct auth_fail *fail_or_null)
{
	struct wr w = reply_room(v->http, AUTH_URI_MAX + 4 * AUTH_STATE_MAX + 1024);
	auth_redirect_write(&w, &v->request, v->realm->config->issuer, code, fail_or_null);
	ch_err e = wr_done(&w);
	if (failed(e)) {
		reply_error_page(v->http, e);
		return;
	}
	const struct http_out fields[] = {
		{ LIT("Location"), wr_text(&w) },
		{ LIT("Cache-Control"), LIT("no-store") },
		{ LIT("Referrer-Policy"), LIT("no-referrer") },
	};
	http_answer(v->http, &(struct http_answer){ .status = 303,
						    .fields = fields,
						    .n_fields = COUNT_OF(fields) });
}

static str cookie_make(struct visit *v, str id)
{
	struct wr w = reply_room(v->http, 256 + NAME_MAX_BYTES);
	wr_str(&w, str_from_c(cookie_name));
	wr_char(&w, '=');
	wr_str(&w, id);
	wr_lit(&w, "; Path=/");
	wr_str(&w, v->realm->config->name);
	wr_lit(&w, "/authorize; Max-Age=3600; HttpOnly; SameSite=Strict");
	if (str_starts(v->realm->config->issuer, LIT("https:")))
		wr_lit(&w, "; Secure");
	return wr_text(&w);
}

/* The form, with a new cookie unless the browser has shown a usable one. */
static void show_form(struct visit *v, unsigned status, str message)
{
	char token[CSRF_TOKEN_SIZE];
	uint8_t id[CSRF_ID_SIZE / 2];
	str cookie = http_cookie(v->http, str_from_c(cookie_name));
	struct wr fresh = reply_room(v->http, CSRF_ID_SIZE);
	struct wr action = reply_room(v->http, AUTH_URI_MAX);
	struct wr w = reply_room(v->http, 24576);
	bool usable = cookie.n == CSRF_ID_SIZE && name_ok(cookie, CSRF_ID_SIZE);
	rand_fill(id, sizeof(id));
	wr_hex(&fresh, BYTES_OF(id));
	str value = usable ? cookie : wr_text(&fresh);
	csrf_token(v->realm->issuer->csrf_key, v->realm->config->name, value, &v->request, token);
	struct login_page page = {
		.request = &v->request,
		.realm = v->realm->config->name,
		.client = v->client_id,
		.username = form_get(&v->form, LIT("username")),
		.message = message,
		.csrf = { token, sizeof(token) },
	};
	page_login(&w, &page);
	form_action_write(&action, v->request.redirect_uri);
	if (failed(wr_done(&w)))
		reply_error_page(v->http,
				 ch_fail(CH_E_INVALID_REQUEST, "the request is too long", 0));
	else
		reply_page(v->http, status, wr_text(&w), wr_text(&action),
			   usable ? (str){ 0 } : cookie_make(v, value));
}

/* Who asks, and may the answer go where it says? */
static ch_err visit_client(struct visit *v, const struct store_client **ret_c)
{
	auth_request_read(&v->form, &v->request);
	if (!v->request.client_id.p)
		return ch_fail(CH_E_INVALID_REQUEST, "the request says no client_id", 0);
	ch_err e =
		client_find(v->realm->issuer, v->realm->config->name, v->request.client_id, ret_c);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return ch_fail(CH_E_INVALID_CLIENT, "the application is not known here", 0);
	if (failed(e))
		return e;
	TRY(auth_redirect_check(&v->request, *ret_c));
	return arena_str(&v->http->arena, (*ret_c)->id, &v->client_id);
}

/* True when the visit may go on; else it has been answered. */
static bool visit_check(struct visit *v)
{
	const struct store_client *c = NULL;
	ch_err e = visit_client(v, &c);
	if (failed(e)) {
		reply_error_page(v->http, e);
		return false;
	}
	struct auth_fail fail = auth_request_check(&v->form, &v->request, v->realm->config, c,
						   &v->http->arena, &v->scope, &v->audience);
	if (fail.error.p)
		send_back(v, (str){ 0 }, &fail);
	return !fail.error.p;
}

static struct visit *visit_new(struct http_req *r, struct realm *m)
{
	struct visit *v = arena_new(&r->arena, struct visit, 1);
	if (!v) {
		reply_error_page(
			r, ch_fail(CH_E_LIMIT, "request needs more memory than it may have", 0));
		return NULL;
	}
	v->http = r;
	v->realm = m;
	return v;
}

void serve_authorize(struct http_req *r, void *ctx)
{
	struct visit *v = visit_new(r, ctx);
	if (!v)
		return;
	if (failed(form_parse(r->query, &r->arena, &v->form)))
		reply_error_page(
			r,
			ch_fail(CH_E_INVALID_REQUEST,
				"the request is not well formed, or a parameter occurs twice", 0));
	else if (visit_check(v))
		show_form(v, 200, (str){ 0 });
}

static ch_err code_make(struct visit *v, str *ret_code)
{
	uint8_t random[32];
	struct wr w = reply_room(v->http, 43);
	int64_t now = clock_unix_s();
	rand_fill(random, sizeof(random));
	base64url_write(&w, BYTES_OF(random));
	TRY(wr_done(&w));
	struct store_code c = {
		.realm = v->realm->config->name,
		.client_id = v->client_id,
		.redirect_uri = v->request.redirect_uri,
		.challenge = v->request.challenge,
		.sub = v->user.sub,
		.scope = v->scope,
		.audience = v->audience,
		.nonce = v->request.nonce,
		.auth_time = now,
		.expires = now + v->realm->config->code_ttl_s,
	};
	secret_hash(secret_bytes_of(wr_bytes(&w)), c.hash);
	TRY(store_code_add(v->realm->issuer->store, &c, now));
	*ret_code = wr_text(&w);
	return CH_DONE;
}

static void logged_in(struct visit *v)
{
	str code = { 0 };
	ch_err e = code_make(v, &code);
	if (failed(e)) {
		reply_error_page(v->http, e);
		return;
	}
	LOG(LOG_INFO, "login", log_str("realm", v->realm->config->name),
	    log_str("sub", v->user.sub), log_str("client", v->client_id));
	send_back(v, code, NULL);
}

static void reply_later(struct visit *v, ch_err why)
{
	struct wr w = reply_room(v->http, 8192);
	LOG(LOG_WARN, "login refused", log_str("realm", v->realm->config->name), log_err(why));
	page_error(&w, LIT("Please try again"),
		   LIT("Too many people are signing in just now. Please try again in a moment."));
	reply_page(v->http, 503, wr_text(&w), (str){ 0 }, (str){ 0 });
}

static void on_checked(struct hash_job *j, enum ch_code code)
{
	struct visit *v = (struct visit *)(void *)j;
	bool right = code == CH_OK && v->known && !v->user.disabled;
	bool judged = code != CH_E_GONE && code != CH_E_NOMEM;
	if (!judged)
		throttle_drop(&v->realm->issuer->throttle, v->who);
	else if (throttle_end(&v->realm->issuer->throttle, v->who, right, clock_mono_ns()))
		LOG(LOG_WARN, "a username has failed so often that it must wait",
		    log_str("realm", v->realm->config->name),
		    log_str("sub", v->known ? v->user.sub : LIT("-")));
	if (right) {
		logged_in(v);
	} else if (!judged) {
		reply_later(v, ch_err_from_wire((uint16_t)code, 0));
	} else {
		LOG(LOG_INFO, "login failed", log_str("realm", v->realm->config->name),
		    log_str("sub", v->known ? v->user.sub : LIT("-")),
		    log_str("client", v->client_id),
		    log_str("code", str_from_c(ch_code_name(code))));
		show_form(v, 401, LIT("Username or password is wrong."));
	}
}

static bool csrf_ok(struct visit *v)
{
	char want[CSRF_TOKEN_SIZE];
	str given = form_get(&v->form, LIT("csrf"));
	str cookie = http_cookie(v->http, str_from_c(cookie_name));
	if (cookie.n != CSRF_ID_SIZE || given.n != sizeof(want))
		return false;
	csrf_token(v->realm->issuer->csrf_key, v->realm->config->name, cookie, &v->request, want);
	return mem_eq_ct(want, given.p, sizeof(want));
}

/* An unknown user costs the time of a known one: an empty hash is checked. */
static ch_err password_ask(struct visit *v)
{
	str username = form_get(&v->form, LIT("username"));
	str password = form_get(&v->form, LIT("password"));
	ch_err e = store_user_by_name(v->realm->issuer->store, v->realm->config->name, username,
				      &v->http->arena, &v->user);
	if (failed(e) && ch_code_of(e) != CH_E_NOT_FOUND)
		return e;
	v->known = !failed(e);
	v->hash = (struct hash_job){ .http = v->http,
				     .done = on_checked,
				     .hash = v->known ? v->user.password_hash : LIT(""),
				     .password = secret_bytes_of(bytes_of_str(password)) };
	if (password.n > HASH_PASSWORD_MAX)
		v->hash.password = secret_bytes_of(bytes_of_str(LIT("")));
	return hasher_ask(v->realm->issuer, &v->hash);
}

/* The same for names that nobody has: the answer says nothing of who is known. */
static bool may_try(struct visit *v)
{
	struct issuer *is = v->realm->issuer;
	str username = form_get(&v->form, LIT("username"));
	v->who = throttle_who(is->csrf_key, v->realm->config->name, username);
	if (throttle_begin(&is->throttle, v->who, clock_mono_ns()))
		return true;
	show_form(v, 429,
		  LIT("This username was tried too often with a wrong password. Please wait half"
		      " a minute and try again."));
	return false;
}

static void login_run(struct visit *v)
{
	if (!csrf_ok(v)) {
		show_form(v, 403,
			  LIT("This page was open for too long, or in two windows. Please sign"
			      " in again."));
		return;
	}
	if (!form_get(&v->form, LIT("username")).p || !form_get(&v->form, LIT("password")).p) {
		show_form(v, 401, LIT("Please give your username and your password."));
		return;
	}
	if (!may_try(v))
		return;
	ch_err e = password_ask(v);
	if (!failed(e)) {
		http_suspend(v->http);
		return;
	}
	throttle_drop(&v->realm->issuer->throttle, v->who);
	reply_later(v, e);
}

void serve_login(struct http_req *r, void *ctx)
{
	struct visit *v = visit_new(r, ctx);
	if (!v)
		return;
	ch_err e = body_form(r, &v->form);
	if (failed(e))
		reply_error_page(r, e);
	else if (visit_check(v))
		login_run(v);
}
