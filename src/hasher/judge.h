/* What the hasher decides. */
#pragma once
#include "base/err.h"
#include "wire/hash.h"

/* Once, before the first: makes the hash of nobody. */
ch_err judge_init(void);
/* CH_OK it fits, CH_E_MISMATCH it does not or there is no hash, else why it could not be
 * checked. One Argon2id each time. */
uint16_t judge(const struct hash_check *c);
