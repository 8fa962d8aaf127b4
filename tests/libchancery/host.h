/* A program that uses the library, as far as the tests share one: issuers, a verifier, and
 * a token that it accepts. */
#pragma once
#include "chancery/chancery.h"
#include "fixture.h"

/* An issuer of the installed kind, of the party's. */
struct ch_issuer issuer_of(struct party *p);
struct ch_verifier *verifier_of_all(void);
/* A payload as good_payload but with these further members, signed by home. */
ch_text token_with(char out[static TEXT_MAX], const char *more);
ch_text good_token(void);
