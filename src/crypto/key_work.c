/* The working memory of one thread that verifies. */
#include <openssl/bn.h>
#include <openssl/crypto.h>

#include "public_internal.h"

struct key_work {
	BN_CTX *numbers;
};

ch_err key_work_new(struct key_work **ret_w)
{
	AUTO(key_work_done) struct key_work *w = OPENSSL_zalloc(sizeof(*w));
	if (!w || !(w->numbers = BN_CTX_new()))
		return ch_fail(CH_E_NOMEM, "no memory to verify with", lib_error());
	*ret_w = TAKE(w);
	return CH_DONE;
}

void key_work_free(struct key_work *w)
{
	if (!w)
		return;
	BN_CTX_free(w->numbers);
	OPENSSL_free(w);
}

void key_work_done(struct key_work **w)
{
	key_work_free(*w);
	*w = NULL;
}
