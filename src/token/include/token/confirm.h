/* Confirmation (RFC 7800): does who shows a verified token hold the keys that it is bound
 * to? DPoP (RFC 9449) and mutual TLS (RFC 8705). These are steps after token_verify or
 * token_cache_verify, made every time. A token that is bound to both needs both. */
#pragma once
#include "base/bytes.h"
#include "token/replay.h"
#include "token/verify.h"

enum {
	DPOP_PROOF_MAX = 4096,
	DPOP_JTI_MAX = 128,
	DPOP_WINDOW_MAX_S = 600,
	DPOP_SKEW_MAX_S = 60,
	DPOP_NONCE_MAX = 128,
};

/* What the client showed beside the token. */
struct token_proofs {
	str dpop;          /* the DPoP field's value; p == NULL: there was none. Two fields are for
		   * the caller to refuse (RFC 9449 section 4.3) */
	bool dpop_scheme;  /* the token came as "Authorization: DPoP …" */
	bytes certificate; /* DER of the client's TLS certificate, checked by who ended TLS */
	/* or its SHA-256 alone, 32 bytes; NULL: none. Both given: both must fit */
	const uint8_t *certificate_sha256;
};

/* The request as the client meant it. */
struct proof_request {
	str token;  /* as it came: ath is its hash; p == NULL: there is none (proof_check) */
	str method; /* exact: "GET" */
	str url;    /* of a configured origin, never of a Host field; query and fragment are not
		     * compared (RFC 9449 section 4.3), scheme and host without case, default
		     * ports left out, escapes of unreserved characters undone */
	int64_t now_s;
	int64_t window_s; /* a proof's iat may be so old, 1 to 600 */
	int64_t skew_s;   /* and so far in the future, 0 to 60 */
	/* 0, or since when the replay store has all that was used: a proof with an earlier iat
	 * may have been used before that, and is refused. For a new store, and for one that was
	 * used with a shorter window: how long a proof is kept follows from the window */
	int64_t since_s;
	const str *nonces; /* any of these will do; none: a nonce is not asked for */
	size_t n_nonces;
	struct replay *replay; /* where used proofs are remembered; not NULL with dpop_scheme */
};

/* The code: accepted; bad_binding: bound, but the key was not shown, or is another, or the
 * binding is of an unknown kind, or an unbound token came by the DPoP scheme, or a DPoP-bound
 * one by Bearer (RFC 9449 section 7.2); bad_proof, proof_replayed, proof_unknown,
 * nonce_needed. v must be accepted; any other verdict is answered by its own code. Scratch
 * must not be the one that v points into. Sets where and what of *v when it refuses, and its
 * code: where is "payload" or "cnf" (what the token says), "certificate", "proof", or "request" (the
 * url itself cannot be compared).
 *
 * In this order: the kind of binding, the certificate, the proof's form and header, that its
 * key is the token's, its claims, its signature, checked once, and last whether it was used
 * before; so nothing is remembered for who lacks the key. No allocation of ours; libcrypto
 * makes some for the proof's key. */
enum token_code token_confirm(struct token_verdict *v, const struct token_proofs *shown,
			      const struct proof_request *r, struct token_scratch *scratch);

/* A proof without a token: where tokens are asked for (RFC 9449 section 5). */
struct proof {
	uint8_t jkt[32]; /* thumbprint of its key (RFC 7638) */
	/* for replay_note: key jkt, this jti, until then */
	uint8_t jti[DPOP_JTI_MAX];
	size_t jti_n;
	int64_t until_s;
	str what; /* of a refusal: the member's name, or empty; a constant */
};
/* Accepted, bad_proof or nonce_needed, by the rules of token_confirm but for the token: any key
 * will do, and no ath is asked for. Whether it was used before is the caller's to find out, when all
 * else about the request is good: r->replay is not looked at. *ret_p is always set. */
enum token_code proof_check(str dpop, const struct proof_request *r, struct token_scratch *scratch,
			    struct proof *ret_p);

/* Stateless nonces (RFC 9449 section 8): a keyed hash of the time's slice, the same on every
 * gate that has the key. */
struct nonces {
	uint8_t key[32];
	int64_t slice_s; /* a nonce lives for one to two of these; at least 1 */
};
enum { NONCE_TEXT = 32 };
/* The nonce to hand out now, and the one before, which is good still: base64url, not
 * terminated. */
void nonces_at(const struct nonces *n, int64_t now_s, char ret_now[static NONCE_TEXT],
	       char ret_before[static NONCE_TEXT]);
