/* Starts libsodium. libcrypto starts by itself with its first use, under the settings of
 * the program that we are a guest of; must never set any of those. */
#include "crypto/guest.h"

#include <sodium.h>

ch_err crypto_guest_init(void)
{
	if (sodium_init() < 0)
		return ch_fail(CH_E_CRYPTO, "libsodium does not start", 0);
	return CH_DONE;
}
