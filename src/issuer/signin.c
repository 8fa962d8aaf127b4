/* Signing in with a password, for whatever page asks for it. The form is believed in
 * nothing: its token says that we made it for this browser and these fields. A known and an
 * unknown name get the same answer, at the same cost. It must never log or keep a password,
 * nor send anybody elsewhere than to a path of its realm. */
#include "base/clock.h"
#include "base/log.h"
#include "base/path.h"
#include "base/rand.h"
#include "people.h"
#include "wire/hash.h"

static str form_cookie(const struct signin *in)
{
	char name[COOKIE_NAME_MAX];
	str value = http_cookie(in->http, cookie_name(in->realm->config, COOKIE_FORM, name));
	return value.n == CSRF_ID_SIZE && name_ok(value, CSRF_ID_SIZE) ? value : (str){ 0 };
}

/* The browser's, or a new one that goes out with the answer. */
static str form_cookie_take(struct signin *in)
{
	uint8_t id[CSRF_ID_SIZE / 2];
	str value = form_cookie(in);
	if (value.p)
		return value;
	struct wr fresh = reply_room(in->http, CSRF_ID_SIZE), w = reply_room(in->http, COOKIE_MAX);
	rand_fill(id, sizeof(id));
	wr_hex(&fresh, BYTES_OF(id));
	cookie_write(&w, in->realm->config, COOKIE_FORM, wr_text(&fresh));
	in->cookies[in->n_cookies++] = wr_text(&w);
	return wr_text(&fresh);
}

static struct csrf csrf_of(const struct signin *in, str cookie)
{
	return (struct csrf){ .realm = in->realm->config->name,
			      .purpose = in->purpose,
			      .cookie = cookie,
			      .fields = in->fields,
			      .n_fields = in->n_fields };
}

void signin_init(struct signin *in, struct http_req *r, struct realm *m)
{
	in->http = r;
	in->realm = m;
	in->lang =
		lang_pick(form_get(&in->form, LIT("ui_locales")), http_field(r, "Accept-Language"));
}

/* "30 s", "4 min": the same in all our languages. */
static str wait_text(struct signin *in)
{
	struct wr w = reply_room(in->http, 24);
	bool minutes = in->wait_s > 120;
	wr_dec(&w, minutes ? (in->wait_s + 59) / 60 : in->wait_s);
	wr_str(&w, minutes ? LIT(" min") : LIT(" s"));
	return wr_text(&w);
}

void signin_show(struct signin *in, unsigned status, enum text_id message)
{
	char token[CSRF_TOKEN_SIZE];
	struct wr w = reply_room(in->http, 28672);
	struct csrf csrf = csrf_of(in, form_cookie_take(in));
	str typed = form_get(&in->form, LIT("username"));
	csrf_write(in->realm->issuer->csrf_key, &csrf, clock_unix_s(), token);
	struct login_page page = {
		.lang = in->lang,
		.realm = in->realm->config->name,
		.app = in->app,
		.action = in->action,
		.username = typed.p ? typed : in->username,
		.message = message,
		.message_value = wait_text(in),
		.fields = in->fields,
		.n_fields = in->n_fields,
		.csrf = { token, sizeof(token) },
	};
	page_login(&w, &page);
	if (failed(wr_done(&w)))
		reply_error_page(in->http, in->lang,
				 ch_fail(CH_E_INVALID_REQUEST, "the request is too long", 0));
	else
		reply_page(in->http, &(struct page_answer){ .status = status,
							    .html = wr_text(&w),
							    .form_action = in->form_action,
							    .cookies = in->cookies,
							    .n_cookies = in->n_cookies,
							    .retry_s = in->wait_s });
}

static void reply_later(struct signin *in, ch_err why)
{
	struct wr w = reply_room(in->http, 8192);
	LOG(LOG_WARN, "login refused", log_str("realm", in->realm->config->name), log_err(why));
	page_error(&w, in->lang, TEXT_TRY_AGAIN, TEXT_TOO_MANY, (str){ 0 });
	reply_page(in->http, &(struct page_answer){ .status = 503, .html = wr_text(&w) });
}

static str known_cookie(struct signin *in)
{
	char name[COOKIE_NAME_MAX];
	str value = http_cookie(in->http, cookie_name(in->realm->config, COOKIE_KNOWN, name));
	bool ours = known_ok(in->realm->issuer->csrf_key, in->realm->config->name,
			     form_get(&in->form, LIT("username")), value);
	return ours ? value : (str){ 0 };
}

