/* Signing in tests: keys that are made anew each run. */
#pragma once
#include "crypto/key.h"
#include "merkle/checkpoint.h"

struct test_signer {
	struct private_key *key;
	struct note_key note;     /* NOTE_ED25519 */
	struct note_key cosigner; /* NOTE_COSIGNATURE, of the same key */
};

void test_signer_new(str name, struct test_signer *ret_s);
void test_signer_done(struct test_signer *s);
/* Appends a line to a note whose body is given. */
void test_sign(struct wr *w, const struct test_signer *s, str body);
void test_cosign(struct wr *w, const struct test_signer *s, str body, int64_t time_s);
/* The whole head of a log: body, blank line, both lines. */
void test_head(struct wr *w, const struct test_signer *s, const struct checkpoint *c,
	       int64_t time_s);
