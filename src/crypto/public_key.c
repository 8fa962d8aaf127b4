/* Public keys of every algorithm: dispatches to the row of functions of the algorithm.
 * Links nothing that knows a private key: libraries that only verify stop here. */
#include "crypto/public_key.h"

#include <assert.h>
#include <openssl/crypto.h>

#include "public_internal.h"

static const struct public_ops *const ops[ALG_COUNT] = {
	[ALG_ES256] = &es256_public,
	[ALG_EDDSA] = &eddsa_public,
	[ALG_RS256] = &rs256_public,
	[ALG_PS256] = &ps256_public,
};

static const struct public_ops *ops_of(enum alg a)
{
	assert(a < ALG_COUNT);
	return ops[a];
}

void public_key_free(struct public_key *k)
{
	if (!k)
		return;
	es256_drop(k);
	rsa_drop(k);
	OPENSSL_free(k);
}

void public_key_done(struct public_key **k)
{
	public_key_free(*k);
	*k = NULL;
}

ch_err public_key_new(const struct key_parts *parts, struct public_key **ret_k)
{
	AUTO(lib_errors_end) struct lib_errors ours = lib_errors_begin();
	AUTO(public_key_done) struct public_key *k = OPENSSL_zalloc(sizeof(*k));
	if (!k)
		return ch_fail(CH_E_NOMEM, "no memory for a public key", lib_error());
	k->alg = parts->alg;
	TRY(ops_of(k->alg)->load(k, parts));
	*ret_k = TAKE(k);
	return CH_DONE;
}

struct signed_text signed_text_of(bytes text)
{
	struct signed_text t = { .text = text };
	sha256(text, t.sha256);
	return t;
}

ch_err public_key_warm(struct public_key *k)
{
	AUTO(lib_errors_end) struct lib_errors ours = lib_errors_begin();
	const struct public_ops *o = ops_of(k->alg);
	return o->warm ? o->warm(k) : CH_DONE;
}

bool public_key_is_warm(const struct public_key *k)
{
	return atomic_load_explicit(&k->table, memory_order_acquire);
}

ch_err public_key_verify(const struct public_key *k, struct key_work *work_or_null,
			 struct signed_text signed_text, bytes sig)
{
	AUTO(lib_errors_end) struct lib_errors ours = lib_errors_begin();
	return ops_of(k->alg)->verify(k, work_or_null, signed_text, sig);
}
