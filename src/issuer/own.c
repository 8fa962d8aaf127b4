/* The realm's own access tokens, come back: judged by the same rules as at any relying
 * party, with the keys that the realm's signer says now, and by what the store says of the
 * person and the app. Must never take another realm's. */
#include "base/clock.h"
#include "issuer.h"

/* Who signs and who judges have one clock. A token that was made under a longer lifetime than
 * today's is good until it ends. */
enum { OWN_SKEW_S = 5, OWN_TTL_MAX_S = 24 * 3600 };

static ch_err policy_make(struct realm *m)
{
	str audiences[AUDIENCES_MAX];
	const struct issuer_realm *c = m->config;
	for (size_t i = 0; i < c->n_audiences; i++)
		audiences[i] = c->audiences[i].name;
	const struct policy_issuer one = {
		.issuer = c->issuer,
		.realm = c->name,
		.typ = LIT("at+jwt"),
		.audiences = audiences,
		.n_audiences = c->n_audiences,
		.jwks = bytes_of_str((str){ m->jwks, m->jwks_n }),
		.skew_s = OWN_SKEW_S,
		.max_ttl_s = OWN_TTL_MAX_S,
	};
	return policy_new(&one, 1, NULL, &m->policy);
}

/* Is the app still here, and the person, if there is one? */
static ch_err parties_check(struct realm *m, const struct token_verdict *v, struct arena *a)
{
	const struct store_client *c = NULL;
	struct store_user u = { 0 };
	TRY(client_find(m->issuer, m->config->name, v->client_id, &c));
	if (str_eq(v->sub, v->client_id))
		return CH_DONE;
	TRY(store_user_by_sub(m->issuer->store, m->config->name, v->sub, a, &u));
	return u.disabled ? ch_fail(CH_E_NOT_FOUND, "the user is disabled", 0) : CH_DONE;
}

ch_err own_token_read(struct realm *m, str token, struct token_verdict *ret_v)
{
	jwks_refresh(m);
	if (!m->knows_keys)
		return ch_fail(CH_E_BUSY, "the signer is not here yet", 0);
	if (m->jwks_n == 0)
		return ch_fail(CH_E_DENIED, "the realm has no key at this time", 0);
	if (!m->policy)
		TRY(policy_make(m));
	token_verify(m->policy, token, clock_unix_s(), &m->issuer->assertions.token, ret_v);
	return CH_DONE;
}

static bool is_revoked(const struct realm *m, const struct token_verdict *v)
{
	return revocations_have(m, &(struct revoked_query){ .identity = v->identity,
							    .grant_id = v->grant_id,
							    .client_id = v->client_id,
							    .sub = v->sub,
							    .kid = v->kid,
							    .iat = v->iat });
}

ch_err own_token_judge(struct realm *m, str token, struct arena *a, struct token_verdict *ret_v)
{
	const ch_err no = ch_fail(CH_E_DENIED, "the token is unknown, expired or revoked", 0);
	struct token_verdict v;
	TRY(own_token_read(m, token, &v));
	if (v.code != TOKEN_accepted || is_revoked(m, &v))
		return no;
	ch_err e = parties_check(m, &v, a);
	if (ch_code_of(e) == CH_E_NOT_FOUND)
		return no;
	TRY(e);
	*ret_v = v;
	return CH_DONE;
}
