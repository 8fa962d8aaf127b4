/* A verifier of the C libraries, as the runner asks it: what each adapter gives. */
#pragma once
#include <jansson.h>
#include <stdbool.h>

/* "libx 1.2", and the words of what it has a notion of, NULL at the end. */
extern const char *const adapter_name;
extern const char *const adapter_has[];

/* question: a step with its policy, see README.md. issuer is the policy's only one. */
bool adapter_accepts(const json_t *question, const json_t *issuer);

/* The text of a member; "" when there is none. */
const char *text_of(const json_t *object, const char *name);
/* The JWK of this kid and algorithm in the issuer's set, not for encryption, parsed by
 * jansson; NULL if there is none, or the algorithm is none of RFC 7518's and RFC 8037's
 * signatures by a key pair that the set uses. The caller's. */
json_t *jwk_of(const json_t *issuer, const char *kid, const char *alg);
