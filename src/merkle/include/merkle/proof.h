/* Proofs as text: a token's (https://c2sp.org/tlog-proof), and a log's request to a witness
 * (https://c2sp.org/tlog-witness, add-checkpoint). Only canonical texts are read. Pure. */
#pragma once
#include "base/rw.h"
#include "merkle/note.h"
#include "merkle/tree.h"

enum {
	WITNESS_PROOF_MAX = 63,
	PROOF_LINES_MAX = MERKLE_PROOF_MAX * 45,
	PROOF_EXTRA_MAX = 64 * 1024, /* of its text */
	PROOF_MAX = 64 + PROOF_EXTRA_MAX + PROOF_LINES_MAX + NOTE_MAX,
	WITNESS_REQUEST_MAX = 32 + PROOF_LINES_MAX + NOTE_MAX,
};

struct tlog_proof {
	str extra; /* base64, well formed; empty: none. Nothing vouches for it */
	uint64_t index;
	struct merkle_proof proof;
	str checkpoint; /* a note; not looked into here */
};

/* Slices of the text. E_SYNTAX, E_LIMIT, E_UNSUPPORTED: no proof of this version. */
ch_err tlog_proof_read(str text, struct tlog_proof *ret_p);
void tlog_proof_write(struct wr *w, const struct tlog_proof *p);

struct witness_request {
	uint64_t old_size;
	struct merkle_proof proof;
	str checkpoint;
};

/* E_SYNTAX; E_LIMIT: more than WITNESS_PROOF_MAX lines. What it says is not judged. */
ch_err witness_request_read(str text, struct witness_request *ret_r);
void witness_request_write(struct wr *w, const struct witness_request *r);
