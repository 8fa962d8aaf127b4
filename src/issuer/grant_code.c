/* A code for tokens (RFC 6749 section 4.1.3). A code is for one try: it is spent together
 * with the grant that it makes, after the signer has signed, before anything goes out; a
 * wrong try spends it for nothing. Whoever shows a spent one ends that grant. */
#include "base/clock.h"
#include "base/rand.h"
#include "issuer.h"

static ch_err code_reused(const struct realm *m, const struct store_code *c)
{
	metrics_count(m, COUNT_CODE_REUSED);
	ch_err why = ch_fail(CH_E_INVALID_GRANT, "the code was used before", 0);
	return c->grant_id.n > 0 ? grant_revoke(m, c->grant_id, c->client_id, why) : why;
}

static ch_err code_find(const struct realm *m, struct arena *a, const struct settling *s,
			struct store_code *ret_c)
{
	ch_err e = store_code_get(m->issuer->store, m->config->name, s->code_hash, a, ret_c);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return ch_fail(CH_E_INVALID_GRANT, "the code is unknown or expired", 0);
	return e;
}

static ch_err code_settle(struct job *j)
{
	const struct settling *s = j->settling;
	struct store_code c = { 0 };
	ch_err e = store_code_spend(j->realm->issuer->store, s->code_hash, s->grant.id);
	if (ch_code_of(e) == CH_E_NOT_FOUND) {
		/* another request with it was signed at the same time */
		TRY(code_find(j->realm, &j->http->arena, s, &c));
		return code_reused(j->realm, &c);
	}
	return failed(e) ? e : grant_add(j->realm, &s->grant);
}

/* For a client that may come back, with refresh tokens; for others as long as its access
 * token, so that this one can be revoked. */
ch_err grant_make(struct token_request *t, const struct store_code *c, struct store_grant *ret_g)
{
	const struct issuer_realm *m = t->realm->config;
	struct wr id = reply_room(t->http, STORE_GRANT_ID_SIZE);
	int64_t now = clock_unix_s();
	bool stays = list_has(c->scope, LIT("offline_access")) &&
		     list_has(t->client->grant_types, LIT("refresh_token"));
	stamp_write(&id, 16);
	TRY(wr_done(&id));
	*ret_g = (struct store_grant){
		.id = wr_text(&id),
		.realm = m->name,
		.client_id = c->client_id,
		.sub = c->sub,
		.scope = c->scope,
		.audience = c->audience,
		.sid = c->sid,
		.auth_time = c->auth_time,
		.created = now,
		.expires = stays ? grant_expires(m, now, now)
				 : now + m->code_ttl_s + m->access_ttl_s,
		.seq = stays,
		.rotated = now,
		/* who can prove itself is bound by that (RFC 9449 section 5) */
		.dpop = client_is_public(t->client) ? t->jkt : (str){ 0 },
	};
	rand_fill(ret_g->salt, sizeof(ret_g->salt));
	return CH_DONE;
}

static ch_err code_check(struct token_request *t, const struct store_code *c)
{
	if (c->expires <= clock_unix_s())
		return ch_fail(CH_E_INVALID_GRANT, "the code is unknown or expired", 0);
	if (!str_eq(c->client_id, t->client->id))
		return ch_fail(CH_E_INVALID_GRANT, "the code is another client's", 0);
	if (!str_eq(c->redirect_uri, form_get(&t->form, LIT("redirect_uri"))))
		return ch_fail(CH_E_INVALID_GRANT, "redirect_uri is not the one of the code", 0);
	if (c->dpop.n > 0 && !str_eq(c->dpop, t->jkt))
		return ch_fail(
			CH_E_INVALID_GRANT,
			"the code is bound to a key (dpop_jkt), and the DPoP proof is not of it",
			0);
	TRY(pkce_check(c->challenge, form_get(&t->form, LIT("code_verifier"))));
	return grant_resource(t, c->audience);
}

static ch_err code_tokens(struct token_request *t, struct job *j, const struct store_code *c)
{
	struct store_user u = { 0 };
	struct store_grant *g = &j->settling->grant;
	TRY(code_check(t, c));
	TRY(grant_person(t, c->sub, &u));
	TRY(grant_make(t, c, g));
	j->scope = g->scope;
	j->settle = code_settle;
	grant_tokens(j, g, &u, c->nonce);
	return g->seq > 0 ? refresh_write(j, g, g->seq) : CH_DONE;
}

ch_err grant_code(struct token_request *t, struct job *j)
{
	struct store_code c = { 0 };
	str code = form_get(&t->form, LIT("code"));
	if (!code.p)
		return ch_fail(CH_E_INVALID_REQUEST, "code is missing", 0);
	code_key(code, j->settling->code_hash);
	TRY(code_find(t->realm, &t->http->arena, j->settling, &c));
	if (c.spent)
		return code_reused(t->realm, &c);
	ch_err e = code_tokens(t, j, &c);
	/* a try that failed by the one who tried was its one try (RFC 6749 section 10.5) */
	if (ch_code_http(ch_code_of(e)) == 400) {
		ch_err spent = store_code_spend(t->realm->issuer->store, j->settling->code_hash,
						(str){ 0 });
		if (failed(spent) && ch_code_of(spent) != CH_E_NOT_FOUND)
			return spent;
	}
	return e;
}
