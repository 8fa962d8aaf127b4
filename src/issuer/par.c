/* Pushed authorization requests (RFC 9126): POST /REALM/par, and where the authorization
 * endpoint's parameters come from. Nothing is stored for a push; what is noted is the use, when
 * a person has signed in and a code goes out. Must never take a parameter from beside a request_uri. */
#include "base/clock.h"
#include "base/rand.h"
#include "codec/json.h"
#include "issuer.h"

/* Between the push and the browser's arrival; from there to the code. */
enum { PUSHED_TTL_S = 60, BEGUN_TTL_S = 3600 };

/* Who the client is has been found out; the key is the proof's. */
static bool is_kept(str name)
{
	static const str others[] = {
		LIT("client_id"),        LIT("client_secret"),
		LIT("client_assertion"), LIT("client_assertion_type"),
		LIT("dpop_jkt"),
	};
	for (size_t i = 0; i < COUNT_OF(others); i++)
		if (str_eq(name, others[i]))
			return false;
	return true;
}

static ch_err form_keep(const struct token_request *t, str jkt, str *ret_form)
{
	struct wr w = reply_room(t->http, PUSHED_FORM_MAX);
	form_write(&w, LIT("client_id"), t->client->id);
	if (jkt.p)
		form_write(&w, LIT("dpop_jkt"), jkt);
	for (size_t i = 0; i < t->form.n; i++)
		if (is_kept(t->form.fields[i].name))
			form_write(&w, t->form.fields[i].name, t->form.fields[i].value);
	if (failed(wr_done(&w)))
		return ch_fail(CH_E_INVALID_REQUEST, "the request is longer than 4096 bytes",
			       PUSHED_FORM_MAX);
	*ret_form = wr_text(&w);
	return CH_DONE;
}

/* RFC 9449 section 10.1: dpop_jkt and the proof, if both are there, are of one key. */
static ch_err key_of(const struct token_request *t, str *ret_jkt)
{
	str said = form_get(&t->form, LIT("dpop_jkt"));
	if (said.p && t->jkt.p && !str_eq(said, t->jkt))
		return ch_fail(CH_E_INVALID_PROOF, "the DPoP proof is not of the key of dpop_jkt",
			       0);
	*ret_jkt = t->jkt.p ? t->jkt : said;
	return CH_DONE;
}

/* All that the authorization endpoint would refuse is refused here already. */
static ch_err request_check(const struct token_request *t, str jkt, struct auth_fail *ret_fail)
{
	struct auth_request q;
	struct auth_asks asks;
	str scope = { 0 }, audience = { 0 };
	auth_request_read(&t->form, &q);
	q.client_id = t->client->id;
	q.dpop_jkt = jkt;
	q.pushed = LIT("now");
	TRY(auth_redirect_check(&q, t->client));
	*ret_fail = auth_request_check(&t->form, &q, t->realm->config, t->client, &t->http->arena,
				       &scope, &audience);
	if (!ret_fail->error.p)
		*ret_fail = auth_asks_read(&q, &asks);
	return CH_DONE;
}

static ch_err push(struct token_request *t, str jkt, struct wr *w)
{
	struct wr uri = reply_room(t->http, PUSHED_URI_MAX);
	int64_t now = clock_unix_s();
	struct pushed p = { .expires = now + PUSHED_TTL_S,
			    .used_until = now + PUSHED_TTL_S + BEGUN_TTL_S + 1,
			    .client_id = t->client->id };
	rand_fill(p.id, sizeof(p.id));
	TRY(form_keep(t, jkt, &p.form));
	TRY(pushed_write(&uri, t->realm->issuer->pushed_key, t->realm->config->name, &p));
	/* a stranger's proof would take room: who cannot prove itself gets none noted */
	if (!client_is_public(t->client))
		TRY(proof_note(t));
	struct json_out o = json_out_of(w);
	json_begin(&o, (str){ 0 }, '{');
	json_put_str(&o, LIT("request_uri"), wr_text(&uri));
	json_put_int(&o, LIT("expires_in"), PUSHED_TTL_S);
	json_finish(&o, '}');
	return wr_done(w);
}

