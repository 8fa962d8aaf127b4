/* Is this token good, and whose is it? A verifier is frozen from issuers, each with its
 * realm, keys, audiences and type of token as one; there is no call that checks a signature
 * apart from the claims, and none that reads a token without verifying it.
 *
 * One verifier serves any number of threads; each thread has a scratch of its own. */
#ifndef CHANCERY_VERIFY_H
#define CHANCERY_VERIFY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "chancery/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- text ------------------------------------------------------------------------- */

/* A piece of text: not terminated, owns nothing. p == NULL: there is none. */
typedef struct ch_text {
	const char *p;
	size_t n;
} ch_text;

/* printf("%.*s", CH_PRINT(v.subject)) */
#define CH_PRINT(t) (int)(t).n, (t).p

/* All of a terminated string; NULL gives none. */
static inline ch_text ch_text_of(const char *c)
{
	ch_text t;
	t.p = c;
	t.n = c ? strlen(c) : 0;
	return t;
}

/* Is t exactly this? */
static inline bool ch_text_is(ch_text t, const char *c)
{
	return t.p && c && t.n == strlen(c) && memcmp(t.p, c, t.n) == 0;
}

/* --- a verifier ------------------------------------------------------------------- */

/* When a key may be relied on: from_s <= now < until_s, in seconds since 1970 (0: no
 * bound). A token must not be older than its key. */
struct ch_period {
	const char *kid;
	int64_t from_s, until_s;
};

/* Whom to trust for what. Start from CH_ISSUER_INIT. All is copied. */
struct ch_issuer {
	size_t size;                  /* of this struct; set by CH_ISSUER_INIT */
	const char *issuer;           /* https (http on loopback only), byte for byte as in iss */
	const char *realm;            /* your name for whom this issuer speaks for */
	const char *typ;              /* "at+jwt" (RFC 9068, the default) or "JWT": ID tokens */
	const char *const *audiences; /* who you are: aud must name one of these, 1 to 8 */
	size_t n_audiences;
	const char *jwks;                /* the issuer's key set (RFC 7517): public keys only */
	size_t jwks_size;                /* its bytes */
	const struct ch_period *periods; /* narrows what the set says of its keys; may be none */
	size_t n_periods;
	int64_t skew_s;    /* how far iat and nbf may be ahead, 0 to 600; 30 */
	int64_t max_ttl_s; /* exp - iat at most; 86400 */
};

#define CH_ISSUER_INIT                                                                         \
	{                                                                                      \
		sizeof(struct ch_issuer), NULL, NULL, "at+jwt", NULL, 0, NULL, 0, NULL, 0, 30, \
			86400                                                                  \
	}

struct ch_verifier;

/* Makes a verifier of 1 to 16 issuers. When it fails, why holds one line that names issuer,
 * key and trouble (256 bytes suffice; why may be NULL, with why_size 0); it is terminated
 * in any case. Reference counted: the caller has the first reference.
 * CH_E_USAGE: a NULL or a struct of a wrong size. CH_E_DUPLICATE: an issuer twice, a kid
 * twice in an issuer, or one public key twice anywhere. CH_E_RANGE: a weak key, no
 * audience, numbers out of range. CH_E_MISMATCH: a key that contradicts itself, or is private or
 * symmetric. CH_E_MISSING: a key without kid or alg, no realm. CH_E_SYNTAX: no key set, no
 * URL. CH_E_DENIED: plain http. CH_E_UNSUPPORTED: another typ. CH_E_LIMIT, CH_E_NOMEM,
 * CH_E_CRYPTO. */
CH_API ch_err ch_verifier_new(const struct ch_issuer *issuers, size_t n, char *why, size_t why_size,
			      struct ch_verifier **ret_verifier);
/* One more reference; returns v. Any thread may, that holds one. */
CH_API struct ch_verifier *ch_verifier_ref(struct ch_verifier *v);
/* One fewer; the last one frees it. NULL is fine. What a scratch or a cache holds, and what
 * a struct ch_verified points to, is gone with it. */
