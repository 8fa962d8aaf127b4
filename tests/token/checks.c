/* Counts the checks of a signature, and lets them through. */
#include "counts.h"

#include "crypto/key.h"

size_t checks;

ch_err __real_public_key_verify(const struct public_key *k, struct key_work *work_or_null,
				struct signed_text text, bytes sig);
ch_err __wrap_public_key_verify(const struct public_key *k, struct key_work *work_or_null,
				struct signed_text text, bytes sig);

ch_err __wrap_public_key_verify(const struct public_key *k, struct key_work *work_or_null,
				struct signed_text text, bytes sig)
{
	checks++;
	return __real_public_key_verify(k, work_or_null, text, sig);
}
