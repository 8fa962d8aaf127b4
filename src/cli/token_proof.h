/* Tokens that are bound to a key of ours (DPoP, RFC 9449): the key, and a proof for each
 * request to the token endpoint. */
#pragma once
#include "base/rw.h"
#include "token_flow.h"

enum { PROOF_MAX = 8192 };

/* The key in a file of ours alone, as PEM: P-256 or Ed25519. One that is not there is made, P-256.
 * Says what is wrong and returns an exit status. */
int proof_key_take(const char *file, struct private_key **ret_key);
/* A fresh proof for a POST to url, with the last nonce that was given. */
ch_err proof_write(const struct flow *f, str url, struct wr *w);
/* dpop_jkt of an authorization request (section 10), if there is a key. */
ch_err proof_jkt_write(const struct flow *f, struct wr *form);
/* Keeps the nonce of an answer for the next proof; does the answer ask for it (section 8)? */
bool proof_nonce_wanted(struct flow *f, const struct fetch_answer *a);
/* Is the token of an answer bound, if there is a key? Says so if not, and returns an exit status. */
int proof_bound(struct flow *f, str body);
