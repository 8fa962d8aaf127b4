/* Follows issuers' key sets: fetched from one pinned URL each, kept while they are good,
 * given up when they are too old. A library of its own (pkg-config chancery-jwks), since it
 * needs libcurl; chancery/chancery.h does not include it.
 *
 * It starts no thread. One thread drives it, by ch_jwks_wait or from its loop by ch_jwks_run;
 * any thread takes the verifier of the moment. RFC 7517, RFC 9111 (max-age), RFC 9110 (ETag). */
#ifndef CHANCERY_JWKS_H
#define CHANCERY_JWKS_H

#include "chancery/verify.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ch_jwks;

/* An issuer, and where it publishes its keys. Start from CH_JWKS_ISSUER_INIT. */
struct ch_jwks_issuer {
	size_t size;             /* of this struct; set by CH_JWKS_ISSUER_INIT */
	struct ch_issuer issuer; /* as for ch_verifier_new, without jwks */
	const char *url;         /* https, or http on loopback */
	/* where its host is: "192.0.2.1,2001:db8::1"; NULL: it is looked up each time */
	const char *addresses;
};

#define CH_JWKS_ISSUER_INIT                                               \
	{                                                                 \
		sizeof(struct ch_jwks_issuer), CH_ISSUER_INIT, NULL, NULL \
	}

/* Times are in seconds; 0 means the default in brackets. Start from CH_JWKS_OPTIONS_INIT. */
struct ch_jwks_options {
	size_t size;                      /* of this struct; set by CH_JWKS_OPTIONS_INIT */
	int64_t fresh_min_s, fresh_max_s; /* max-age is brought between these [60, 3600] */
	int64_t fresh_default_s;          /* when the server states none [300] */
	int64_t stale_s;    /* so long without a good answer: the issuer has no keys [86400] */
	int64_t cooldown_s; /* between refetches for an unknown key [30] */
	int64_t retry_min_s, retry_max_s; /* after failures, doubled each time [5, 300] */
	int64_t timeout_s;                /* of one fetch [10] */
	const char *ca_file;              /* PEM: who certifies; NULL: whom the system trusts */
};

#define CH_JWKS_OPTIONS_INIT                                                 \
	{                                                                    \
		sizeof(struct ch_jwks_options), 0, 0, 0, 0, 0, 0, 0, 0, NULL \
	}

/* 1 to 16 issuers. Nothing is fetched yet, no issuer has a key. All is copied; options may be
 * NULL. When it fails, why holds one line (256 bytes suffice; may be NULL with why_size 0).
 * What ch_verifier_new says of the issuers; CH_E_USAGE: a NULL, a struct of a wrong size, an
 * issuer with keys. CH_E_DENIED: plain http. CH_E_SYNTAX: no URL. CH_E_RANGE: times that
 * contradict each other. CH_E_NOMEM, CH_E_IO, CH_E_UNSUPPORTED. Initialises libcurl. */
CH_API ch_err ch_jwks_new(const struct ch_jwks_issuer *issuers, size_t n,
			  const struct ch_jwks_options *options, char *why, size_t why_size,
			  struct ch_jwks **ret_jwks);
/* Not while another thread uses it; verifiers that were taken live on. NULL is fine. */
CH_API void ch_jwks_free(struct ch_jwks *j);

/* --- driving it: one thread at a time --- */

/* Does what can be done now: fetches what is due, takes what has come. Never waits, but for the
 * lookup of a name (see addresses). A fetch that fails is no failure of this; see
 * ch_jwks_state_of. CH_E_INTERNAL, CH_E_USAGE. */
CH_API ch_err ch_jwks_run(struct ch_jwks *j);
/* Readable when ch_jwks_run has something to do; for poll, the same one always. */
CH_API int ch_jwks_fd(const struct ch_jwks *j);
/* When it has something to do even if the descriptor says nothing; at least 0. */
CH_API int ch_jwks_timeout_ms(const struct ch_jwks *j);
/* ch_jwks_run for at most ms milliseconds, until each issuer has a set. CH_E_BUSY: one still
 * has none. For programs without a loop: call it at the start, and with ms 0 now and then. */
CH_API ch_err ch_jwks_wait(struct ch_jwks *j, int ms);

/* --- using it: any thread --- */

/* Counts up with each other verifier. Cheap: poll it, and take the verifier when it differs. */
CH_API uint64_t ch_jwks_generation(const struct ch_jwks *j);
/* The verifier of the moment, with a reference for the caller (ch_verifier_unref). An issuer
 * without a set, or with one that is too old, has no key in it. */
CH_API struct ch_verifier *ch_jwks_verifier(struct ch_jwks *j);
/* ch_verify said CH_UNKNOWN_KEY or CH_FOREIGN_KEY of a token of this issuer (ch_judged_issuer):
 * its set is fetched again at once, at most one time a cooldown. */
CH_API void ch_jwks_unknown_key(struct ch_jwks *j, ch_text issuer);

/* How an issuer's set stands; start from CH_JWKS_STATE_INIT. By the thread that drives. */
struct ch_jwks_state {
	size_t size;         /* of this struct; set by CH_JWKS_STATE_INIT */
	bool has_set;        /* there is one that is believed */
	unsigned misses;     /* fetches that have failed since the last good one */
	ch_err last;         /* how the last fetch went */
	int64_t age_s;       /* since the set was asked for; -1: none */
	int64_t closes_in_s; /* until it is given up; -1: none */
};

#define CH_JWKS_STATE_INIT                                                  \
	{                                                                   \
		sizeof(struct ch_jwks_state), false, 0, { NULL, 0 }, -1, -1 \
	}

/* CH_E_NOT_FOUND: no issuer of that name. CH_E_USAGE. */
CH_API ch_err ch_jwks_state_of(const struct ch_jwks *j, const char *issuer,
			       struct ch_jwks_state *ret_state);

#ifdef __cplusplus
}
#endif
#endif
