/* Signals that are read from a descriptor and interrupt nothing. */
#pragma once
#include <stddef.h>

#include "base/err.h"

/* Blocks these n signals for good and opens what they can be read from (signalfd(2)), close
 * on exec and never blocking. The caller closes it. E_IO. */
ch_err signals_open(const int *which, size_t n, int *ret_fd);
