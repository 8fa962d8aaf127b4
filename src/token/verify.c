/* The judge. A token is a stranger's text until its signature is good under the one
 * key that its issuer has of that kid; must never try a second key, nor take a key
 * from anywhere but the issuer that the token names. No allocation. */
#include "token/verify.h"

#include "claims.h"
#include "jws.h"

struct judge {
	const struct policy *policy;
	str token;
	int64_t now;
	struct token_scratch *scratch;
	struct arena arena;
	struct jws jws;
	const struct issuer *issuer;
	const struct issuer_key *key;
	struct token_verdict v;
};

static enum token_code judge_shape(struct judge *j)
{
	enum token_code code = jws_split(j->token, j->scratch->text, &j->jws);
	if (code == TOKEN_accepted)
		code = jws_json(j->jws.header, j->scratch->header);
	if (code == TOKEN_accepted)
		code = jws_json(j->jws.payload, j->scratch->payload);
	if (code == TOKEN_accepted)
		code = jws_header(j->scratch->header, &j->arena, &j->jws);
	return code;
}

static enum token_code judge_issuer(struct judge *j)
{
	const struct json_node *iss = json_member(j->scratch->payload, LIT("iss"));
	str text = { NULL, 0 };
	if (!iss || failed(json_to_str(iss, &j->arena, &text)))
		return TOKEN_bad_issuer;
	j->issuer = policy_find_issuer(j->policy, text);
	if (!j->issuer)
		return TOKEN_bad_issuer;
	j->v.issuer = j->issuer->issuer;
	j->v.realm = j->issuer->realm;
	return TOKEN_accepted;
}

static enum token_code judge_key(struct judge *j)
{
	j->key = j->jws.kid.n ? issuer_find_key(j->issuer, j->jws.kid) : NULL;
	if (!j->key)
		return TOKEN_unknown_key;
	j->v.kid = j->key->kid;
	return TOKEN_accepted;
}

/* alg is the key's; the header may only agree. */
static enum token_code judge_alg(struct judge *j)
{
	return str_eq(j->jws.alg, alg_name(j->key->alg)) ? TOKEN_accepted : TOKEN_bad_alg;
}

static enum token_code judge_typ(struct judge *j)
{
	return token_typ_matches(j->issuer->profile, j->jws.typ) ? TOKEN_accepted : TOKEN_bad_typ;
}

static enum token_code judge_signature(struct judge *j)
{
	struct signed_text t = signed_text_of(bytes_of_str(j->jws.input));
	ch_err e = public_key_verify(j->key->key, j->scratch->work, t, j->jws.sig);
	mem_copy(j->v.identity, t.sha256, sizeof(t.sha256));
	return failed(e) ? TOKEN_bad_signature : TOKEN_accepted;
}

static enum token_code judge_claims(struct judge *j)
{
	j->v.claims = str_of_bytes(j->jws.payload);
	return claims_judge(j->scratch->payload, j->issuer, j->now, &j->arena, &j->v);
}

void token_verify(const struct policy *p, str token, int64_t now_s, struct token_scratch *scratch,
		  struct token_verdict *ret_verdict)
{
	static enum token_code (*const checks[])(struct judge *) = {
		judge_shape, judge_issuer,    judge_key,    judge_alg,
		judge_typ,   judge_signature, judge_claims,
	};
	struct judge j = { .policy = p, .token = token, .now = now_s, .scratch = scratch };
	enum token_code code = TOKEN_accepted;
	arena_init(&j.arena, scratch->arena, sizeof(scratch->arena));
	for (size_t i = 0; i < COUNT_OF(checks) && code == TOKEN_accepted; i++)
		code = checks[i](&j);
	j.v.code = code;
	*ret_verdict = j.v;
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