/* From now on this browser is one of the person's. */
static void known_take(struct signin *in)
{
	char fresh[KNOWN_SIZE];
	struct wr f = wr_of(fresh, sizeof(fresh)), w = reply_room(in->http, COOKIE_MAX);
	str value = known_cookie(in);
	known_write(in->realm->issuer->csrf_key, in->realm->config->name, in->user.username, &f);
	cookie_write(&w, in->realm->config, COOKIE_KNOWN, value.p ? value : wr_text(&f));
	if (!w.full)
		in->cookies[in->n_cookies++] = wr_text(&w);
}

static void signed_in(struct signin *in)
{
	struct session s = { 0 };
	ch_err e = session_begin(in->http, in->realm, &in->user, &s, &in->cookies[0]);
	if (failed(e)) {
		reply_error_page(in->http, in->lang, e);
		return;
	}
	in->n_cookies = 1;
	known_take(in);
	LOG(LOG_INFO, "login", log_str("realm", in->realm->config->name),
	    log_str("sub", s.user.sub), log_str("sid", s.sid),
	    log_str("client", in->client_id.n ? in->client_id : LIT("-")));
	in->done(in, &s);
}

static void tries_drop(struct signin *in)
{
	for (size_t i = 0; i < in->n_tries; i++)
		throttle_drop(&in->realm->issuer->throttle, in->tries[i].who);
	in->n_tries = 0;
}

static void tries_end(struct signin *in, bool right)
{
	uint32_t most = 0;
	for (size_t i = 0; i < in->n_tries; i++) {
		uint32_t s = throttle_end(&in->realm->issuer->throttle, &in->tries[i], right,
					  clock_mono_ns());
		most = s > most ? s : most;
	}
	if (most > 0)
		LOG(LOG_WARN, "wrong passwords came so often that the next one must wait",
		    log_str("realm", in->realm->config->name),
		    log_str("sub", in->known ? in->user.sub : LIT("-")), log_u64("seconds", most));
}

static void on_checked(struct hash_job *j, enum ch_code code)
{
	struct signin *in = (struct signin *)(void *)j;
	bool right = code == CH_OK && in->known && !in->user.disabled;
	bool judged = code != CH_E_GONE && code != CH_E_NOMEM;
	metrics_count(in->realm, right    ? COUNT_LOGIN_OK
				 : judged ? COUNT_LOGIN_WRONG
					  : COUNT_LOGIN_BUSY);
	if (judged)
		tries_end(in, right);
	else
		tries_drop(in);
	if (right) {
		signed_in(in);
	} else if (!judged) {
		reply_later(in, ch_err_from_wire((uint16_t)code, 0));
	} else {
		LOG(LOG_INFO, "login failed", log_str("realm", in->realm->config->name),
		    log_str("sub", in->known ? in->user.sub : LIT("-")),
		    log_str("client", in->client_id.n ? in->client_id : LIT("-")),
		    log_str("code", str_from_c(ch_code_name(code))));
		signin_show(in, 401, TEXT_WRONG);
	}
}

/* An unknown user costs the time of a known one: an empty hash is checked. */
static ch_err password_ask(struct signin *in)
{
	str username = form_get(&in->form, LIT("username"));
	str password = form_get(&in->form, LIT("password"));
	ch_err e = store_user_by_name(in->realm->issuer->store, in->realm->config->name, username,
				      &in->http->arena, &in->user);
	if (failed(e) && ch_code_of(e) != CH_E_NOT_FOUND)
		return e;
	in->known = !failed(e);
	in->hash = (struct hash_job){ .http = in->http,
				      .done = on_checked,
				      .hash = in->known ? in->user.password_hash : LIT(""),
				      .password = secret_bytes_of(bytes_of_str(password)) };
	if (password.n > HASH_PASSWORD_MAX)
		in->hash.password = secret_bytes_of(bytes_of_str(LIT("")));
	return hasher_ask(in->realm->issuer, &in->hash);
}

static void try_add(struct signin *in, str kind, str name, const struct throttle_rule *rule)
{
	in->tries[in->n_tries++] = (struct throttle_try){
		.who = throttle_who(in->realm->issuer->csrf_key, kind, in->realm->config->name,
				    name),
		.rule = rule,
		.clears = rule == &throttle_account,
	};
}

