/* A file of the authority's that holds one symmetric key: 32 random bytes in base64url and a line
 * end, for its owner alone. */
#pragma once
#include "authority.h"

enum { KEY_TEXT_BYTES = 32 };

/* Makes the file (0600, relative to DIR); fine when it is there. */
ch_err key_text_make(const struct authority *a, const char *path);
/* E_IO: cannot be opened; E_DENIED: others may read it (detail: its mode); E_SYNTAX: it holds
 * something else. The caller says which file, and the mend. */
ch_err key_text_read(const struct authority *a, const char *path,
		     uint8_t ret_key[static KEY_TEXT_BYTES]);
