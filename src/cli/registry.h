/* The registry of secrets of this host's crash handler, for the commands that need it. */
#pragma once
#include "base/err.h"

/* Connects; state_or_null as in `--state`. E_NOT_FOUND: there is none; E_DENIED; E_GONE. */
ch_err registry_open(const char *state_or_null, int *ret_fd);
/* What is registered, as a sealed memfd for a redactor; -1 when there is no registry. For
 * whoever may ask (root); anybody else gets E_DENIED or E_GONE. */
ch_err registry_fingerprints(const char *state_or_null, int *ret_fd);
