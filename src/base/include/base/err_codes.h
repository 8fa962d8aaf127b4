/* Every kind of failure: name, text, HTTP status, OAuth error, may the client see
 * the text. Only ever added to; the number is what travels between processes. */
#pragma once

#define CH_CODES(X)                                                                               \
	X(OK, "done", 200, "", true)                                                              \
	/* the machine and the code */                                                            \
	X(E_INTERNAL, "internal error", 500, "server_error", false)                               \
	X(E_USAGE, "called wrongly", 500, "server_error", false)                                  \
	X(E_NOMEM, "out of memory", 503, "temporarily_unavailable", false)                        \
	X(E_IO, "system call failed", 500, "server_error", false)                                 \
	X(E_CRYPTO, "cryptographic library failed", 500, "server_error", false)                   \
	X(E_UNSUPPORTED, "not supported here", 500, "server_error", false)                        \
	X(E_STORE, "store failed", 500, "server_error", false)                                    \
	/* data */                                                                                \
	X(E_TRUNCATED, "ends early", 400, "invalid_request", false)                               \
	X(E_TRAILING, "has something after its end", 400, "invalid_request", false)               \
	X(E_SYNTAX, "is not well formed", 400, "invalid_request", false)                          \
	X(E_RANGE, "is out of range", 400, "invalid_request", false)                              \
	X(E_FULL, "does not fit", 400, "invalid_request", false)                                  \
	X(E_DUPLICATE, "occurs twice", 400, "invalid_request", false)                             \
	X(E_MISSING, "is missing", 400, "invalid_request", false)                                 \
	X(E_MISMATCH, "does not match", 400, "invalid_request", false)                            \
	/* things */                                                                              \
	X(E_NOT_FOUND, "not found", 404, "invalid_request", false)                                \
	X(E_EXISTS, "exists already", 409, "invalid_request", false)                              \
	X(E_DENIED, "not allowed", 403, "access_denied", false)                                   \
	X(E_BUSY, "too busy", 503, "temporarily_unavailable", true)                               \
	X(E_LIMIT, "over a limit", 429, "temporarily_unavailable", true)                          \
	X(E_GONE, "the other process is gone", 503, "temporarily_unavailable", true)              \
	X(E_PROTOCOL, "the other process broke the protocol", 500, "server_error", false)         \
	X(E_SEALED, "cannot be unsealed", 500, "server_error", false)                             \
	X(E_NO_KEY, "the realm has no signing key", 503, "temporarily_unavailable", true)         \
	/* OAuth 2: RFC 6749 sections 4.1.2.1 and 5.2, RFC 8707 section 2 */                      \
	X(E_INVALID_REQUEST, "the request is malformed", 400, "invalid_request", true)            \
	X(E_INVALID_CLIENT, "client authentication failed", 401, "invalid_client", true)          \
	X(E_INVALID_GRANT, "the grant is invalid, expired or used", 400, "invalid_grant", true)   \
	X(E_UNAUTHORIZED_CLIENT, "the client may not use this grant", 400, "unauthorized_client", \
	  true)                                                                                   \
	X(E_UNSUPPORTED_GRANT, "the grant type is not supported", 400, "unsupported_grant_type",  \
	  true)                                                                                   \
	X(E_UNSUPPORTED_RESPONSE, "the response type is not supported", 400,                      \
	  "unsupported_response_type", true)                                                      \
	X(E_INVALID_SCOPE, "the scope is unknown or not allowed", 400, "invalid_scope", true)     \
	X(E_INVALID_TARGET, "the resource is unknown", 400, "invalid_target", true)               \
	/* RFC 8628 section 3.5 */                                                                \
	X(E_PENDING, "no person has answered yet", 400, "authorization_pending", true)            \
	X(E_SLOW_DOWN, "asked too often", 400, "slow_down", true)                                 \
	X(E_EXPIRED, "the device code is expired", 400, "expired_token", true)                    \
	X(E_REFUSED, "the person has said no", 400, "access_denied", true)                        \
	/* RFC 9449 sections 5 and 8 */                                                           \
	X(E_INVALID_PROOF, "the DPoP proof is not good", 400, "invalid_dpop_proof", true)         \
	X(E_NONCE, "the DPoP proof must carry the nonce of the answer's DPoP-Nonce field", 400,   \
	  "use_dpop_nonce", true)                                                                 \
	/* the machine once more */                                                               \
	X(E_NO_ROOM, "the disk is full", 503, "temporarily_unavailable", false)                   \
	X(E_LOG, "the log of tokens takes no entry", 503, "temporarily_unavailable", false)
