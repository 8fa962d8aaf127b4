/* What a relying party trusts, frozen before the first token: an issuer with its
 * realm, its keys, its audiences and the typ it may send, as one. There is no way to
 * check a signature apart from the rest. */
#pragma once
#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "crypto/key.h"

/* Beyond it, the year 36812, a number is no date. */
#define TOKEN_TIME_MAX (INT64_C(1) << 40)
enum { POLICY_ISSUERS_MAX = 16, ISSUER_KEYS_MAX = 32, ISSUER_AUDIENCES_MAX = 8, KID_MAX = 64 };

struct policy;
struct wr;

/* When a key may be relied on: from_s <= now < until_s (0: no bound), and no token may
 * be older than its key. The issuer's skew widens the beginning, never the end. */
struct policy_period {
	str kid;
	int64_t from_s, until_s; /* seconds since 1970 */
};

struct policy_issuer {
	str issuer; /* exact */
	str realm;
	str typ; /* "at+jwt"; compared without case and with "application/" allowed (RFC 9068 §4) */
	const str *audiences;
	size_t n_audiences;
	bytes jwks; /* a JWK set (RFC 7517 section 5), public keys only */
	/* narrows what nbf and exp in a JWK say; a kid that the set lacks is fine */
	const struct policy_period *periods;
	size_t n_periods;
	int64_t skew_s;    /* for nbf and iat */
	int64_t max_ttl_s; /* exp - iat at most */
};

/* NULL is fine. */
void policy_free(struct policy *p);
void policy_done(struct policy **p);
/* Copies what it keeps. ret_why (of the policy's texts, at most 256 bytes in why)
 * says in words what is wrong with which issuer or key.
 * E_DUPLICATE: two keys of one kid in an issuer, or one public key twice anywhere in
 * the policy (by RFC 7638 thumbprint), or an issuer twice. E_RANGE: a weak key, an
 * empty or overlong kid, terms or a period out of range. E_MISMATCH: kty, crv or alg contradict
 * each other; a private or symmetric key in a public set. E_MISSING: no kid or alg.
 * E_SYNTAX: no JWK set. E_UNSUPPORTED: typ is neither at+jwt nor JWT. http issuers are
 * E_DENIED off loopback. A key that says it is for encryption or for an algorithm that
 * is not here is passed over (RFC 7517 section 5). An issuer may have no key at all. */
ch_err policy_new(const struct policy_issuer *issuers, size_t n, struct wr *why,
		  struct policy **ret_policy);

/* Another number for each policy of this process, never 0: what was found under one is
 * not to be believed under another. */
uint64_t policy_id(const struct policy *p);
/* Do both judge every token alike: the same issuers in the same order, each with the same
 * terms and keys? The keys' order and what else their sets said do not count. */
bool policy_same(const struct policy *a, const struct policy *b);
/* How many keys of this issuer can be used; 0 for an unknown one. */
size_t policy_keys(const struct policy *p, str issuer);
/* public_key_warm of every key, before or while threads verify: some 25 ms a key. */
ch_err policy_warm(struct policy *p);
/* The same, one key a call, for a host that has others to serve: *step is 0 at first and the
 * function's own then. False: there is none left. A key that cannot be warmed is passed over. */
bool policy_warm_step(struct policy *p, size_t *step);
