/* Issuers with fresh keys, a policy over them, and a way to sign any text at all as a
 * token, for tests of what is refused although its signature is good. */
#pragma once
#include "base/rw.h"
#include "crypto/key.h"
#include "token/policy.h"
#include "token/verify.h"

enum { ISSUERS = 4, TEXT_MAX = 3 * TOKEN_MAX, JWK_FIXTURE_MAX = 2048 };

static const int64_t now = 1700000000;

struct party {
	enum alg alg;
	const char *issuer, *realm, *typ, *audience, *kid;
	struct private_key *key;
	struct key_parts parts;
	char jwks[JWK_FIXTURE_MAX];
	size_t jwks_n;
};

/* home: ES256, at+jwt, "mail"; corp: EdDSA, at+jwt, "api"; staff: RS256, JWT, "app";
 * guest: PS256, JWT, "web". Made once a process. */
struct party *parties(void);
/* A policy of all four, an hour at most, 30 seconds of skew. */
struct policy *policy_of_all(void);

/* header '.' payload as JSON text, signed by the party's key, whatever they say. */
str mint(char out[static TEXT_MAX], struct party *p, str header, str payload);
/* The two parts given as sent, already in base64url or not. */
str mint_raw(char out[static TEXT_MAX], struct party *p, str header, str payload);
enum token_code judged(struct policy *p, str token, struct token_verdict *ret_verdict);

/* A token of home that is accepted. */
extern const str good_header, good_payload;
