/* DPoP at the endpoints that issue (RFC 9449 sections 5, 8 and 10.1), and what all endpoints
 * say of nonces. A proof brings its own key: it says who asks again, never who asks. A proof is
 * noted as used when all else about its request is good, so that strangers cannot fill the
 * table. */
#include "base/clock.h"
#include "codec/base64url.h"
#include "issuer.h"

/* FAPI 2.0 section 5.3.2.1: clocks that are 10 s ahead must be taken, 60 s must not. */
enum { WINDOW_S = 60, SKEW_S = 15, JKT_TEXT = 43 };

str realm_url(struct http_req *r, const struct realm *m)
{
	const str issuer = m->config->issuer;
	struct wr w = reply_room(r, issuer.n + r->path.n);
	wr_str(&w, issuer);
	/* the issuer's path is the realm's name already */
	wr_str(&w, str_sub(r->path, 1 + m->config->name.n, r->path.n));
	return wr_text(&w);
}

struct http_out proof_nonce(struct http_req *r, const struct realm *m)
{
	struct wr w = reply_room(r, NONCE_TEXT);
	char now[NONCE_TEXT], before[NONCE_TEXT];
	nonces_at(&m->issuer->nonces, clock_unix_s(), now, before);
	wr_str(&w, (str){ now, sizeof(now) });
	return (struct http_out){ LIT("DPoP-Nonce"), wr_text(&w) };
}

void proof_terms(struct http_req *r, const struct realm *m, struct proof_terms *ret_t)
{
	struct proof_terms *t = ret_t;
	int64_t now_s = clock_unix_s();
	nonces_at(&m->issuer->nonces, now_s, t->now, t->before);
	t->nonces[0] = (str){ t->now, NONCE_TEXT };
	t->nonces[1] = (str){ t->before, NONCE_TEXT };
	t->request = (struct proof_request){
		.method = r->method == HTTP_POST ? LIT("POST") : LIT("GET"),
		.url = realm_url(r, m),
		.now_s = now_s,
		.window_s = WINDOW_S,
		.skew_s = SKEW_S,
		.nonces = t->nonces,
		.n_nonces = m->config->dpop_nonce ? COUNT_OF(t->nonces) : 0,
	};
}

#define BAD(text) ch_fail(CH_E_INVALID_PROOF, "the DPoP proof is not good: " text, 0)

static ch_err bad_proof(str what)
{
	if (str_eq(what, LIT("typ")))
		return BAD("its typ is not dpop+jwt");
	if (str_eq(what, LIT("alg")))
		return BAD("its alg is none of the metadata's");
	if (str_eq(what, LIT("jwk")))
		return BAD("its jwk is no public key for its alg");
	if (str_eq(what, LIT("ath")))
		return BAD("its ath is not the token's hash");
	if (str_eq(what, LIT("jti")))
		return BAD("its jti is missing or too long");
	if (str_eq(what, LIT("htm")))
		return BAD("its htm is not the request's method");
	if (str_eq(what, LIT("htu")))
		return BAD("its htu is not this endpoint's URL");
	if (str_eq(what, LIT("iat")))
		return BAD("its iat is missing, too old or in the future");
	if (str_eq(what, LIT("exp")) || str_eq(what, LIT("nbf")))
		return BAD("it expired, or is not valid yet");
	if (str_eq(what, LIT("signature")))
		return BAD("its signature");
	return BAD("its form");
}

static ch_err nonce_needed(void)
{
	return ch_fail(CH_E_NONCE,
		       "the DPoP proof must carry the nonce of the answer's DPoP-Nonce field", 0);
}

ch_err proof_take(struct token_request *t)
{
	struct proof_terms terms;
	struct wr jkt = reply_room(t->http, JKT_TEXT);
	str field = http_field(t->http, "DPoP");
	if (!field.p)
		return CH_DONE;
	if (field.n == 0)
		return BAD("there are two, or it is empty");
	proof_terms(t->http, t->realm, &terms);
	enum token_code code =
		proof_check(field, &terms.request, &t->realm->issuer->proof_scratch, &t->proof);
	if (code == TOKEN_nonce_needed)
		return nonce_needed();
	if (code != TOKEN_accepted)
		return bad_proof(t->proof.what);
	base64url_write(&jkt, BYTES_OF(t->proof.jkt));
	t->jkt = wr_text(&jkt);
	return wr_done(&jkt);
}

ch_err proof_note(struct token_request *t)
{
	struct replay *used = NULL;
	const struct proof *p = &t->proof;
	if (!t->jkt.p)
		return CH_DONE;
	TRY(spent_proofs(t->realm->issuer, &used));
	switch (replay_note(used, BYTES_OF(p->jkt), (bytes){ p->jti, p->jti_n }, p->until_s,
			    clock_unix_s())) {
	case REPLAY_NEW:
		return CH_DONE;
	case REPLAY_USED:
		return BAD("it was used before (jti): make a new one for each request");
	case REPLAY_FULL:
		break;
	}
	return ch_fail(CH_E_BUSY, "too many DPoP proofs are live", 0);
}

ch_err proof_confirm(struct http_req *r, struct realm *m, const struct shown_token *shown,
		     struct token_verdict *v)
{
	struct proof_terms terms;
	const struct token_proofs proofs = { .dpop = http_field(r, "DPoP"),
					     .dpop_scheme = shown->by_dpop };
	if (!v->bound && !shown->by_dpop)
		return CH_DONE;
	if (shown->by_dpop && !proofs.dpop.p)
		return BAD("there is none");
	proof_terms(r, m, &terms);
	terms.request.token = shown->token;
	TRY(spent_proofs(m->issuer, &terms.request.replay));
	enum token_code code = token_confirm(v, &proofs, &terms.request, &m->issuer->proof_scratch);
	if (code == TOKEN_accepted)
		return CH_DONE;
	if (code == TOKEN_bad_proof)
		return bad_proof(v->what);
	if (code == TOKEN_proof_replayed)
		return BAD("it was used before (jti): make a new one for each request");
	if (code == TOKEN_nonce_needed)
		return nonce_needed();
	if (code == TOKEN_proof_unknown)
		return ch_fail(CH_E_BUSY, "too many DPoP proofs are live", 0);
	return ch_fail(CH_E_DENIED, "the token is bound to another key, or was shown without it",
		       0);
}
