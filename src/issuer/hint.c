/* An ID token of ours that comes back as a hint (OpenID Connect Core section 3.1.2.1,
 * RP-Initiated Logout section 2): whose it is, and of which session. It is judged by the realm's
 * own keys as of the moment when it was made: it may have expired since. It is a hint, and no
 * sign-in: who has it is not who it names. */
#include "codec/base64url.h"
#include "codec/json.h"
#include "people.h"

enum { HINT_NODES = 64, HINT_TTL_MAX_S = 24 * 3600, HINT_SKEW_S = 5 };

static ch_err no_hint(void)
{
	return ch_fail(CH_E_INVALID_REQUEST, "id_token_hint is no ID token of this realm", 0);
}

/* What it says of itself, to be believed when its signature is good: for whom it is, and when
 * it was made. */
static ch_err hint_peek(str token, struct arena *a, str *ret_aud, int64_t *ret_iat)
{
	static struct json_node nodes[HINT_NODES + 1];
	size_t n = 0;
	str rest = token;
	(void)str_cut(&rest, '.');
	str payload = str_cut(&rest, '.');
	uint8_t *p = arena_alloc(a, payload.n);
	struct wr w = wr_of(p, p ? payload.n : 0);
	TRY(base64url_read(payload, &w));
	TRY(json_parse(wr_bytes(&w), (struct json_limits){ 4, HINT_NODES }, nodes, COUNT_OF(nodes),
		       &n));
	const struct json_node *aud = json_member(nodes, LIT("aud"));
	const struct json_node *iat = json_member(nodes, LIT("iat"));
	if (!aud || !iat)
		return no_hint();
	TRY(json_to_str(aud, a, ret_aud));
	return json_to_int(iat, ret_iat);
}

static ch_err policy_make(struct realm *m, const str *aud, struct policy **ret_policy)
{
	const struct policy_issuer one = {
		.issuer = m->config->issuer,
		.realm = m->config->name,
		.typ = LIT("JWT"),
		.audiences = aud,
		.n_audiences = 1,
		.jwks = bytes_of_str((str){ m->jwks, m->jwks_n }),
		.skew_s = HINT_SKEW_S,
		.max_ttl_s = HINT_TTL_MAX_S,
	};
	return policy_new(&one, 1, NULL, ret_policy);
}

static ch_err hint_read(const struct token_verdict *v, struct arena *a, struct hint *h)
{
	static struct token_claims claims;
	str sid = { 0 };
	TRY(token_claims_read(v, &claims));
	if (failed(token_claim_str(&claims, LIT("sid"), &sid)))
		sid = (str){ 0 };
	TRY(arena_str(a, sid, &h->sid));
	return arena_str(a, v->sub, &h->sub);
}

ch_err hint_judge(struct realm *m, str token, struct arena *a, struct hint *ret_h)
{
	AUTO(policy_done) struct policy *policy = NULL;
	struct token_verdict v;
	struct hint h = { 0 };
	int64_t iat = 0;
	if (!m->knows_keys)
		return ch_fail(CH_E_BUSY, "the signer is not here yet", 0);
	if (failed(hint_peek(token, a, &h.client_id, &iat)))
		return no_hint();
	if (failed(policy_make(m, &h.client_id, &policy)))
		return no_hint();
	token_verify(policy, token, iat, &m->issuer->assertions.token, &v);
	if (v.code != TOKEN_accepted)
		return no_hint();
	TRY(hint_read(&v, a, &h));
	*ret_h = h;
	return CH_DONE;
}
