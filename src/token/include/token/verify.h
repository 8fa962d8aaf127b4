/* Judging a token: size and shape, issuer exact, that issuer's keys, kid exact, one
 * signature check, claims. Never more than one signature check a token. No
 * allocation: everything is in the caller's scratch. */
#pragma once
#include "base/bytes.h"
#include "codec/json.h"
#include "token/codes.h"
#include "token/policy.h"

enum { TOKEN_MAX = 8192, TOKEN_MEMBERS_MAX = 64, TOKEN_DEPTH_MAX = 4 };

/* Working memory of one judgement; the verdict points into it. */
struct token_scratch {
	uint8_t text[TOKEN_MAX];
	uint8_t arena[2048];
	struct json_node header[TOKEN_MEMBERS_MAX + 1];
	struct json_node payload[TOKEN_MEMBERS_MAX + 1];
};

/* All slices point into the scratch or the policy. Meaningless unless code is
 * TOKEN_accepted, but for issuer, realm and kid, which are set as far as they were
 * known good, for the log. */
struct token_verdict {
	enum token_code code;
	str issuer;
	str realm;
	str kid;
	str audience; /* the one of the policy's that matched */
	str sub, client_id, scope, username, jti;
	int64_t iat, exp;
	bool bound; /* has a cnf claim: not to be taken as a plain bearer token */
	str claims; /* the payload as JSON text */
};

/* Judges a token in compact form (RFC 7515 section 7.1), access tokens by RFC 9068, as of
 * now_s (seconds since 1970). Always sets *ret_verdict, whose code is the answer. Uses the
 * policy's keys: one thread at a time. */
void token_verify(struct policy *p, str token, int64_t now_s, struct token_scratch *scratch,
		  struct token_verdict *ret_verdict);

/* Is `word` one of the space-separated words of scope (RFC 6749 section 3.3)? */
bool scope_has(str scope, str word);