/* A browser of the person's own is counted by itself: what strangers do to the name, or from the
 * same address, does not keep it out. */
static void tries_of(struct signin *in)
{
	char text[64];
	struct wr w = wr_of(text, sizeof(text));
	str known = known_cookie(in);
	if (known.p) {
		try_add(in, LIT("browser"), known, &throttle_account);
		return;
	}
	try_add(in, LIT("name"), form_get(&in->form, LIT("username")), &throttle_account);
	struct address peer = http_peer(in->http);
	struct address a = front_client(&in->realm->issuer->config, &peer,
					http_field(in->http, "X-Forwarded-For"));
	if (a.family == 0)
		return;
	address_print(&w, &a);
	try_add(in, LIT("address"), wr_text(&w), &throttle_address);
}

/* The same for names that nobody has: the answer says nothing of who is known. */
static bool may_try(struct signin *in)
{
	struct throttle *t = &in->realm->issuer->throttle;
	size_t n = 0;
	tries_of(in);
	while (n < in->n_tries && in->wait_s == 0) {
		in->wait_s = throttle_begin(t, &in->tries[n], clock_mono_ns());
		n += in->wait_s == 0;
	}
	if (in->wait_s == 0)
		return true;
	in->n_tries = n;
	tries_drop(in);
	metrics_count(in->realm, COUNT_LOGIN_THROTTLED);
	signin_show(in, 429, TEXT_TOO_OFTEN);
	return false;
}

void signin_take(struct signin *in)
{
	struct csrf csrf = csrf_of(in, form_cookie(in));
	if (!csrf_ok(in->realm->issuer->csrf_key, &csrf, clock_unix_s(),
		     form_get(&in->form, LIT("csrf")))) {
		signin_show(in, 403, TEXT_STALE_FORM);
		return;
	}
	if (!form_get(&in->form, LIT("username")).p || !form_get(&in->form, LIT("password")).p) {
		signin_show(in, 401, TEXT_GIVE_BOTH);
		return;
	}
	if (!may_try(in))
		return;
	ch_err e = password_ask(in);
	if (!failed(e)) {
		http_suspend(in->http);
		return;
	}
	metrics_count(in->realm, COUNT_LOGIN_BUSY);
	tries_drop(in);
	reply_later(in, e);
}

/* --- a sign-in for a page of ours --- */

static void back_to_page(struct signin *in, const struct session *s)
{
	(void)s;
	reply_see_other(in->http, in->fields[0].value, in->cookies, in->n_cookies);
}

/* NULL: it has been answered. */
static struct signin *signin_for(struct http_req *r, struct realm *m)
{
	struct signin *in = arena_new(&r->arena, struct signin, 1);
	struct wr action = reply_room(r, NAME_MAX_BYTES + 16);
	wr_char(&action, '/');
	wr_str(&action, m->config->name);
	wr_lit(&action, "/signin");
	if (!in || failed(wr_done(&action))) {
		reply_error_page(
			r, LANG_EN,
			ch_fail(CH_E_LIMIT, "request needs more memory than it may have", 0));
		return NULL;
	}
	signin_init(in, r, m);
	in->purpose = LIT("signin");
	in->action = wr_text(&action);
	in->done = back_to_page;
	return in;
}

static bool then_is(struct signin *in, str then)
{
	in->fields[0] = (struct form_field){ LIT("then"), then };
	in->n_fields = 1;
	if (path_is_ours(in->realm->config, then))
		return true;
	reply_error_page(in->http, in->lang,
			 ch_fail(CH_E_INVALID_REQUEST, "there is no such page here", 0));
	return false;
}

void signin_then(struct http_req *r, struct realm *m, str then)
{
	struct signin *in = signin_for(r, m);
	if (in && then_is(in, then))
		signin_show(in, 200, TEXT_COUNT);
}

void serve_signin(struct http_req *r, void *ctx)
{
	struct signin *in = signin_for(r, ctx);
	if (!in)
		return;
	ch_err e = body_form(r, &in->form);
	if (failed(e))
		reply_error_page(r, in->lang, e);
	else if (then_is(in, form_get(&in->form, LIT("then"))))
		signin_take(in);
}
