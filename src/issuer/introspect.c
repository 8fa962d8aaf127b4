/* Introspection (RFC 7662) for those who cannot check a token themselves, or want to know
 * whether app and person are still here. Only for clients that prove who they are, and of tokens
 * that they have business with; of any other token nothing is said, exactly {"active":false}. */
#include "token/introspect.h"

#include "issuer.h"

/* Its own, or for an audience that it may have itself. */
static bool may_see(const struct store_client *c, const struct token_verdict *v)
{
	return str_eq(v->client_id, c->id) || str_eq(v->audience, c->audience) ||
	       list_has(c->audiences, v->audience);
}

static ch_err introspect(struct http_req *r, struct realm *m, struct wr *w)
{
	struct token_request t = { .http = r, .realm = m };
	struct token_verdict v;
	TRY(body_form(r, &t.form));
	TRY(client_authenticate(&t));
	str token = form_get(&t.form, LIT("token"));
	if (client_is_public(t.client))
		return ch_fail(CH_E_INVALID_CLIENT, "a public client may not ask about tokens", 0);
	if (!token.p)
		return ch_fail(CH_E_INVALID_REQUEST, "token is missing", 0);
	/* a copy: to find the token's client may forget this one */
	struct store_client asks = *t.client;
	TRY(arena_str(&r->arena, t.client->id, &asks.id));
	TRY(arena_str(&r->arena, t.client->audience, &asks.audience));
	TRY(arena_str(&r->arena, t.client->audiences, &asks.audiences));
	ch_err e = own_token_judge(m, token, &r->arena, &v);
	if (failed(e) && ch_code_of(e) != CH_E_DENIED)
		return e;
	if (failed(e) || !may_see(&asks, &v))
		v.code = TOKEN_bad_audience;
	introspect_write(w, &v);
	return CH_DONE;
}

void serve_introspect(struct http_req *r, void *ctx)
{
	struct realm *m = ctx;
	struct wr w = reply_room(r, INTROSPECT_ANSWER_MAX);
	ch_err e = introspect(r, m, &w);
	if (!failed(e))
		e = wr_done(&w);
	if (failed(e))
		reply_error(r, m, e);
	else
		reply_json(r, 200, wr_text(&w));
}
