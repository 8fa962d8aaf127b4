/* crypto_small: alg.h, hash.h and password.h by libsodium alone, for programs that hold
 * no key and check no signature (hasher): one large library less to map, to
 * start and to trust. Where libcrypto is there anyway its SHA-256 is several times as
 * fast, so the others link the whole. */
#pragma once
#include "base/err.h"

/* Once a process, in place of crypto_init. */
ch_err crypto_small_init(void);
