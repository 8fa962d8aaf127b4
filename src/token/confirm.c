/* Who shows a token that is bound to a key must show that he has the key. The verdict is
 * the judge's, who believes the issuer; what the client shows is a stranger's. Must never
 * let a token pass that is bound in a way not understood, and must remember a proof only
 * when all else about it was good, or who lacks the key could fill the store. */
#include "token/confirm.h"

#include <assert.h>

#include "crypto/hash.h"
#include "dpop.h"
#include "token/jwk.h"

static enum token_code refuse(struct token_verdict *v, enum token_code code, str where, str what)
{
	v->code = code;
	v->where = where;
	v->what = what;
	return code;
}

static enum token_code judge_kind(struct token_verdict *v, const struct token_proofs *shown)
{
	const struct token_binding *b = &v->binding;
	if (b->other || (v->bound && !b->has_jkt && !b->has_x5t))
		return refuse(v, TOKEN_bad_binding, LIT("payload"), LIT("cnf"));
	if (shown->dpop_scheme && !b->has_jkt)
		return refuse(v, TOKEN_bad_binding, LIT("cnf"), LIT("jkt"));
	if (b->has_jkt && (!shown->dpop_scheme || !shown->dpop.p))
		return refuse(v, TOKEN_bad_binding, LIT("proof"), LIT(""));
	return TOKEN_accepted;
}

static enum token_code judge_certificate(struct token_verdict *v, const struct token_proofs *shown)
{
	const uint8_t *x5t = v->binding.x5t;
	uint8_t hash[SHA256_SIZE];
	bool fits = shown->certificate.p || shown->certificate_sha256;
	if (!v->binding.has_x5t)
		return TOKEN_accepted;
	if (shown->certificate.p) {
		sha256(shown->certificate, hash);
		fits = mem_eq_ct(hash, x5t, sizeof(hash));
	}
	if (shown->certificate_sha256)
		fits &= mem_eq_ct(shown->certificate_sha256, x5t, sizeof(hash));
	if (!fits)
		return refuse(v, TOKEN_bad_binding, LIT("certificate"), LIT("x5t#S256"));
	return TOKEN_accepted;
}

static void request_assert(const struct proof_request *r)
{
	assert(r->now_s >= 0 && r->window_s >= 1 && r->window_s <= DPOP_WINDOW_MAX_S);
	assert(r->skew_s >= 0 && r->skew_s <= DPOP_SKEW_MAX_S);
}

/* As long as it could be shown, by a clock that is behind as far as clocks may be. */
static int64_t until_of(const struct dpop *d)
{
	return d->iat + d->request->window_s + d->request->skew_s + 1;
}

static enum token_code note(const struct dpop *d)
{
	static const enum token_code codes[] = {
		[REPLAY_NEW] = TOKEN_accepted,
		[REPLAY_USED] = TOKEN_proof_replayed,
		[REPLAY_FULL] = TOKEN_proof_unknown,
	};
	const struct proof_request *r = d->request;
	return codes[replay_note(r->replay, (bytes){ d->shown, THUMBPRINT_SIZE },
				 bytes_of_str(d->jti), until_of(d), r->now_s)];
}

static enum token_code judge_proof(struct token_verdict *v, const struct token_proofs *shown,
				   const struct proof_request *r, struct token_scratch *scratch)
{
	struct dpop d = { .request = r, .jkt = v->binding.jkt, .scratch = scratch };
	if (!v->binding.has_jkt)
		return TOKEN_accepted;
	enum token_code code = dpop_judge(&d, shown->dpop);
	if (code != TOKEN_accepted)
		return refuse(v, code, d.where, d.what);
	code = note(&d);
	return code == TOKEN_accepted ? code : refuse(v, code, LIT("proof"), LIT("jti"));
}

enum token_code proof_check(str dpop, const struct proof_request *r, struct token_scratch *scratch,
			    struct proof *ret_p)
{
	struct dpop d = { .request = r, .scratch = scratch };
	struct proof p = { .until_s = 0 };
	request_assert(r);
	enum token_code code = dpop_judge(&d, dpop);
	p.what = d.what;
	if (code == TOKEN_accepted) {
		p.until_s = until_of(&d);
		mem_copy(p.jkt, d.shown, sizeof(p.jkt));
		mem_copy(p.jti, d.jti.p, d.jti.n);
		p.jti_n = d.jti.n;
	}
	*ret_p = p;
	return code;
}

enum token_code token_confirm(struct token_verdict *v, const struct token_proofs *shown,
			      const struct proof_request *r, struct token_scratch *scratch)
{
	assert(r->replay || !shown->dpop_scheme);
	request_assert(r);
	if (v->code != TOKEN_accepted)
		return v->code;
	enum token_code code = judge_kind(v, shown);
	if (code == TOKEN_accepted)
		code = judge_certificate(v, shown);
	return code == TOKEN_accepted ? judge_proof(v, shown, r, scratch) : code;
}
