/* DIR/refresh.key: 32 random bytes in base64url and a line end, for root alone. */
#pragma once
#include "authority.h"

/* Makes the file; fine when it is there. */
ch_err refresh_key_make(const struct authority *a);
/* The key of one group's issuer, derived from the file's, which is made when an earlier
 * version left none. E_SYNTAX when it holds something else, E_DENIED when others may
 * read it. */
ch_err refresh_key_of(const struct authority *a, str group,
		      uint8_t ret_key[static REFRESH_KEY_SIZE]);
