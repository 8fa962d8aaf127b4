/* A program that uses the library, as far as the tests share one: issuers, a verifier, and
 * a token that it accepts. */
#pragma once
#include "chancery/chancery.h"
#include "proofs.h"

enum { CERTIFICATE = 5 };

/* An issuer of the installed kind, of the party's. */
struct ch_issuer issuer_of(struct party *p);
struct ch_verifier *verifier_of_all(void);

/* Of all parties, there between these two, the fixture of a test or of a group. */
extern struct ch_verifier *verifier;
extern union ch_scratch scratch;
int host_begin(void **state);
int host_end(void **state);

/* A payload as good_payload but with these further members, signed by home. */
ch_text token_with(char out[static TEXT_MAX], const char *more);
ch_text good_token(void);
/* A good token of any of the parties. */
ch_text token_of(char out[static TEXT_MAX], struct party *p);

/* Of home, bound to home's own key and to the certificate, each if asked for. */
ch_text bound_token(char out[static TEXT_MAX], bool to_key, bool to_certificate);
extern const uint8_t certificate[CERTIFICATE];
/* That p's key is at hand for GET https://rs.test/inbox; nonce may be NULL. */
ch_text proof_for(char out[static TEXT_MAX], struct party *p, ch_text token, const char *jti,
		  const char *nonce);
