/* The judge. A token is a stranger's text until its signature is good under the one
 * key that its issuer has of that kid; must never try a second key, nor take a key
 * from anywhere but the issuer that the token names. No allocation. */
#include "token/verify.h"

#include "judge.h"

/* Part by part, so that junk costs no more than it must. */
static const struct refusal *judge_shape(struct judge *j)
{
	struct wr w = wr_of(j->scratch->text, TOKEN_MAX);
	const struct refusal *r = jws_cut(j->token, &j->jws);
	if (!r)
		r = jws_glance(&j->jws);
	if (!r)
		r = jws_decode(&j->jws, JWS_HEADER, &w);
	if (!r)
		r = jws_parse(&j->jws, JWS_HEADER, j->scratch->header);
	if (!r)
		r = jws_header(j->scratch->header, &j->arena, &j->jws);
	if (!r)
		r = jws_decode(&j->jws, JWS_PAYLOAD, &w);
	if (!r)
		r = jws_parse(&j->jws, JWS_PAYLOAD, j->scratch->payload);
	if (!r)
		r = jws_decode(&j->jws, JWS_SIGNATURE, &w);
	return r;
}

static const struct refusal *judge_issuer(struct judge *j)
{
	str text = { NULL, 0 };
	claims_find(j);
	const struct json_node *iss = j->claim[AT_ISS];
	if (iss && !failed(json_to_str(iss, &j->arena, &text)))
		j->issuer = policy_find_issuer(j->policy, text);
	if (!j->issuer)
		return REFUSAL(bad_issuer, "payload", "iss");
	j->v->issuer = j->issuer->issuer;
	j->v->realm = j->issuer->realm;
	return NULL;
}

/* A kid of another issuer's is no mistake of typing: it is told apart. */
static const struct refusal *judge_key(struct judge *j)
{
	str kid = j->jws.kid;
	j->key = kid.n ? policy_find_key(j->policy, j->issuer, kid) : NULL;
	if (!j->key && kid.n && policy_has_kid(j->policy, kid))
		return REFUSAL(foreign_key, "header", "kid");
	if (!j->key)
		return REFUSAL(unknown_key, "header", "kid");
	j->v->kid = j->key->kid;
	j->v->logged_from = j->key->logged_from_s;
	if (!key_valid_at(j->key, j->issuer->skew_s, j->now))
		return REFUSAL(key_not_valid, "header", "kid");
	return NULL;
}

/* alg is the key's; the header may only agree. */
static const struct refusal *judge_alg(struct judge *j)
{
	bool same = str_eq(j->jws.alg, alg_name(j->key->alg));
	return same ? NULL : REFUSAL(bad_alg, "header", "alg");
}

static const struct refusal *judge_typ(struct judge *j)
{
	bool same = token_typ_matches(j->issuer->profile, j->jws.typ);
	return same ? NULL : REFUSAL(bad_typ, "header", "typ");
}

static const struct refusal *judge_signature(struct judge *j)
{
	struct signed_text t = signed_text_of(bytes_of_str(j->jws.input));
	ch_err e = public_key_verify(j->key->key, j->scratch->work, t, j->jws.sig);
	mem_copy(j->v->identity, t.sha256, sizeof(t.sha256));
	if (failed(e))
		return REFUSAL(bad_signature, "signature", "");
	j->v->claims = str_of_bytes(j->jws.payload);
	return NULL;
}

void token_verify(const struct policy *p, str token, int64_t now_s, struct token_scratch *scratch,
		  struct token_verdict *ret_verdict)
{
	static const struct refusal *(*const checks[])(struct judge *) = {
		judge_shape, judge_issuer,    judge_key,    judge_alg,
		judge_typ,   judge_signature, claims_judge,
	};
	NOT_ZEROED struct judge j;
	const struct refusal *r = NULL;
	mem_zero(&j, sizeof(j));
	mem_zero(ret_verdict, sizeof(*ret_verdict));
	j.policy = p;
	j.token = token;
	j.now = now_s;
	j.scratch = scratch;
	j.v = ret_verdict;
	arena_init(&j.arena, scratch->arena, sizeof(scratch->arena));
	for (size_t i = 0; i < COUNT_OF(checks) && !r; i++)
		r = checks[i](&j);
	if (r)
		token_refuse(ret_verdict, r);
}

void token_refuse(struct token_verdict *v, const struct refusal *r)
{
	v->code = r->code;
	v->where = r->where;
	v->what = r->what;
}

void token_explain(struct wr *w, const struct token_verdict *v)
{
	wr_str(w, token_code_name(v->code));
	if (v->where.n) {
		wr_lit(w, " (");
		wr_str(w, v->where);
		if (v->what.n) {
			wr_lit(w, ": ");
			wr_str(w, v->what);
		}
		wr_lit(w, ")");
	}
	wr_lit(w, ": ");
	wr_str(w, token_code_text(v->code));
}

bool scope_has(str scope, str word)
{
	while (scope.n) {
		str one = str_cut(&scope, ' ');
		if (one.n && str_eq(one, word))
			return true;
	}
	return false;
}
