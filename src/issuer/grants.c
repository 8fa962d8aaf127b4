/* What a token will say. The issuer names claims; issuer, times, id and key are the
 * signer's (RFC 9068, OpenID Connect Core section 2). */
#include "base/clock.h"
#include "base/log.h"
#include "issuer.h"

/* An empty text is no claim. */
static void add(struct sign_request *q, enum sign_claim_id id, str text)
{
	if (text.n > 0)
		sign_add_text(q, id, text);
}

static void access_begin(struct job *j, const struct realm *m)
{
	j->n = 1;
	j->ttl_s = m->config->access_ttl_s;
	j->requests[0].typ = TYP_ACCESS;
	j->requests[0].alg = SIGN_ALG_ANY;
	j->requests[0].ttl_s = j->ttl_s;
	add(&j->requests[0], CLAIM_CNF_JKT, j->jkt);
}

ch_err grant_client_credentials(struct token_request *t, struct job *j)
{
	const struct store_client *c = t->client;
	struct sign_request *q = &j->requests[0];
	struct arena *a = &t->http->arena;
	str scope = { 0 }, audience = { 0 }, id = { 0 }, username = { 0 };
	if (client_is_public(c))
		return ch_fail(CH_E_UNAUTHORIZED_CLIENT, "a public client may not use this grant",
			       0);
	TRY(scope_resolve(t->realm->config, c->scopes, form_get(&t->form, LIT("scope")), a,
			  &scope));
	/* scopes that speak of a person mean nothing when there is none */
	TRY(scope_without(scope, LIT("openid profile email offline_access"), (str){ 0 }, a,
			  &j->scope));
	TRY(audience_resolve(t->realm->config, c, form_get(&t->form, LIT("resource")), &audience));
	/* copies: the client may be forgotten while the request waits */
	TRY(arena_str(a, c->id, &id));
	TRY(arena_str(a, c->username, &username));
	access_begin(j, t->realm);
	add(q, CLAIM_SUB, id);
	add(q, CLAIM_AUD, audience);
	add(q, CLAIM_CLIENT_ID, id);
	add(q, CLAIM_SCOPE, j->scope);
	if (audience_is_mail(audience))
		add(q, CLAIM_USERNAME, username);
	return CH_DONE;
}

ch_err grant_person(struct token_request *t, str sub, struct store_user *ret_u)
{
	ch_err e = store_user_by_sub(t->realm->issuer->store, t->realm->config->name, sub,
				     &t->http->arena, ret_u);
	if (ch_code_of(e) == CH_E_NOT_FOUND || (!failed(e) && ret_u->disabled))
		return ch_fail(CH_E_INVALID_GRANT, "the user is not here any more", 0);
	return e;
}

static void id_token(struct job *j, const struct store_grant *g, const struct store_user *u,
		     str nonce)
{
	struct sign_request *q = &j->requests[1];
	j->n = 2;
	q->typ = TYP_ID;
	q->alg = SIGN_ALG_ANY;
	q->ttl_s = j->realm->config->id_ttl_s;
	add(q, CLAIM_SUB, u->sub);
	add(q, CLAIM_AUD, g->client_id);
	sign_add_number(q, CLAIM_AUTH_TIME, g->auth_time);
	add(q, CLAIM_AMR, LIT("pwd"));
	add(q, CLAIM_ACR, LIT(ACR_PASSWORD));
	add(q, CLAIM_SID, g->sid);
	add(q, CLAIM_AZP, g->client_id);
	add(q, CLAIM_NONCE, nonce);
	if (list_has(j->scope, LIT("profile"))) {
		add(q, CLAIM_NAME, u->name);
		add(q, CLAIM_PREFERRED_USERNAME, u->username);
	}
	if (list_has(j->scope, LIT("email")))
		add(q, CLAIM_EMAIL, u->email);
}

void grant_tokens(struct job *j, const struct store_grant *g, const struct store_user *u, str nonce)
{
	struct sign_request *q = &j->requests[0];
	access_begin(j, j->realm);
	add(q, CLAIM_SUB, u->sub);
	add(q, CLAIM_AUD, g->audience);
	add(q, CLAIM_CLIENT_ID, g->client_id);
	add(q, CLAIM_SCOPE, j->scope);
	if (audience_is_mail(g->audience))
		add(q, CLAIM_USERNAME, u->mailbox);
	add(q, CLAIM_GRANT_ID, g->id);
	sign_add_number(q, CLAIM_AUTH_TIME, g->auth_time);
	if (list_has(j->scope, LIT("openid")))
		id_token(j, g, u, nonce);
}

ch_err grant_resource(struct token_request *t, str audience)
{
	str resource = form_get(&t->form, LIT("resource")), name = { 0 };
	if (!resource.p)
		return CH_DONE;
	TRY(audience_resolve(t->realm->config, t->client, resource, &name));
	if (!str_eq(name, audience))
		return ch_fail(CH_E_INVALID_TARGET, "the grant is for another resource", 0);
	return CH_DONE;
}

/* Whose sessions end with it: those of the mailbox. A person who is gone has none here. */
static ch_err mailbox_of(const struct realm *m, str grant_id, struct arena *a, str *ret_name)
{
	struct store *s = m->issuer->store;
	struct store_grant g = { 0 };
	struct store_user u = { 0 };
	ch_err e = store_grant_get(s, m->config->name, grant_id, a, &g);
	if (!failed(e))
		e = store_user_by_sub(s, m->config->name, g.sub, a, &u);
	if (failed(e) && ch_code_of(e) != CH_E_NOT_FOUND)
		return e;
	*ret_name = u.mailbox;
	return CH_DONE;
}

static ch_err end_in_store(const struct realm *m, str grant_id, enum revoke_why why)
{
	uint8_t room[8192];
	struct arena a;
	struct revocation r = { .kind = REVOKE_GRANT,
				.why = why,
				.when_s = clock_unix_s(),
				.subject = bytes_of_str(grant_id) };
	arena_init(&a, room, sizeof(room));
	TRY(mailbox_of(m, grant_id, &a, &r.name));
	TRY(store_grant_revoke(m->issuer->store, m->config->name, grant_id));
	return revocations_add(m, &r);
}

/* A grant that is over in the store alone would be so for no gate, and for whoever asks again. */
static ch_err end(const struct realm *m, str grant_id, enum revoke_why why)
{
	bool mine = false;
	TRY(revoking_begin(m->issuer, &mine));
	TRY(revoking_end(m->issuer, mine, end_in_store(m, grant_id, why)));
	metrics_count(m, COUNT_GRANT_REVOKED);
	return CH_DONE;
}

ch_err grant_end(const struct realm *m, str grant_id, enum revoke_why why)
{
	TRY(end(m, grant_id, why));
	LOG(LOG_INFO, "a grant is revoked", log_str("realm", m->config->name),
	    log_str("grant", grant_id), log_str("why", revoke_why_name(why)));
	return CH_DONE;
}

ch_err grant_add(const struct realm *m, const struct store_grant *g)
{
	ch_err e = store_grant_add(m->issuer->store, g);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return ch_fail(CH_E_INVALID_GRANT, "the user or the client is gone", 0);
	return e;
}

ch_err grant_revoke(const struct realm *m, str grant_id, str client_id, ch_err why)
{
	TRY(end(m, grant_id, failed(why) ? REVOKE_REUSED : REVOKE_BY_USER));
	LOG(LOG_WARN, "a grant is revoked", log_str("realm", m->config->name),
	    log_str("grant", grant_id), log_str("client", client_id), log_err(why));
	return why;
}
