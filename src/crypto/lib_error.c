/* What every file that calls libcrypto needs of it: its errors as a number, and numbers
 * that are wiped when a scope ends. libcrypto keeps one queue of errors a thread, which in
 * another's program holds that program's errors too: between begin and end only what we
 * put there is taken away. */
#include <openssl/bn.h>
#include <openssl/err.h>

#include "public_internal.h"

struct lib_errors lib_errors_begin(void)
{
	/* an empty queue cannot be marked, nor need it be */
	(void)ERR_set_mark();
	return (struct lib_errors){ 0 };
}

void lib_errors_end(struct lib_errors *e)
{
	(void)e;
	(void)ERR_pop_to_mark();
}

uint64_t lib_error(void)
{
	uint64_t last = ERR_peek_last_error();
	(void)ERR_pop_to_mark();
	(void)ERR_set_mark();
	return last;
}

void bn_done(BIGNUM **n)
{
	BN_clear_free(*n);
}
