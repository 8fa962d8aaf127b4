/* Client assertions (RFC 7523 section 3, OpenID Connect Core section 9): a client says who
 * it is by a JWT that it signed, for this issuer, for a short time, for one use. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/rw.h"
#include "crypto/public_key.h"
#include "token/verify.h"

enum {
	ASSERTION_MAX = 4096,
	ASSERTION_AHEAD_S = 300, /* so far ahead of now its exp may be … */
	ASSERTION_SKEW_S = 30,   /* … and what two clocks may differ by */
	ASSERTION_CLIENT_MAX = 128,
	ASSERTION_JTI_MAX = 255,
	CLIENT_JWKS_MAX = 8192,
	CLIENT_JWKS_MEMBERS_MAX = 256,
	CLIENT_KEYS_MAX = 8,
};

/* Working memory; what was read points into it. */
struct assertion_scratch {
	struct token_scratch token;
	struct json_node jwks[CLIENT_JWKS_MEMBERS_MAX + 1];
};

/* What the issuer asks of any assertion. */
struct assertion_terms {
	const str *audiences; /* its names for itself: each of its aud must be one of them */
	size_t n_audiences;
	int64_t now_s;
};

/* What a stranger says until assertion_verify has agreed. */
struct assertion {
	str client; /* iss and sub */
	str jti;
	int64_t exp;
	str alg, kid; /* kid.p == NULL: it names none */
	str input;
	bytes sig;
};

/* Takes it apart and checks all that needs no key: form and header; iss = sub, a client's
 * id; aud a string of ours, or an array of nothing else; exp past now and not further than
 * ASSERTION_AHEAD_S; iat and nbf, if there, not ahead; jti there. E_INVALID_CLIENT with a text that
 * says what is wrong, which may be told to anybody: it is the same whether the client is
 * known or not. text must live as long as *ret_a. */
ch_err assertion_read(str text, const struct assertion_terms *t, struct assertion_scratch *s,
		      struct assertion *ret_a);
/* The key of this set that must have signed it: the kid chooses, or there is one alone, and
 * the key says the algorithm. E_INVALID_CLIENT without more words if there is none. Does not touch
 * what assertion_read left in the scratch. */
ch_err assertion_key(const struct assertion *a, str jwks, int64_t now_s,
		     struct assertion_scratch *s, struct key_parts *ret_key);
/* Is it signed by this key, which assertion_key has chosen? E_INVALID_CLIENT if not. */
ch_err assertion_verify(const struct assertion *a, const struct public_key *key,
			struct key_work *work_or_null);

/* May this set (RFC 7517 section 5) be a client's? As strict as a verifier's policy: public
 * keys only, each with kid and alg that fit it, none weak, no kid and no key twice; what is
 * for encryption or an algorithm that is not here is passed over. One key at least must be
 * left: E_MISSING. ret_why (may be NULL; 256 bytes do) says which key is wrong and why. */
ch_err client_jwks_check(str jwks, struct assertion_scratch *s, struct wr *why);
