/* The passphrase of an authority's keys, from elsewhere than its configuration says. */
#pragma once
#include "base/err.h"

/* A descriptor of this file, or ("-") of what standard input has up to its end, which is then
 * kept in memory that no file names. A keeper reads it, and again each time one is needed. */
ch_err passphrase_open(const char *file, int *ret_fd);
/* Asks a person by systemd-ask-password(1): at this terminal, or through its agents. E_DENIED:
 * nothing was said. */
ch_err passphrase_ask(int *ret_fd);
