/* The refresh grant (RFC 6749 section 6, RFC 9700 section 4.14.2). The grant is judged when
 * the request comes, and again when its tokens are signed: only then is it rotated, so that
 * no answer that could not be given costs the client its token. */
#include "base/clock.h"
#include "issuer.h"

ch_err refresh_write(struct job *j, const struct store_grant *g, int64_t seq)
{
	struct wr w = reply_room(j->http, REFRESH_TOKEN_MAX);
	refresh_token_write(&w, j->realm->issuer->config.refresh_key, g, seq);
	TRY(wr_done(&w));
	j->refresh = wr_text(&w);
	return CH_DONE;
}

#define REFUSED "the refresh token is unknown, expired or revoked"

static ch_err grant_find(const struct realm *m, struct arena *a, str id, struct store_grant *ret_g)
{
	ch_err e = store_grant_get(m->issuer->store, m->config->name, id, a, ret_g);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return ch_fail(CH_E_INVALID_GRANT, REFUSED, 0);
	return e;
}

/* May the token that was shown be exchanged? rotate: and then it has been. */
static ch_err refresh_decide(const struct realm *m, const struct settling *s,
			     const struct store_grant *g, bool rotate)
{
	int64_t now = clock_unix_s();
	/* the chain is the truth, also beside a store from a backup */
	if (revocations_have(m, &(struct revoked_query){ .grant_id = g->id }))
		return ch_fail(CH_E_INVALID_GRANT, REFUSED, s->seq);
	switch (refresh_judge(m->config, g, s->client_id, s->jkt, s->seq, now)) {
	case REFRESH_ROTATE:
		if (rotate)
			metrics_count(m, COUNT_REFRESH_ROTATED);
		return rotate ? store_grant_rotate(m->issuer->store, g, now,
						   grant_expires(m->config, g->created, now))
			      : CH_DONE;
	case REFRESH_REPEAT:
		if (rotate)
			metrics_count(m, COUNT_REFRESH_REPEATED);
		return CH_DONE;
	case REFRESH_REFUSED:
		metrics_count(m, COUNT_REFRESH_REFUSED);
		break;
	case REFRESH_STOLEN:
		metrics_count(m, COUNT_REFRESH_REUSED);
		return grant_revoke(m, g->id, s->client_id,
				    ch_fail(CH_E_INVALID_GRANT,
					    "the refresh token was used before, or is another"
					    " client's: it is revoked, with all of its grant",
					    s->seq));
	}
	return ch_fail(CH_E_INVALID_GRANT, REFUSED, s->seq);
}

static ch_err refresh_settle(struct job *j)
{
	struct store_grant g = { 0 };
	TRY(grant_find(j->realm, &j->http->arena, j->settling->grant.id, &g));
	return refresh_decide(j->realm, j->settling, &g, true);
}

static ch_err token_find(struct token_request *t, struct settling *s)
{
	struct refresh_token shown = { 0 };
	struct arena *a = &t->http->arena;
	str text = form_get(&t->form, LIT("refresh_token"));
	if (!text.p)
		return ch_fail(CH_E_INVALID_REQUEST, "refresh_token is missing", 0);
	if (failed(refresh_token_read(text, &shown)))
		return ch_fail(CH_E_INVALID_GRANT, REFUSED, 0);
	TRY(grant_find(t->realm, a, shown.grant_id, &s->grant));
	if (!refresh_token_genuine(t->realm->issuer->config.refresh_key, &s->grant, &shown))
		return ch_fail(CH_E_INVALID_GRANT, REFUSED, 0);
	s->seq = shown.seq;
	s->jkt = t->jkt;
	return arena_str(a, t->client->id, &s->client_id);
}

/* What was granted, if the client may still have it: less when it asks for less, never
 * more. */
static ch_err refresh_scope(struct token_request *t, const struct store_grant *g, str *ret_scope)
{
	struct arena *a = &t->http->arena;
	str allowed = { 0 };
	TRY(scope_without(g->scope, (str){ 0 }, t->client->scopes, a, &allowed));
	if (!list_has(allowed, LIT("offline_access")))
		return ch_fail(CH_E_INVALID_GRANT, "the client may not refresh any more", 0);
	return scope_resolve(t->realm->config, allowed, form_get(&t->form, LIT("scope")), a,
			     ret_scope);
}

ch_err grant_refresh(struct token_request *t, struct job *j)
{
	struct settling *s = j->settling;
	struct store_user u = { 0 };
	TRY(token_find(t, s));
	TRY(refresh_decide(t->realm, s, &s->grant, false));
	TRY(grant_person(t, s->grant.sub, &u));
	TRY(refresh_scope(t, &s->grant, &j->scope));
	TRY(grant_resource(t, s->grant.audience));
	if (!audience_allowed(t->realm->config, t->client, s->grant.audience))
		return ch_fail(CH_E_INVALID_GRANT, "the client may not reach the resource any more",
			       0);
	j->settle = refresh_settle;
	grant_tokens(j, &s->grant, &u, (str){ 0 });
	return refresh_write(j, &s->grant, s->seq + 1);
}
