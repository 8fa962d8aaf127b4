/* The frozen policy, for verifying. Keys hang below their issuer and nowhere else. */
#pragma once
#include "token/policy.h"

/* What a type of token must hold beyond iss, aud, exp and iat. */
struct token_profile {
	str typ;
	uint32_t required; /* bits of enum claim_at: texts that must be there */
};

struct issuer_key {
	str kid;
	enum alg alg;
	struct public_key *key;
	int64_t from_s, until_s; /* from_s <= now < until_s */
	int64_t logged_from_s;
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
	/* text_tag of each issuer's name and of its kids, close together */
	uint32_t tags[POLICY_ISSUERS_MAX];
	uint32_t kid_tags[POLICY_ISSUERS_MAX][ISSUER_KEYS_MAX];
	struct issuer issuers[POLICY_ISSUERS_MAX];
	size_t n;
	struct arena text; /* the storage is behind this struct, in the same block */
};

/* typ without "application/", compared without case (RFC 7515 section 4.1.9); NULL
 * when there is no such type of token here. */
const struct token_profile *token_profile_of(str typ);
bool token_typ_matches(const struct token_profile *profile, str typ);

const struct issuer *policy_find_issuer(const struct policy *p, str issuer);
const struct issuer_key *policy_find_key(const struct policy *p, const struct issuer *i, str kid);
/* Has any issuer a key of this kid? */
bool policy_has_kid(const struct policy *p, str kid);
/* May the key be relied on? The skew is for clocks that are behind the issuer's: it
 * widens the beginning, never the end. */
bool key_valid_at(const struct issuer_key *k, int64_t skew_s, int64_t now_s);
