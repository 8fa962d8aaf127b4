/* What a key may sign: its time, typ, audience, lifetime and rate. The grant
 * is in the sealed file, so an issuer cannot widen it. */
#include "signer_internal.h"

enum { NS = 1000000000 };

void bucket_init(struct bucket *b, uint32_t rate_per_s)
{
	*b = (struct bucket){ .rate_per_s = rate_per_s, .tokens_ns = NS };
}

/* One second's worth may be spent at once; it fills up again evenly. */
static bool bucket_has(struct bucket *b, uint64_t now_ns)
{
	uint64_t passed = now_ns - b->at_ns;
	b->tokens_ns = passed >= NS - b->tokens_ns ? NS : b->tokens_ns + passed;
	b->at_ns = now_ns;
	return b->rate_per_s == 0 || b->tokens_ns >= NS / b->rate_per_s;
}

bool bucket_take(struct bucket *b, uint64_t now_ns)
{
	if (!bucket_has(b, now_ns))
		return false;
	if (b->rate_per_s > 0)
		b->tokens_ns -= NS / b->rate_per_s;
	return true;
}

/* The one whose time it is. While signers are being replaced two may be; then the newer. */
static struct signing_key *find_key(struct realm *m, uint8_t alg, int64_t now_s)
{
	struct signing_key *found = NULL;
	for (size_t i = 0; i < m->n_keys; i++) {
		struct signing_key *k = &m->keys[i];
		if ((alg == SIGN_ALG_ANY || alg == k->meta.alg) &&
		    key_signs_rather(&k->meta.times, found ? &found->meta.times : NULL, now_s))
			found = k;
	}
	return found;
}

static str claim_text(const struct sign_request *q, enum sign_claim_id id)
{
	for (size_t i = 0; i < q->n_claims; i++)
		if (q->claims[i].id == id)
			return q->claims[i].text;
	return (str){ NULL, 0 };
}

static bool audience_granted(const struct key_grant *g, str aud)
{
	for (size_t i = 0; i < g->n_audiences; i++)
		if (str_eq(g->audiences[i], aud))
			return true;
	return g->n_audiences == 0;
}

/* RFC 9068 section 2.2 and OpenID Connect Core section 2: what may not be missing. */
static bool is_complete(const struct sign_request *q)
{
	return claim_text(q, CLAIM_SUB).n > 0 && claim_text(q, CLAIM_AUD).n > 0 &&
	       (q->typ == TYP_ID || claim_text(q, CLAIM_CLIENT_ID).n > 0);
}

ch_err grant_check(struct realm *m, const struct sign_request *q, int64_t now_s, uint64_t now_ns,
		   struct signing_key **ret_key)
{
	struct signing_key *k = find_key(m, q->alg, now_s);
	if (!k)
		return ch_fail(CH_E_NO_KEY, "the realm has no signing key of this algorithm",
			       q->alg);
	const struct key_grant *g = &k->meta.grant;
	if (!is_complete(q))
		return ch_fail(CH_E_MISSING, "a token needs sub, aud and client_id", q->typ);
	if (!(g->typ & q->typ))
		return ch_fail(CH_E_DENIED, "the key may not sign this typ", q->typ);
	if (q->ttl_s == 0 || q->ttl_s > g->max_ttl_s)
		return ch_fail(CH_E_DENIED, "the key may not sign for so long", q->ttl_s);
	if (q->typ == TYP_ACCESS && !audience_granted(g, claim_text(q, CLAIM_AUD)))
		return ch_fail(CH_E_DENIED, "the key may not sign for this audience", 0);
	if (!bucket_has(&k->bucket, now_ns) || !bucket_take(&m->bucket, now_ns))
		return ch_fail(CH_E_LIMIT, "over the rate of the key or the socket", q->req);
	(void)bucket_take(&k->bucket, now_ns);
	*ret_key = k;
	return CH_DONE;
}