CH_API void ch_verifier_unref(struct ch_verifier *v);
/* Builds tables that make ES256 more than twice as fast: some 25 ms and 150 KB a key. Call
 * it after ch_verifier_new, or from a thread of yours while others verify. Without it all
 * works, slower. CH_E_BUSY: another thread is at it. CH_E_NOMEM, CH_E_CRYPTO,
 * CH_E_UNSUPPORTED: those keys stay as they were, and work. */
CH_API ch_err ch_verifier_warm(struct ch_verifier *v);
/* A number that no other verifier of this process has or had; 0 for NULL. */
CH_API uint64_t ch_verifier_id(const struct ch_verifier *v);
/* How many keys of the issuer can be used; 0 for an unknown one. A set whose keys are all
 * for something else loads well and gives 0. */
CH_API size_t ch_verifier_keys(const struct ch_verifier *v, const char *issuer);

/* --- scratch ---------------------------------------------------------------------- */

/* Working memory of one thread, the caller's: 48 KiB that the library lays out. */
union ch_scratch {
	unsigned char room[48 * 1024];
	uint64_t number;
	long double wide;
	void *pointer;
};

/* Once before use; verifying allocates nothing of ours afterwards. CH_E_USAGE, CH_E_NOMEM,
 * CH_E_CRYPTO. */
CH_API ch_err ch_scratch_init(union ch_scratch *s);
/* Once after use; not while a ch_verify with it is under way. NULL is fine. */
CH_API void ch_scratch_done(union ch_scratch *s);

/* --- the verdict ------------------------------------------------------------------ */

/* The first check that a token failed. Numbers and names are never changed, only added. */
enum ch_reason {
	CH_ACCEPTED = 0,
	CH_MALFORMED = 1,
	CH_TOO_LARGE = 2,
	CH_BAD_HEADER = 3,
	CH_BAD_ALG = 4,
	CH_BAD_TYP = 5,
	CH_BAD_ISSUER = 6,
	CH_UNKNOWN_KEY = 7,
	CH_KEY_NOT_VALID = 8,
	CH_BAD_SIGNATURE = 9,
	CH_BAD_CLAIMS = 10,
	CH_BAD_AUDIENCE = 11,
	CH_EXPIRED = 12,
	CH_NOT_YET = 13,
	CH_TOO_LONG_LIVED = 14,
	CH_BAD_BINDING = 15,
	CH_BAD_SCOPE = 16,
	CH_BAD_MAILBOX = 17,
	CH_FOREIGN_KEY = 18,
	CH_REVOKED = 19,
	CH_BAD_PROOF = 20,
	CH_PROOF_REPLAYED = 21,
	CH_PROOF_UNKNOWN = 22,
	CH_NONCE_NEEDED = 23,
	/* of a gate; the library itself never says these: */
	CH_REVOCATION_UNKNOWN = 24,
	CH_NOT_LOGGED = 25,
	CH_LOG_STALE = 26,
	CH_LOG_BROKEN = 27,
	CH_MISUSED = 255 /* the call was wrong; nothing was judged */
};

/* "bad_issuer", and a sentence for the log; constants, also for a number that is none. */
CH_API const char *ch_reason_name(enum ch_reason r);
CH_API const char *ch_reason_text(enum ch_reason r);
/* What to answer a client: an HTTP status (200 for CH_ACCEPTED), and the `error` of
 * WWW-Authenticate (RFC 6750 section 3.1, RFC 9449 section 7.1), empty where there is none. */
CH_API int ch_reason_status(enum ch_reason r);
CH_API const char *ch_reason_error(enum ch_reason r);

enum {
	CH_BY_DPOP = 1, /* by a DPoP proof (RFC 9449) */
	CH_BY_TLS = 2   /* by the client's TLS certificate (RFC 8705) */
};

/* What a good token says. Texts point into scratch and verifier: they last until the next
 * call with that scratch. After a refusal all of it is zero. */
