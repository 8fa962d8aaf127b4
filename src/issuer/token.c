/* The token endpoint: who asks, for which grant, and the answer when the signer has
 * spoken (RFC 6749 sections 3.2 and 5). */
#include "base/clock.h"
#include "codec/json.h"
#include "issuer.h"

ch_err body_form(struct http_req *r, struct form *ret_form)
{
	str type = http_field(r, "Content-Type");
	str kind = str_cut(&type, ';');
	while (kind.n > 0 && kind.p[kind.n - 1] == ' ')
		kind.n--;
	if (!str_eq_nocase(kind, LIT("application/x-www-form-urlencoded")))
		return ch_fail(CH_E_INVALID_REQUEST,
			       "the body must be application/x-www-form-urlencoded", 0);
	if (failed(form_parse(str_of_bytes(r->body), &r->arena, ret_form)))
		return ch_fail(CH_E_INVALID_REQUEST,
			       "the form is not well formed, or a field occurs twice", 0);
	return CH_DONE;
}

static void reply_tokens(struct job *j)
{
	size_t n = 256 + j->tokens[0].n + j->tokens[1].n + 2 * j->scope.n + j->refresh.n;
	struct wr w = reply_room(j->http, n);
	struct json_out o = json_out_of(&w);
	json_begin(&o, (str){ 0 }, '{');
	json_put_str(&o, LIT("access_token"), j->tokens[0]);
	json_put_str(&o, LIT("token_type"), j->jkt.n > 0 ? LIT("DPoP") : LIT("Bearer"));
	json_put_int(&o, LIT("expires_in"), j->ttl_s);
	json_put_str(&o, LIT("scope"), j->scope);
	if (j->n > 1)
		json_put_str(&o, LIT("id_token"), j->tokens[1]);
	if (j->refresh.n > 0)
		json_put_str(&o, LIT("refresh_token"), j->refresh);
	json_finish(&o, '}');
	ch_err e = wr_done(&w);
	if (failed(e))
		reply_error(j->http, j->realm, e);
	else if (j->jkt.n > 0 && j->realm->config->dpop_nonce)
		/* the next one, before this one is over */
		reply_json_with(j->http, 200, wr_text(&w), proof_nonce(j->http, j->realm));
	else
		reply_json(j->http, 200, wr_text(&w));
}

void token_answer(struct job *j, ch_err e)
{
	struct issuer *is = j->realm->issuer;
	/* counted first: the answer may end the request, and the job with it */
	if (!failed(e))
		is->metrics.realms[j->realm - is->realms].tokens[j->grant]++;
	if (failed(e))
		reply_error(j->http, j->realm, e);
	else
		reply_tokens(j);
}

/* Was the app or the person revoked while this was signed? What the store says of both was
 * asked before that. */
static bool is_overtaken(const struct job *j)
{
	return j->revoked != j->realm->revocations.added &&
	       revocations_have(j->realm, &(struct revoked_query){ .client_id = j->client_id,
								   .sub = j->settling->grant.sub,
								   .iat = j->asked_s });
}

static ch_err job_settle(struct settler *s)
{
	struct job *j = (struct job *)(void *)s;
	return j->settle(j);
}

static void job_answer(struct settler *s, ch_err e)
{
	token_answer((struct job *)(void *)s, e);
}

static void on_signed(struct job *j, ch_err e)
{
	if (!failed(e) && is_overtaken(j))
		e = ch_fail(CH_E_INVALID_GRANT, "revoked while it was being signed: ask anew", 0);
	if (failed(e) || !j->settle) {
		token_answer(j, e);
		return;
	}
	j->settler = (struct settler){ .settle = job_settle, .answer = job_answer };
	settle_add(j->realm->issuer, &j->settler);
}

static const struct {
	str name; /* grant_type */
	str kept; /* as a client's row has it */
	ch_err (*grant)(struct token_request *t, struct job *j);
} grants[] = {
	{ { "authorization_code", 18 }, { "authorization_code", 18 }, grant_code },
	{ { "client_credentials", 18 }, { "client_credentials", 18 }, grant_client_credentials },
	{ { "refresh_token", 13 }, { "refresh_token", 13 }, grant_refresh },
	{ { "urn:ietf:params:oauth:grant-type:device_code", 44 },
	  { "device_code", 11 },
	  grant_device },
};

_Static_assert(COUNT_OF(grants) <= METRICS_GRANTS_MAX, "each grant type has its counter");

size_t grant_names(str *ret_names, size_t max)
{
	size_t n = 0;
	for (; n < COUNT_OF(grants) && n < max; n++)
		ret_names[n] = grants[n].name;
	return n;
}

static ch_err grant_run(struct token_request *t, struct job *j)
{
	str type = form_get(&t->form, LIT("grant_type"));
	if (!type.p)
		return ch_fail(CH_E_INVALID_REQUEST, "grant_type is missing", 0);
	for (size_t i = 0; i < COUNT_OF(grants); i++) {
		if (!str_eq(grants[i].name, type))
			continue;
		if (!list_has(t->client->grant_types, grants[i].kept))
			return ch_fail(CH_E_UNAUTHORIZED_CLIENT,
				       "the client may not use this grant", 0);
		j->grant = (uint8_t)i;
		return grants[i].grant(t, j);
	}
	return ch_fail(CH_E_UNSUPPORTED_GRANT, "the grant type is not supported", 0);
}

static ch_err key_check(const struct token_request *t)
{
	if (t->jkt.p || (!t->realm->config->dpop_required && !t->client->dpop))
		return CH_DONE;
	return ch_fail(CH_E_INVALID_PROOF,
		       "a DPoP proof is required: this client's tokens are bound to a key", 0);
}

static ch_err token_request_run(struct http_req *r, struct realm *m)
{
	struct token_request t = { .http = r, .realm = m };
	struct job *j = arena_new(&r->arena, struct job, 1);
	struct settling *s = arena_new(&r->arena, struct settling, 1);
	if (!j || !s)
		return ch_fail(CH_E_LIMIT, "request needs more memory than it may have", 0);
	TRY(body_form(r, &t.form));
	/* first: who lacks the nonce of the hour has not used up an assertion */
	TRY(proof_take(&t));
	ch_err who = client_authenticate(&t);
	if (ch_code_of(who) == CH_E_INVALID_CLIENT)
		metrics_count(m, COUNT_CLIENT_REFUSED);
	TRY(who);
	TRY(key_check(&t));
	j->realm = m;
	j->jkt = t.jkt;
	j->http = r;
	j->done = on_signed;
	j->settling = s;
	j->asked_s = clock_unix_s();
	j->revoked = m->revocations.added;
	TRY(arena_str(&r->arena, t.client->id, &j->client_id));
	TRY(grant_run(&t, j));
	TRY(proof_note(&t));
	return job_start(j);
}

void serve_token(struct http_req *r, void *ctx)
{
	struct realm *m = ctx;
	ch_err e = token_request_run(r, m);
	if (failed(e))
		reply_error(r, m, e);
}
