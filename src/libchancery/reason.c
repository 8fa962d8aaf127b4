/* The reasons of a refusal in the installed numbering, and what HTTP says for each: the
 * words of RFC 6750 section 3.1 and RFC 9449 sections 7.1 and 8. */
#include <assert.h>

#include "inside.h"
#include "token/codes.h"

#define INVALID 401, "invalid_token"
#define PROOF 401, "invalid_dpop_proof"

/* installed name, internal name, HTTP status and error */
#define REASONS(X)                                           \
	X(ACCEPTED, accepted, 200, "")                       \
	X(MALFORMED, malformed, INVALID)                     \
	X(TOO_LARGE, too_large, INVALID)                     \
	X(BAD_HEADER, bad_header, INVALID)                   \
	X(BAD_ALG, bad_alg, INVALID)                         \
	X(BAD_TYP, bad_typ, INVALID)                         \
	X(BAD_ISSUER, bad_issuer, INVALID)                   \
	X(UNKNOWN_KEY, unknown_key, INVALID)                 \
	X(KEY_NOT_VALID, key_not_valid, INVALID)             \
	X(BAD_SIGNATURE, bad_signature, INVALID)             \
	X(BAD_CLAIMS, bad_claims, INVALID)                   \
	X(BAD_AUDIENCE, bad_audience, INVALID)               \
	X(EXPIRED, expired, INVALID)                         \
	X(NOT_YET, not_yet, INVALID)                         \
	X(TOO_LONG_LIVED, too_long_lived, INVALID)           \
	X(BAD_BINDING, bad_binding, INVALID)                 \
	X(BAD_SCOPE, bad_scope, 403, "insufficient_scope")   \
	X(BAD_MAILBOX, bad_mailbox, INVALID)                 \
	X(FOREIGN_KEY, foreign_key, INVALID)                 \
	X(REVOKED, revoked, INVALID)                         \
	X(BAD_PROOF, bad_proof, PROOF)                       \
	X(PROOF_REPLAYED, proof_replayed, PROOF)             \
	X(PROOF_UNKNOWN, proof_unknown, 503, "")             \
	X(NONCE_NEEDED, nonce_needed, 401, "use_dpop_nonce") \
	X(REVOCATION_UNKNOWN, revocation_unknown, 503, "")   \
	X(NOT_LOGGED, not_logged, INVALID)                   \
	X(LOG_STALE, log_stale, 503, "")                     \
	X(LOG_BROKEN, log_broken, 503, "")

#define X(installed, internal, ...) \
	static_assert((int)CH_##installed == (int)TOKEN_##internal, "numbers never change");
REASONS(X)
#undef X

static const struct {
	const char *name, *text;
} words[TOKEN_CODE_COUNT] = {
#define X(name, text) [TOKEN_##name] = { #name, text },
	TOKEN_CODES(X)
#undef X
};

static const struct answer {
	int status;
	const char *error;
} answers[] = {
#define X(installed, internal, ...) [TOKEN_##internal] = { __VA_ARGS__ },
	REASONS(X)
#undef X
};

static_assert(COUNT_OF(answers) == TOKEN_CODE_COUNT, "a code has no installed number");

const char *ch_reason_name(enum ch_reason r)
{
	return (unsigned int)r < COUNT_OF(words) ? words[r].name : "misused";
}

const char *ch_reason_text(enum ch_reason r)
{
	return (unsigned int)r < COUNT_OF(words) ? words[r].text : "the library was called wrongly";
}

/* A wrong call is our host's fault, not its client's. */
static struct answer answer_of(enum ch_reason r)
{
	static const struct answer fault = { 500, "" };
	return (unsigned int)r < COUNT_OF(answers) ? answers[r] : fault;
}

int ch_reason_status(enum ch_reason r)
{
	return answer_of(r).status;
}

const char *ch_reason_error(enum ch_reason r)
{
	return answer_of(r).error;
}
