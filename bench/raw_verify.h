/* libcrypto's own way to verify, as `openssl speed` does it: the measure of ours. */
#pragma once
#include "crypto/key.h"

struct raw_key;
ch_err raw_key_new(const struct key_parts *parts, struct raw_key **ret_k);
/* sig as JOSE has it. Keeps all of it: only raw_verify is to be timed. */
ch_err raw_key_expect(struct raw_key *k, struct signed_text t, bytes sig);
/* By EVP with a context made once: EVP_PKEY_verify of the hash, or EVP_DigestVerify of the
 * text for EdDSA. */
bool raw_verify(struct raw_key *k);
