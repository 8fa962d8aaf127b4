/* When to fetch an issuer's JWK set, and what to believe meanwhile: a state machine
 * without clock, network or threads. The caller asks what to do, does it, and says how it
 * went. One pinned URL an issuer. RFC 7517, RFC 9111 sections 4.2 and 5.2 (max-age), RFC
 * 9110 section 8.8.3 (ETag).
 *
 * now_s is of a clock that never goes back (base/clock.h: clock_mono_ns), in seconds; an
 * earlier one than before counts as no time at all. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/rw.h"
#include "token/jwk.h"

enum { SOURCE_URL_MAX = 512, SOURCE_ETAG_MAX = 128 };

/* 0 means the default in brackets. Every one is at most SOURCE_SECONDS_MAX. */
struct source_limits {
	int64_t fresh_min_s, fresh_max_s; /* max-age is brought between these [60, 3600] */
	/* when the server states none [300, or the nearer of the two above] */
	int64_t fresh_default_s;
	int64_t stale_s;    /* counted from the start of the last good fetch: then the issuer is
			  * closed [86400]; more than fresh_max_s + timeout_s */
	int64_t cooldown_s; /* between refetches for an unknown kid [30] */
	int64_t retry_min_s, retry_max_s; /* after failures, doubled each time [5, 300] */
	/* of one fetch; one that nobody reported after twice as long counts as a miss [10] */
	int64_t timeout_s;
};
enum { SOURCE_SECONDS_MAX = 365 * 24 * 3600 };

struct source; /* some 65 KiB and the texts */
/* url: https, or http on loopback: else E_DENIED; E_SYNTAX: none at all, E_LIMIT: too
 * long. E_RANGE: limits that contradict each other. */
ch_err source_new(str url, const struct source_limits *limits, struct source **ret_s);
/* NULL is fine. */
void source_free(struct source *s);
void source_done(struct source **s);
/* The rule for url, alone. */
ch_err source_url_check(str url);
/* Fills in the defaults; E_RANGE as above. */
ch_err source_limits_check(const struct source_limits *limits, struct source_limits *ret_limits);

str source_url(const struct source *s);
str source_etag(const struct source *s); /* of the set we have; empty: none */
const struct source_limits *source_limits_of(const struct source *s);

/* Is it time to fetch? True once; then a fetch is under way until source_take or source_missed. */
bool source_due(struct source *s, int64_t now_s);
/* When source_due may next be true; for the caller's sleep. */
int64_t source_next_s(const struct source *s);
/* A token of this issuer named a kid that the set lacks: makes a fetch due at once, at most
 * one a cooldown. While one is under way, nothing; it may be older than the key, but the
 * next such token is another call. */
void source_kid_unknown(struct source *s, int64_t now_s);

struct source_answer {
	unsigned status; /* 200 or 304; any other is a miss */
	bytes body;
	str etag;
	int64_t max_age_s; /* negative: not stated */
};
/* Whether keys are good is not decided here but by who makes a policy of them: check says
 * so of the candidate before it is kept; it may take {"keys":[]}, which then takes all keys
 * of the issuer away. E_MISMATCH (another status, or 304 for nothing), E_LIMIT (more than
 * JWKS_TEXT_MAX bytes, or none), what check says: counted as a miss, the last good set
 * stays. E_USAGE when no fetch is under way: nothing is changed. *ret_changed: source_jwks
 * is another text now. */
ch_err source_take(struct source *s, const struct source_answer *a, int64_t now_s,
		   ch_err (*check)(void *ctx, bytes jwks), void *ctx, bool *ret_changed);
/* The fetch that is under way failed; without one, nothing. */
void source_missed(struct source *s, int64_t now_s);
/* How many fetches have failed since the last good one. */
unsigned source_misses(const struct source *s);

/* The last good set, or an empty text (n == 0) before the first and past the stale limit. */
bytes source_jwks(const struct source *s, int64_t now_s);
/* When that set is given up; INT64_MAX while there is none to give up. */
int64_t source_closes_s(const struct source *s);
/* Counts up whenever source_jwks has become another text, closing by age included. */
uint64_t source_generation(struct source *s, int64_t now_s);
