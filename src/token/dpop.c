/* The judge of proofs. A proof is a stranger's text that brings its own key: that key is
 * looked at here and nowhere else, and means nothing until it is found to be the one that
 * the token is bound to. Must never allow more than one signature check a proof. */
#include "dpop.h"

#include "codec/base64url.h"
#include "htu.h"
#include "policy_internal.h"
#include "token/jwk.h"

enum { ATH_TEXT = 43 };

static const struct token_profile profile = { .typ = { "dpop+jwt", 8 } };
static const int64_t time_max = INT64_C(1) << 40;

static enum token_code refuse(struct dpop *d, enum token_code code, str what)
{
	d->what = what;
	return code;
}

static enum token_code bad(struct dpop *d, str what)
{
	return refuse(d, TOKEN_bad_proof, what);
}

static enum token_code judge_shape(struct dpop *d, str proof)
{
	struct token_scratch *s = d->scratch;
	if (proof.n > DPOP_PROOF_MAX || jws_split(proof, s->text, &d->jws) != TOKEN_accepted ||
	    jws_json(d->jws.header, s->header) != TOKEN_accepted ||
	    jws_json(d->jws.payload, s->payload) != TOKEN_accepted)
		return bad(d, LIT(""));
	return TOKEN_accepted;
}

static const struct json_node *header_member(const struct dpop *d, str name)
{
	return json_member(d->scratch->header, name);
}

/* Fine when absent. */
static bool text_read(struct dpop *d, const struct json_node *m, str *ret_text)
{
	return !m || !failed(json_to_str(m, &d->arena, ret_text));
}

static enum token_code judge_header(struct dpop *d)
{
	const struct refusal *never = jws_never(d->scratch->header, LIT("jwk"));
	if (never)
		return bad(d, never->what);
	if (!text_read(d, header_member(d, LIT("typ")), &d->jws.typ) ||
	    !token_typ_matches(&profile, d->jws.typ))
		return bad(d, LIT("typ"));
	if (!text_read(d, header_member(d, LIT("alg")), &d->jws.alg) ||
	    !alg_by_name(d->jws.alg, &d->key.alg))
		return bad(d, LIT("alg"));
	return TOKEN_accepted;
}

/* kid says nothing here, but two that differ are two stories. */
static bool kid_ok(struct dpop *d, const struct json_node *jwk)
{
	const struct json_node *outer = header_member(d, LIT("kid"));
	const struct json_node *inner = json_member(jwk, LIT("kid"));
	str a = { NULL, 0 }, b = { NULL, 0 };
	return text_read(d, outer, &a) && text_read(d, inner, &b) &&
	       (!outer || !inner || str_eq(a, b));
}

static enum token_code judge_key(struct dpop *d)
{
	const struct json_node *jwk = header_member(d, LIT("jwk"));
	if (!jwk || failed(jwk_read_for(jwk, d->key.alg, &d->key)) ||
	    failed(jwk_thumbprint(&d->key, d->shown)))
		return bad(d, LIT("jwk"));
	if (!kid_ok(d, jwk))
		return bad(d, LIT("kid"));
	if (d->jkt && !mem_eq_ct(d->shown, d->jkt, sizeof(d->shown)))
		return refuse(d, TOKEN_bad_binding, LIT("jwk"));
	return TOKEN_accepted;
}

/* A claim that must be there and a string. */
static bool claim_read(struct dpop *d, str name, str *ret_text)
{
	const struct json_node *m = json_member(d->scratch->payload, name);
	return m && text_read(d, m, ret_text);
}

