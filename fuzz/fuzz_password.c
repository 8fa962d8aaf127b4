/* A password hash from a store is judged before it costs anything; only that of
 * "password" passes, and none does with two passwords. */
#include <assert.h>

#include "crypto/key.h"
#include "crypto/password.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool checks(str hash, str password)
{
	return !failed(password_check(hash, secret_bytes_of(bytes_of_str(password))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ch_err e = crypto_init(NULL);
	assert(!failed(e));
	str hash = str_of_bytes((bytes){ data, size });
	if (checks(hash, LIT("password")))
		assert(!checks(hash, LIT("Password")));
	return 0;
}
