/* A case of tests/vectors/verifier in plain C, so that it can be put to the inner judge
 * and to the installed library alike, whose headers do not go together. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TRUST_ISSUERS = 4, TRUST_AUDIENCES = 8, TRUST_PERIODS = 4, QUESTION_NONCES = 4 };

/* Terminated too; p == NULL: there is none. */
struct words {
	const char *p;
	size_t n;
};

struct trust_period {
	struct words kid;
	int64_t from_s, until_s;
};

struct trust_issuer {
	struct words issuer, realm, typ, jwks;
	struct words audiences[TRUST_AUDIENCES];
	size_t n_audiences;
	struct trust_period periods[TRUST_PERIODS];
	size_t n_periods;
	int64_t skew_s, max_ttl_s;
};

struct trust {
	struct trust_issuer issuers[TRUST_ISSUERS];
	size_t n;
};

struct question {
	struct words token;
	int64_t now_s;
	bool has_request, dpop_scheme;
	struct words method, url, dpop;
	struct words certificate; /* DER */
	struct words nonces[QUESTION_NONCES];
	size_t n_nonces;
	int64_t window_s, skew_s;
};

/* --- who is asked: ask_token.c or ask_library.c ---------------------------------------- */

struct asked;
struct answer {
	const char *code; /* as in docs/VERIFY.md, or "misused" */
	char realm[64];   /* of an accepted token */
};

extern const char *const asked_name;
/* The words of the README that it has, NULL at the end. */
extern const char *const asked_has[];
/* Once a process, before the rest. */
bool asked_init(void);
/* NULL: the keys must not be loaded; *ret_error is "E_RANGE" or the like then. */
struct asked *asked_new(const struct trust *t, const char **ret_error);
void asked_free(struct asked *a);
bool asked_warm(struct asked *a);
/* From now on all is judged through a cache of good tokens. */
bool asked_cache(void);
uint64_t asked_cache_hits(void);
/* A new case: used proofs and cached tokens are forgotten. */
bool asked_begin(void);
struct answer asked_answer(struct asked *a, const struct question *q);