static ch_err par(struct token_request *t, struct wr *w, struct auth_fail *ret_fail)
{
	str jkt = { 0 };
	TRY(body_form(t->http, &t->form));
	TRY(proof_take(t));
	TRY(client_authenticate(t));
	if (form_get(&t->form, LIT("request_uri")).p)
		return ch_fail(CH_E_INVALID_REQUEST, "a request_uri cannot be pushed", 0);
	TRY(key_of(t, &jkt));
	TRY(request_check(t, jkt, ret_fail));
	return ret_fail->error.p ? CH_DONE : push(t, jkt, w);
}

static void refuse(struct token_request *t, const struct auth_fail *fail)
{
	struct wr w = reply_room(t->http, 512);
	struct json_out o = json_out_of(&w);
	json_begin(&o, (str){ 0 }, '{');
	json_put_str(&o, LIT("error"), fail->error);
	json_put_str(&o, LIT("error_description"), fail->description);
	json_finish(&o, '}');
	reply_json(t->http, 400, wr_text(&w));
}

void serve_par(struct http_req *r, void *ctx)
{
	struct token_request t = { .http = r, .realm = ctx };
	struct auth_fail fail = { .error = { NULL, 0 } };
	struct wr w = reply_room(r, PUSHED_URI_MAX + 128);
	ch_err e = par(&t, &w, &fail);
	if (failed(e))
		reply_error(r, t.realm, e);
	else if (fail.error.p)
		refuse(&t, &fail);
	else if (t.jkt.p && t.realm->config->dpop_nonce)
		reply_json_with(r, 201, wr_text(&w), proof_nonce(r, t.realm));
	else
		reply_json(r, 201, wr_text(&w));
}

/* --- at the authorization endpoint --- */

static ch_err open_it(struct http_req *r, struct realm *m, str uri, struct pushed *ret_p)
{
	const ch_err no = ch_fail(CH_E_INVALID_REQUEST,
				  "the request_uri is unknown, expired or used: begin again in the"
				  " application",
				  0);
	bool used = false;
	int64_t now = clock_unix_s();
	if (failed(pushed_read(uri, m->issuer->pushed_key, m->config->name, &r->arena, ret_p)) ||
	    ret_p->expires <= now)
		return no;
	TRY(spent_has_pushed(m->issuer, ret_p, &used));
	return used ? no : CH_DONE;
}

/* From here on a page of ours carries it: a person may take longer than a client. */
static ch_err begin(struct http_req *r, struct realm *m, struct pushed *p, str *ret_uri)
{
	struct wr w = reply_room(r, PUSHED_URI_MAX);
	p->begun = true;
	p->expires = p->used_until - 1;
	TRY(pushed_write(&w, m->issuer->pushed_key, m->config->name, p));
	*ret_uri = wr_text(&w);
	return CH_DONE;
}

ch_err request_asked(struct http_req *r, struct realm *m, const struct form *f,
		     struct asked *ret_asked)
{
	str uri = form_get(f, LIT("request_uri"));
	struct asked *a = ret_asked;
	*a = (struct asked){ .form = *f };
	/* what else it may be is refused where requests are judged */
	if (!pushed_is(uri))
		return CH_DONE;
	TRY(open_it(r, m, uri, &a->pushed));
	if (!str_eq(a->pushed.client_id, form_get(f, LIT("client_id"))))
		return ch_fail(CH_E_INVALID_REQUEST, "the request_uri is another client's", 0);
	a->uri = uri;
	if (!a->pushed.begun)
		TRY(begin(r, m, &a->pushed, &a->uri));
	return form_parse(a->pushed.form, &r->arena, &a->form);
}

ch_err request_used(struct realm *m, const struct asked *a)
{
	return a->uri.p ? spent_pushed(m->issuer, &a->pushed) : CH_DONE;
}
