/* What a token says of itself, for whoever must name it, look for it in a log or keep it as
 * evidence. Nothing of it is judged here but its form: all of it is whoever made the token
 * saying so, until facts_check has found its signature good under a key that is believed. */
#pragma once
#include "token/jwk.h"
#include "token/verify.h"

struct token_facts {
	str input; /* what is signed: the first two parts as sent, a slice of the token */
	uint8_t identity[TOKEN_ID_SIZE];   /* SHA-256 of it */
	bytes signature;                   /* as JOSE has it */
	str alg, typ, kid, iss, client_id; /* empty where it says nothing */
	int64_t iat, exp;
	str claims; /* the payload as JSON text */
};

/* E_SYNTAX: no token (RFC 7515 section 7.1) of our form: three parts of canonical base64url, two
 * strict JSON objects, no member that must never be in a header, iat and exp whole numbers that
 * are not negative. Slices of the token and of the scratch. */
ch_err token_facts_read(str token, struct token_scratch *scratch, struct token_facts *ret_f);
/* The same of what is signed and a signature apart. */
ch_err token_facts_of(str input, bytes signature, struct token_scratch *scratch,
		      struct token_facts *ret_f);
/* Is the signature good under this public key, which a JWK (text, one object) describes? kid
 * and alg of both must agree. E_MISMATCH: no; E_SYNTAX and jwk_read's: it is no such key. */
ch_err token_facts_check(const struct token_facts *f, str jwk);
/* May it be missing in the log? E_RANGE: yes, the key has `logged_from`, and it is older. */
ch_err token_facts_logged(const struct token_facts *f, str jwk);
