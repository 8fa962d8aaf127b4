/* Starting where another program is at home: a library must not choose how its host uses
 * libcrypto, nor take its heap or its configuration. */
#pragma once
#include "base/err.h"

/* In place of crypto_init, for public keys and hashes alone. Any thread, any number of
 * times. */
ch_err crypto_guest_init(void);
