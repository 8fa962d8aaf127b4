/* Why a token was refused. One stable word each, listed in docs/VERIFY.md; only
 * ever added to. The text is for the log, never for the bearer. */
#pragma once
#include "base/bytes.h"

#define TOKEN_CODES(X)                                                                       \
	X(accepted, "the token is acceptable")                                               \
	X(malformed, "not three canonical base64url parts of strict JSON objects")           \
	X(too_large, "over 8 KiB, too deep or too many members")                             \
	X(bad_header, "the header has a member that is never allowed or is of a wrong type") \
	X(bad_alg, "the algorithm is not the one of the key")                                \
	X(bad_typ, "another type of token, or none stated")                                  \
	X(bad_issuer, "the issuer is none that the policy knows")                            \
	X(unknown_key, "the issuer has no key of this kid")                                  \
	X(key_not_valid, "the key is not valid at this time")                                \
	X(bad_signature, "the signature does not verify")                                    \
	X(bad_claims, "a claim is missing or of a wrong type")                               \
	X(bad_audience, "meant for somebody else")                                           \
	X(expired, "expired")                                                                \
	X(not_yet, "not valid yet, or issued in the future")                                 \
	X(too_long_lived, "lives longer than the issuer may grant")                          \
	X(bad_binding, "bound to a key that was not shown")                                  \
	X(bad_scope, "lacks the scope that is asked for here")                               \
	X(bad_mailbox, "the realm may not claim this mailbox")                               \
	X(foreign_key, "the kid is of another issuer's key")                                 \
	X(revoked, "revoked")                                                                \
	X(bad_proof, "the proof of possession is malformed or for another request")          \
	X(proof_replayed, "the proof of possession was used before")                         \
	X(proof_unknown, "the store of used proofs is full")                                 \
	X(nonce_needed, "the proof of possession lacks a fresh nonce")                       \
	X(revocation_unknown, "whether it was revoked cannot be known now")                  \
	X(not_logged, "the signature is good, and the issuer's log has no such token")       \
	X(log_stale, "whether it was issued cannot be known now")                            \
	X(log_broken, "the issuer's log is not what it was")

enum token_code {
#define X(name, text) TOKEN_##name,
	TOKEN_CODES(X)
#undef X
		TOKEN_CODE_COUNT
};

/* "bad_issuer" and the sentence; constant. */
str token_code_name(enum token_code c);
str token_code_text(enum token_code c);
