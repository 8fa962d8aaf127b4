/* Judging a token: size and shape, issuer exact, that issuer's keys, kid exact, one
 * signature check, claims. Never more than one signature check a token. No
 * allocation: everything is in the caller's scratch. */
#pragma once
#include "base/bytes.h"
#include "base/rw.h"
#include "codec/json.h"
#include "token/codes.h"
#include "token/policy.h"

enum { TOKEN_MAX = 8192, TOKEN_MEMBERS_MAX = 64, TOKEN_DEPTH_MAX = 4, TOKEN_ID_SIZE = 32 };

/* Working memory of one judgement, of one thread; the verdict points into it. */
struct token_scratch {
	uint8_t text[TOKEN_MAX];
	uint8_t arena[2048];
	struct json_node header[TOKEN_MEMBERS_MAX + 1];
	struct json_node payload[TOKEN_MEMBERS_MAX + 1];
	struct key_work *work; /* NULL: every signature goes the stock way; not owned */
};

/* The keys that a token is bound to (RFC 7800): its bearer must show each of them. */
struct token_binding {
	bool has_jkt, has_x5t;
	bool other;      /* cnf holds something else too: cannot be confirmed here */
	uint8_t jkt[32]; /* RFC 9449 section 6.1: thumbprint of the DPoP key */
	uint8_t x5t[32]; /* RFC 8705 section 3.1: SHA-256 of the certificate's DER */
};

/* All slices point into the scratch, the cache's entry or the policy. Meaningless
 * unless code is TOKEN_accepted, but for code, where and what, and for issuer, realm
 * and kid, which are set as far as they were known good, for the log. The audience is judged
 * last: of TOKEN_bad_audience all but the audience is set, and was found good. */
struct token_verdict {
	enum token_code code;
	str where; /* of a refusal: "token", "header", "payload", "cnf", "signature",
		    * "proof" …, and … */
	str what;  /* … the member's name as the standard has it, or empty; both are constants */
	str issuer;
	str realm;
	str kid;
	str audience; /* the one of the policy's that matched */
	str sub, client_id, scope, username, jti;
	str grant_id; /* of our own issuers; empty: none, or no clean text */
	int64_t iat, exp;
	int64_t nbf;         /* 0: none */
	int64_t logged_from; /* of the key: what it signed before is in no log; 0: all is */
	bool bound;          /* has a cnf claim: not to be taken as a plain bearer token */
	struct token_binding binding;
	uint8_t identity
		[TOKEN_ID_SIZE]; /* SHA-256 of the JWS signing input: the token's one name */
	str claims;              /* the payload as JSON text */
};

/* Judges a token in compact form (RFC 7515 section 7.1), access tokens by RFC 9068, as of
 * now_s (seconds since 1970). Always sets *ret_verdict, whose code is the answer. Any
 * number of threads may share the policy, each with its scratch. */
void token_verify(const struct policy *p, str token, int64_t now_s, struct token_scratch *scratch,
		  struct token_verdict *ret_verdict);

/* The claims of an accepted token by name, for what the verdict does not hold. They point
 * into this and into v->claims. */
struct token_claims {
	struct json_node nodes[TOKEN_MEMBERS_MAX + 1];
	struct arena arena;
	uint8_t room[2048]; /* texts whose escapes had to be undone */
};
/* E_DENIED: v is not accepted. */
ch_err token_claims_read(const struct token_verdict *v, struct token_claims *ret_claims);
/* Each: E_MISSING when there is no such claim at the top of the payload (null is one),
 * E_SYNTAX when it is of another type, E_LIMIT when room is used up. Texts may hold
 * control characters; they are UTF-8. */
ch_err token_claim_str(struct token_claims *c, str name, str *ret_text);
ch_err token_claim_int(const struct token_claims *c, str name, int64_t *ret_number);
ch_err token_claim_bool(const struct token_claims *c, str name, bool *ret_yes);
/* A string, or an array of strings: at most cap of them, else E_FULL. */
ch_err token_claim_texts(struct token_claims *c, str name, str *texts, size_t cap, size_t *ret_n);
/* Any claim as its JSON text, without blanks around it; a string with its quotes. */
ch_err token_claim_json(const struct token_claims *c, str name, str *ret_text);

/* "expired (payload: exp): the sentence of the code", for the log: constants only,
 * nothing of the token. */
void token_explain(struct wr *w, const struct token_verdict *v);

/* Is `word` one of the space-separated words of scope (RFC 6749 section 3.3)? */
bool scope_has(str scope, str word);
