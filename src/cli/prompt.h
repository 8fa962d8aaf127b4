/* Asking at the terminal. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

/* Is somebody there to be asked? */
bool prompt_possible(void);
/* Asks for a new password twice, unseen. E_MISMATCH when the two differ, E_MISSING when it is
 * empty, E_SYNTAX when it was broken off. The caller wipes storage, whose second half is used
 * too. */
ch_err prompt_new_password(str whose, void *storage, size_t cap, str *ret_password);