static enum token_code judge_request(struct dpop *d)
{
	str htm = { NULL, 0 }, htu = { NULL, 0 };
	if (!claim_read(d, LIT("jti"), &d->jti) || !d->jti.n || d->jti.n > DPOP_JTI_MAX)
		return bad(d, LIT("jti"));
	if (!claim_read(d, LIT("htm"), &htm) || !htm.n || !str_eq(htm, d->request->method))
		return bad(d, LIT("htm"));
	if (!claim_read(d, LIT("htu"), &htu))
		return bad(d, LIT("htu"));
	if (htu_matches(htu, d->request->url))
		return TOKEN_accepted;
	if (htu_ok(d->request->url))
		return bad(d, LIT("htu"));
	d->where = LIT("request");
	return bad(d, LIT("url"));
}

/* Is the member there, and is it a time? Absent is fine, and leaves *ret_time. */
static bool time_read(struct dpop *d, str name, int64_t *ret_time)
{
	const struct json_node *m = json_member(d->scratch->payload, name);
	return !m || (!failed(json_to_int(m, ret_time)) && *ret_time >= 0 && *ret_time <= time_max);
}

static enum token_code judge_time(struct dpop *d)
{
	const struct proof_request *r = d->request;
	int64_t exp = time_max, nbf = 0;
	d->iat = -1;
	if (!time_read(d, LIT("iat"), &d->iat) || d->iat < 0 || d->iat < r->now_s - r->window_s ||
	    d->iat > r->now_s + r->skew_s || d->iat < r->since_s)
		return bad(d, LIT("iat"));
	if (!time_read(d, LIT("exp"), &exp) || exp <= r->now_s)
		return bad(d, LIT("exp"));
	if (!time_read(d, LIT("nbf"), &nbf) || nbf > r->now_s + r->skew_s)
		return bad(d, LIT("nbf"));
	return TOKEN_accepted;
}

static enum token_code judge_token(struct dpop *d)
{
	uint8_t hash[SHA256_SIZE];
	char text[ATH_TEXT];
	struct wr w = wr_of(text, sizeof(text));
	str ath = { NULL, 0 };
	/* there is none where tokens are asked for */
	if (!d->request->token.p)
		return TOKEN_accepted;
	sha256(bytes_of_str(d->request->token), hash);
	base64url_write(&w, BYTES_OF(hash));
	if (!claim_read(d, LIT("ath"), &ath) || !str_eq(ath, wr_text(&w)))
		return bad(d, LIT("ath"));
	return TOKEN_accepted;
}

static enum token_code judge_nonce(struct dpop *d)
{
	const struct json_node *m = json_member(d->scratch->payload, LIT("nonce"));
	str nonce = { NULL, 0 };
	if (!text_read(d, m, &nonce) || nonce.n > DPOP_NONCE_MAX)
		return bad(d, LIT("nonce"));
	for (size_t i = 0; i < d->request->n_nonces && m; i++)
		if (str_eq(nonce, d->request->nonces[i]))
			return TOKEN_accepted;
	if (d->request->n_nonces)
		return refuse(d, TOKEN_nonce_needed, LIT("nonce"));
	return TOKEN_accepted;
}

static enum token_code judge_signature(struct dpop *d)
{
	AUTO(public_key_done) struct public_key *key = NULL;
	if (failed(public_key_new(&d->key, &key)))
		return bad(d, LIT("jwk"));
	struct signed_text t = signed_text_of(bytes_of_str(d->jws.input));
	if (failed(public_key_verify(key, d->scratch->work, t, d->jws.sig)))
		return bad(d, LIT("signature"));
	return TOKEN_accepted;
}

enum token_code dpop_judge(struct dpop *d, str proof)
{
	static enum token_code (*const checks[])(struct dpop *) = {
		judge_header, judge_key,   judge_request,   judge_time,
		judge_token,  judge_nonce, judge_signature,
	};
	d->where = LIT("proof");
	arena_init(&d->arena, d->scratch->arena, sizeof(d->scratch->arena));
	enum token_code code = judge_shape(d, proof);
	for (size_t i = 0; i < COUNT_OF(checks) && code == TOKEN_accepted; i++)
		code = checks[i](d);
	return code;
}
