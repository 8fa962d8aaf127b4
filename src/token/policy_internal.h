/* The frozen policy, for verifying. Keys hang below their issuer and nowhere else. */
#pragma once
#include "token/policy.h"

/* What a type of token must hold beyond iss, aud, exp and iat. */
struct token_profile {
	str typ;
	const str *required; /* claims that must be non-empty strings */
	size_t n_required;
};

struct issuer_key {
	str kid;
	enum alg alg;
	struct public_key *key;
	uint8_t thumbprint[32];
};

struct issuer {
	str issuer;
	str realm;
	const struct token_profile *profile;
	str audiences[ISSUER_AUDIENCES_MAX];
	size_t n_audiences;
	int64_t skew_s;
	int64_t max_ttl_s;
	struct issuer_key keys[ISSUER_KEYS_MAX];
	size_t n_keys;
};

struct policy {
	uint64_t id;
	struct issuer issuers[POLICY_ISSUERS_MAX];
	size_t n;
	struct arena text; /* the storage is behind this struct, in the same block */
};

/* typ without "application/", compared without case (RFC 7515 section 4.1.9); NULL
 * when there is no such type of token here. */
const struct token_profile *token_profile_of(str typ);
bool token_typ_matches(const struct token_profile *profile, str typ);

const struct issuer *policy_find_issuer(const struct policy *p, str issuer);
const struct issuer_key *issuer_find_key(const struct issuer *i, str kid);
