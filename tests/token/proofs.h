/* A token that is bound, the request it came with, and proofs of its key, good and bad,
 * for the tests of confirmation. */
#pragma once
#include "fixture.h"
#include "token/confirm.h"

struct scene {
	struct token_verdict v;
	struct token_proofs shown;
	struct proof_request r;
};

/* A token bound to the key of home (ES256), shown by DPoP for GET https://rs.test/inbox at
 * `now`, with an empty store of its own for some hundred proofs; the last scene's store is
 * used again. The proof is yet to be set. */
struct scene scene_of(void);
/* A proof signed by the party's key. In header '@' becomes the members of its public JWK
 * without braces, in payload the token's ath. */
str proof_of(char out[static TEXT_MAX], struct party *p, const char *header, const char *payload);
/* The thumbprint of the party's key. */
void jkt_of(const struct party *p, uint8_t ret_jkt[static 32]);

/* clang-format off */
#define PROOF_H "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{@}"
#define PROOF_HEAD PROOF_H "}"
#define PROOF_JTI "\"jti\":\"p1\""
#define PROOF_HTM "\"htm\":\"GET\""
#define PROOF_HTU "\"htu\":\"https://rs.test/inbox\""
#define PROOF_IAT "\"iat\":1699999990"
#define PROOF_ATH "\"ath\":\"@\""
#define PROOF_ALL PROOF_JTI "," PROOF_HTM "," PROOF_HTU "," PROOF_IAT "," PROOF_ATH
#define PROOF_BODY "{" PROOF_ALL "}"
/* clang-format on */
