/* When to fetch an issuer's JWK set, and what to believe meanwhile: a state machine
 * without clock, network or threads. The caller asks what to do, does it, and says how it
 * went. One pinned URL an issuer. RFC 7517, RFC 9111 sections 4.2 and 5.2 (max-age), RFC
 * 9110 section 8.8.3 (ETag). */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/rw.h"
#include "token/jwk.h"

enum { SOURCE_URL_MAX = 512, SOURCE_ETAG_MAX = 128 };

/* 0 means the default in brackets. */
struct source_limits {
	int64_t fresh_min_s, fresh_max_s; /* max-age is brought between these [60, 3600] */
	int64_t fresh_default_s;          /* when the server states none [300] */
	int64_t stale_s; /* counted from the last good answer: then the issuer is closed [86400] */
	int64_t cooldown_s;               /* between refetches for an unknown kid [30] */
	int64_t retry_min_s, retry_max_s; /* after failures, doubled each time [5, 300] */
	int64_t timeout_s;                /* of one fetch [10] */
};

struct source; /* some 65 KiB and the texts */
/* url: https, or http on loopback: else E_DENIED. E_RANGE: limits that contradict each other. */
ch_err source_new(str url, const struct source_limits *limits, struct source **ret_s);
/* NULL is fine. */
void source_free(struct source *s);
void source_done(struct source **s);

str source_url(const struct source *s);
str source_etag(const struct source *s); /* of the set we have; empty: none */

/* Is it time to fetch? True once; then a fetch is under way until source_take or source_missed. */
bool source_due(struct source *s, int64_t now_s);
/* When source_due may next be true; for the caller's sleep. */
int64_t source_next_s(const struct source *s);
/* A token of this issuer named a kid that the set lacks: makes a fetch due at once, at most
 * one a cooldown. */
void source_kid_unknown(struct source *s, int64_t now_s);

struct source_answer {
	unsigned status; /* 200 or 304; any other is a miss */
	bytes body;
	str etag;
	int64_t max_age_s; /* -1: not stated */
};
/* Whether keys are good is not decided here but by who makes a policy of them: check says
 * so of the candidate before it is kept. E_MISMATCH, E_SYNTAX, E_LIMIT, what check
 * says: counted as a miss, the last good set stays. *ret_changed: the text is another now. */
ch_err source_take(struct source *s, const struct source_answer *a, int64_t now_s,
		   ch_err (*check)(void *ctx, bytes jwks), void *ctx, bool *ret_changed);
void source_missed(struct source *s, int64_t now_s);

/* The last good set, or an empty text (n == 0) before the first and past the stale limit. */
bytes source_jwks(const struct source *s, int64_t now_s);
/* Counts up whenever source_jwks has become another text, closing by age included. */
uint64_t source_generation(struct source *s, int64_t now_s);
