/* A DPoP proof (RFC 9449), all but whether it was used before. */
#pragma once
#include "jws.h"
#include "token/confirm.h"

struct dpop {
	const struct proof_request *request;
	const uint8_t *jkt; /* the key that it must be of, 32 bytes; NULL: any */
	struct token_scratch *scratch;
	struct arena arena;
	struct jws jws;
	struct key_parts key;
	str where, what;   /* of a refusal, constants */
	uint8_t shown[32]; /* thumbprint of the key that it is of */
	str jti;
	int64_t iat;
};

/* Is it a proof of the key, for this request and token, at this time? Accepted, bad_proof,
 * bad_binding (of another key) or nonce_needed. Fills the rest of d, whose request, jkt and
 * scratch are set. */
enum token_code dpop_judge(struct dpop *d, str proof);
