/* What every file that calls libcrypto needs of it: its errors as a number, and numbers
 * that are wiped when a scope ends. */
#include <openssl/bn.h>
#include <openssl/err.h>

#include "public_internal.h"

uint64_t lib_error(void)
{
	uint64_t last = ERR_peek_last_error();
	ERR_clear_error();
	return last;
}

void bn_done(BIGNUM **n)
{
	BN_clear_free(*n);
}
