/* People's passwords: Argon2id in the PHC string form ($argon2id$v=19$…). */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/rw.h"
#include "base/secret.h"

enum { PASSWORD_HASH_MAX = 128, PASSWORD_MAX = 1024 };

/* 2 passes, 19 MiB (OWASP's floor for Argon2id); writes the string to w. E_RANGE for
 * a password longer than PASSWORD_MAX, E_NOMEM without the memory. */
ch_err password_hash(struct secret_bytes password, struct wr *w);
/* Does a check of this hash cost just what one of password_hash's costs? E_MISMATCH if not: the
 * time that a sign-in takes would say whose it is. Nothing is computed. */
ch_err password_hash_alike(str hash);
/* E_MISMATCH for a wrong password, E_SYNTAX for a hash that is none, E_RANGE for one
 * that asks for more than 64 MiB, 10 passes or 16 lanes; nothing is computed then. */
ch_err password_check(str hash, struct secret_bytes password);
