/* Used proofs: a bounded set of (key, jti), shared by threads without a lock, in the
 * caller's storage. It never forgets one that could still be shown; when there is no room
 * it says so, and the caller refuses. It may, with a chance below 1 in 10^9, take a new
 * one for a used one; never a used one for new. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

struct replay;
enum replay_answer { REPLAY_NEW, REPLAY_USED, REPLAY_FULL };

/* Bytes for so many live proofs, 32 each: the chance that one of them finds no room is
 * below 1 in 10^12. 0: impossible, none or over 2^28. */
size_t replay_size(size_t proofs);
/* Takes storage (n bytes, aligned to 64) and a random key. E_RANGE: n is too small, or
 * proofs impossible; E_USAGE: not aligned. Nothing needs to be freed. */
ch_err replay_init(void *storage, size_t n, size_t proofs, struct replay **ret_r);
/* The store that replay_init made in this storage, which another process may share. E_MISMATCH:
 * there is none for so many proofs. */
ch_err replay_attach(void *storage, size_t n, size_t proofs, struct replay **ret_r);
/* Notes it until until_s (seconds since 1970; at most a day ahead of now_s). FULL also when
 * until_s is not. Of any number of threads with the same proof at most one gets NEW;
 * exactly one unless an older proof of its set ends in the same moment. */
enum replay_answer replay_note(struct replay *r, bytes key, bytes jti, int64_t until_s,
			       int64_t now_s);
/* Is it noted, and live? Changes nothing. */
bool replay_has(struct replay *r, bytes key, bytes jti, int64_t now_s);