struct ch_verified {
	ch_text issuer;
	ch_text realm;
	ch_text kid;
	ch_text audience; /* the one of yours that aud names */
	ch_text subject;
	ch_text client_id;
	ch_text scope;
	ch_text username;
	ch_text jti;
	int64_t iat, exp, nbf;  /* seconds since 1970; nbf 0: none */
	uint8_t identity[32];   /* SHA-256 of the signing input: the token's one name */
	unsigned int confirmed; /* CH_BY_…: the keys it is bound to, all of which were shown */
	uint8_t jkt[32];        /* thumbprint of the DPoP key, with CH_BY_DPOP */
	uint8_t x5t[32];        /* SHA-256 of the certificate, with CH_BY_TLS */
	ch_text claims;         /* the payload, JSON */
	uint64_t reserved[8];
};

/* --- judging ---------------------------------------------------------------------- */

struct ch_request; /* chancery/confirm.h */

/* What this request asks beyond a good token. Start from CH_OPTIONS_INIT. */
struct ch_options {
	size_t size;       /* of this struct; set by CH_OPTIONS_INIT */
	const char *scope; /* words that scope must have, each of them; NULL: any scope */
	/* Asked of every token that is good in all else, cached or not: true refuses it as
	 * CH_REVOKED. v->identity and v->jti name it. NULL: nobody is asked. */
	bool (*revoked)(void *ctx, const struct ch_verified *v);
	void *revoked_ctx;
	/* What the client showed to prove that the token is its own. NULL: a plain bearer,
	 * and a token that is bound to a key is refused as CH_BAD_BINDING. */
	const struct ch_request *request;
};

#define CH_OPTIONS_INIT                                           \
	{                                                         \
		sizeof(struct ch_options), NULL, NULL, NULL, NULL \
	}

/* The token of a request's field Authorization, by the scheme Bearer or DPoP; p == NULL when
 * there is none, or the field is NULL, or holds something else. *ret_dpop tells the scheme,
 * for struct ch_request; ret_dpop == NULL: DPoP is not taken. */
CH_API ch_text ch_bearer_token(ch_text authorization, bool *ret_dpop);

/* Judges a token in compact form as of now_s (seconds since 1970: time(NULL)). CH_ACCEPTED,
 * and only then *ret is filled; any other answer is a refusal. options may be NULL. At most
 * one check of the token's signature, no lock, no allocation of ours. CH_MISUSED: a NULL, a
 * scratch that was not made, a struct of a wrong size. No token is CH_MALFORMED. */
CH_API CH_MUST_CHECK enum ch_reason ch_verify(const struct ch_verifier *v, union ch_scratch *s,
					      ch_text token, int64_t now_s,
					      const struct ch_options *options,
					      struct ch_verified *ret);

/* One line for the log about the last answer given with this scratch: "expired (payload:
 * exp): …". Constants only, nothing of the token. Terminated, cut at the end of to;
 * returns the length. */
CH_API size_t ch_explain(const union ch_scratch *s, char *to, size_t to_size);
/* The issuer of the last token that was judged with this scratch, if it is one of the
 * verifier's; the token need not be good, nor the issuer's. Lives as long as the verifier. */
CH_API ch_text ch_judged_issuer(const union ch_scratch *s);

/* --- claims ----------------------------------------------------------------------- */

/* Other claims of a verified token, by the exact name. CH_E_MISSING: it has none of that name.
 * CH_E_SYNTAX: of another type. CH_E_USAGE: v is not of a token that was accepted.
 *
 * Text, escapes undone, terminated. CH_E_FULL: with the terminator it is longer than
 * to_size. CH_E_SYNTAX also: it has a zero byte. CH_E_LIMIT: over 2 KiB with escapes. */
CH_API ch_err ch_claim_text(const struct ch_verified *v, const char *name, char *to,
			    size_t to_size);
/* A whole number that fits. */
CH_API ch_err ch_claim_int(const struct ch_verified *v, const char *name, int64_t *ret_value);
CH_API ch_err ch_claim_bool(const struct ch_verified *v, const char *name, bool *ret_value);
/* Any value, as JSON; points into v->claims. */
CH_API ch_err ch_claim_json(const struct ch_verified *v, const char *name, ch_text *ret_json);
/* Is word one of the words of the token's scope? */
CH_API bool ch_scope_has(const struct ch_verified *v, const char *word);

#ifdef __cplusplus
}
#endif
#endif
