/* The revocation endpoint (RFC 7009): an app gives back what it has. An access token ends alone; a
 * refresh token ends its grant, and with it every access token of that. An app may give back its
 * own only, and learns nothing of what is none. */
#include "issuer.h"

static ch_err not_yours(void)
{
	return ch_fail(CH_E_UNAUTHORIZED_CLIENT, "the token is another client's", 0);
}

static ch_err revoke_refresh(const struct token_request *t, const struct refresh_token *shown)
{
	struct realm *m = t->realm;
	struct store_grant g = { 0 };
	ch_err e = store_grant_get(m->issuer->store, m->config->name, shown->grant_id,
				   &t->http->arena, &g);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return CH_DONE;
	TRY(e);
	if (!refresh_token_genuine(m->issuer->config.refresh_key, &g, shown))
		return CH_DONE;
	if (!str_eq(g.client_id, t->client->id))
		return not_yours();
	return g.revoked ? CH_DONE : grant_end(m, g.id, REVOKE_BY_CLIENT);
}

static ch_err revoke_access(const struct token_request *t, str token)
{
	struct token_verdict v;
	TRY(own_token_read(t->realm, token, &v));
	if (v.code != TOKEN_accepted)
		return CH_DONE;
	if (!str_eq(v.client_id, t->client->id))
		return not_yours();
	if (revocations_have(t->realm, &(struct revoked_query){ .identity = v.identity }))
		return CH_DONE;
	return revocations_add(t->realm, &(struct revocation){ .kind = REVOKE_TOKEN,
							       .why = REVOKE_BY_CLIENT,
							       .when_s = v.exp,
							       .subject = BYTES_OF(v.identity),
							       .name = v.username });
}

static ch_err give_back(struct http_req *r, struct realm *m)
{
	struct token_request t = { .http = r, .realm = m };
	struct refresh_token shown = { 0 };
	TRY(body_form(r, &t.form));
	TRY(client_authenticate(&t));
	str token = form_get(&t.form, LIT("token"));
	if (!token.p)
		return ch_fail(CH_E_INVALID_REQUEST, "token is missing", 0);
	/* the hint only says where to look first (section 2.1): one look tells here */
	if (!failed(refresh_token_read(token, &shown)))
		return revoke_refresh(&t, &shown);
	return revoke_access(&t, token);
}

void serve_revoke(struct http_req *r, void *ctx)
{
	static const struct http_out never_store = { { "Cache-Control", 13 }, { "no-store", 8 } };
	struct realm *m = ctx;
	ch_err e = give_back(r, m);
	/* what could not be made durable is not revoked as far as the app knows: it asks again
	 * (section 2.2.1) */
	if (failed(e) && ch_code_http(ch_code_of(e)) == 500)
		e = ch_fail(CH_E_BUSY, "the revocation cannot be kept now: try again", e.detail);
	if (failed(e))
		reply_error(r, m, e);
	else
		http_answer(r, &(struct http_answer){
				       .status = 200, .fields = &never_store, .n_fields = 1 });
}
