/* The userinfo endpoint (OpenID Connect Core section 5.3): what the token's scopes say of
 * the person, as the store has it now. A browser's script of another origin gets nothing: there is
 * no CORS here. */
#include "codec/json.h"
#include "issuer.h"

/* By RFC 6750 section 3.1 and RFC 9449 section 7.1; one without a token is not told of an
 * error. */
static const struct refusal_row {
	enum ch_code code;
	unsigned status;
	const char *error, *text;
} refusals[] = {
	{ CH_E_MISSING, 401, "", "an access token is needed" },
	{ CH_E_INVALID_REQUEST, 400, "invalid_request", "the request is malformed" },
	{ CH_E_DENIED, 401, "invalid_token", "the token is unknown, expired or revoked" },
	{ CH_E_INVALID_PROOF, 401, "invalid_dpop_proof", "" },
	{ CH_E_NONCE, 401, "use_dpop_nonce", "" },
	{ CH_E_INVALID_SCOPE, 403, "insufficient_scope", "the token has no scope openid" },
};

struct told {
	ch_err why;
	bool by_dpop; /* the token's scheme is DPoP, or ought to be */
};

/* One without an error names all schemes that are taken; some servers hand on one field only. */
static void challenges_write(struct wr *w, const struct realm *m, const struct refusal_row *row,
			     bool by_dpop)
{
	str error = str_from_c(row->error);
	str scope = row->code == CH_E_INVALID_SCOPE ? LIT("openid") : (str){ 0 };
	bool bearer = error.n > 0 ? !by_dpop : !m->config->dpop_required;
	bool dpop = error.n > 0 ? by_dpop : true;
	if (bearer)
		challenge_write(w, false, m->config->name, error, scope);
	wr_str(w, bearer && dpop ? LIT(", ") : LIT(""));
	if (dpop)
		challenge_write(w, true, m->config->name, error, scope);
}

static void refuse(struct http_req *r, const struct realm *m, const struct refusal_row *row,
		   const struct told *told)
{
	struct wr challenge = reply_room(r, 256 + 2 * NAME_MAX_BYTES), body = reply_room(r, 256);
	struct json_out o = json_out_of(&body);
	str text = *row->text ? str_from_c(row->text) : str_from_c(told->why.site->what);
	challenges_write(&challenge, m, row, told->by_dpop);
	const struct http_out fields[] = {
		{ LIT("WWW-Authenticate"), wr_text(&challenge) },
		{ LIT("Cache-Control"), LIT("no-store") },
		{ LIT("X-Content-Type-Options"), LIT("nosniff") },
		proof_nonce(r, m),
	};
	bool nonce = told->by_dpop && m->config->dpop_nonce;
	json_begin(&o, (str){ 0 }, '{');
	json_put_str(&o, LIT("error"), *row->error ? str_from_c(row->error) : LIT("invalid_token"));
	json_put_str(&o, LIT("error_description"), text);
	json_finish(&o, '}');
	http_answer(r, &(struct http_answer){ .status = row->status,
					      .type = LIT("application/json"),
					      .body = wr_bytes(&body),
					      .fields = fields,
					      .n_fields = COUNT_OF(fields) - !nonce });
}

static ch_err token_take(struct http_req *r, struct shown_token *ret_shown)
{
	str field = http_field(r, "Authorization"), posted = { 0 };
	struct form f = { .n = 0 };
	/* a body of another kind than a form is nobody's matter */
	if (r->method == HTTP_POST && r->body.n > 0 && !failed(body_form(r, &f)))
		posted = form_get(&f, LIT("access_token"));
	return bearer_read(field, posted, &ret_shown->token, &ret_shown->by_dpop);
}

static void put_if(struct json_out *o, str name, str value)
{
	if (value.n > 0)
		json_put_str(o, name, value);
}

static ch_err userinfo(struct http_req *r, struct realm *m, struct told *t, struct wr *w)
{
	struct shown_token shown = { .by_dpop = false };
	struct token_verdict v;
	struct store_user u = { 0 };
	TRY(token_take(r, &shown));
	t->by_dpop = shown.by_dpop;
	TRY(own_token_judge(m, shown.token, &r->arena, &v));
	t->by_dpop = shown.by_dpop || v.binding.has_jkt;
	TRY(proof_confirm(r, m, &shown, &v));
	if (!scope_has(v.scope, LIT("openid")))
		return ch_fail(CH_E_INVALID_SCOPE, "the token has no scope openid", 0);
	ch_err e = store_user_by_sub(m->issuer->store, m->config->name, v.sub, &r->arena, &u);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return ch_fail(CH_E_DENIED, "the token is of no person", 0);
	TRY(e);
	struct json_out o = json_out_of(w);
	json_begin(&o, (str){ 0 }, '{');
	json_put_str(&o, LIT("sub"), u.sub);
	if (scope_has(v.scope, LIT("profile"))) {
		put_if(&o, LIT("name"), u.name);
		put_if(&o, LIT("preferred_username"), u.username);
	}
	if (scope_has(v.scope, LIT("email")))
		put_if(&o, LIT("email"), u.email);
	json_finish(&o, '}');
	return wr_done(w);
}

void serve_userinfo(struct http_req *r, void *ctx)
{
	struct realm *m = ctx;
	struct told t = { .by_dpop = false };
	struct wr w = reply_room(r, 4096);
	t.why = userinfo(r, m, &t, &w);
	if (!failed(t.why)) {
		bool nonce = t.by_dpop && m->config->dpop_nonce;
		reply_json_with(r, 200, wr_text(&w),
				nonce ? proof_nonce(r, m)
				      : (struct http_out){ .name = { NULL, 0 } });
		return;
	}
	for (size_t i = 0; i < COUNT_OF(refusals); i++) {
		if (refusals[i].code == ch_code_of(t.why)) {
			refuse(r, m, &refusals[i], &t);
			return;
		}
	}
	reply_error(r, m, t.why);
}
