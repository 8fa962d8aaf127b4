/* The grants: what a token will say. The issuer names claims; issuer, times, id and
 * key are the signer's (RFC 9068, OpenID Connect Core section 2). */
#include "base/clock.h"
#include "issuer.h"

static void access_begin(struct job *j, const struct realm *m)
{
	j->n = 1;
	j->ttl_s = m->config->access_ttl_s;
	j->requests[0].typ = TYP_ACCESS;
	j->requests[0].alg = SIGN_ALG_ANY;
	j->requests[0].ttl_s = j->ttl_s;
}

/* An empty text is no claim. */
static void add(struct sign_request *q, enum sign_claim_id id, str text)
{
	if (text.n > 0)
		sign_add_text(q, id, text);
}

/* Scopes that speak of a person mean nothing when there is none. */
static ch_err without_openid(str scope, struct arena *a, str *ret_scope)
{
	static const str personal[] = { { "openid", 6 }, { "profile", 7 }, { "email", 5 } };
	char *room = arena_alloc(a, scope.n);
	struct wr w = wr_of(room, scope.n);
	if (!room)
		return ch_fail(CH_E_LIMIT, "request needs more memory than it may have", a->cap);
	while (scope.n > 0) {
		str item = list_cut(&scope);
		bool skip = false;
		for (size_t i = 0; i < COUNT_OF(personal); i++)
			skip = skip || str_eq(item, personal[i]);
		if (skip)
			continue;
		if (w.n > 0)
			wr_char(&w, ' ');
		wr_str(&w, item);
	}
	*ret_scope = wr_text(&w);
	return CH_DONE;
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
	TRY(without_openid(scope, a, &j->scope));
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

static ch_err code_take(struct token_request *t, struct store_code *ret_c)
{
	uint8_t hash[STORE_HASH_SIZE];
	str code = form_get(&t->form, LIT("code"));
	str uri = form_get(&t->form, LIT("redirect_uri"));
	if (!code.p)
		return ch_fail(CH_E_INVALID_REQUEST, "code is missing", 0);
	secret_hash(secret_bytes_of(bytes_of_str(code)), hash);
	ch_err e = store_code_take(t->realm->issuer->store, t->realm->config->name, hash,
				   clock_unix_s(), &t->http->arena, ret_c);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return ch_fail(CH_E_INVALID_GRANT, "the code is unknown, expired or used", 0);
	if (failed(e))
		return e;
	/* from here on it is spent, whatever comes: a code is for one try (RFC 6749 section 10.5) */
	if (!str_eq(ret_c->client_id, t->client->id))
		return ch_fail(CH_E_INVALID_GRANT, "the code is another client's", 0);
	if (!str_eq(ret_c->redirect_uri, uri))
		return ch_fail(CH_E_INVALID_GRANT, "redirect_uri is not the one of the code", 0);
	return pkce_check(ret_c->challenge, form_get(&t->form, LIT("code_verifier")));
}

static ch_err code_user(struct token_request *t, const struct store_code *c,
			struct store_user *ret_u)
{
	ch_err e = store_user_by_sub(t->realm->issuer->store, t->realm->config->name, c->sub,
				     &t->http->arena, ret_u);
	if (ch_code_of(e) == CH_E_NOT_FOUND || (!failed(e) && ret_u->disabled))
		return ch_fail(CH_E_INVALID_GRANT, "the user is not here any more", 0);
	return e;
}

static void id_token(struct job *j, const struct realm *m, const struct store_code *c,
		     const struct store_user *u)
{
	struct sign_request *q = &j->requests[1];
	j->n = 2;
	q->typ = TYP_ID;
	q->alg = SIGN_ALG_ANY;
	q->ttl_s = m->config->id_ttl_s;
	add(q, CLAIM_SUB, u->sub);
	add(q, CLAIM_AUD, c->client_id);
	sign_add_number(q, CLAIM_AUTH_TIME, c->auth_time);
	add(q, CLAIM_AMR, LIT("pwd"));
	add(q, CLAIM_AZP, c->client_id);
	add(q, CLAIM_NONCE, c->nonce);
	if (list_has(c->scope, LIT("profile"))) {
		add(q, CLAIM_NAME, u->name);
		add(q, CLAIM_PREFERRED_USERNAME, u->username);
	}
	if (list_has(c->scope, LIT("email")))
		add(q, CLAIM_EMAIL, u->email);
}

ch_err grant_code(struct token_request *t, struct job *j)
{
	struct store_code c = { 0 };
	struct store_user u = { 0 };
	struct sign_request *q = &j->requests[0];
	str resource = form_get(&t->form, LIT("resource"));
	str audience = { 0 };
	TRY(code_take(t, &c));
	TRY(code_user(t, &c, &u));
	if (resource.p)
		TRY(audience_resolve(t->realm->config, t->client, resource, &audience));
	if (resource.p && !str_eq(audience, c.audience))
		return ch_fail(CH_E_INVALID_TARGET, "the code is for another resource", 0);
	access_begin(j, t->realm);
	j->scope = c.scope;
	add(q, CLAIM_SUB, u.sub);
	add(q, CLAIM_AUD, c.audience);
	add(q, CLAIM_CLIENT_ID, c.client_id);
	add(q, CLAIM_SCOPE, c.scope);
	if (audience_is_mail(c.audience))
		add(q, CLAIM_USERNAME, u.mailbox);
	sign_add_number(q, CLAIM_AUTH_TIME, c.auth_time);
	if (list_has(c.scope, LIT("openid")))
		id_token(j, t->realm, &c, &u);
	return CH_DONE;
}
