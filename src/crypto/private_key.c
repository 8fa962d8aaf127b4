/* Private keys of every algorithm: dispatches to the row of functions of the algorithm.
 * A key's struct is allocated by libcrypto, so that it lies in the heap given to
 * crypto_init, and is wiped when freed. */
#include "crypto/key.h"

#include <assert.h>
#include <openssl/crypto.h>

#include "private_internal.h"

static const struct private_ops *const ops[ALG_COUNT] = {
	[ALG_ES256] = &es256_private,
	[ALG_EDDSA] = &eddsa_private,
	[ALG_RS256] = &rsa_private,
	[ALG_PS256] = &rsa_private,
};

static const struct private_ops *ops_of(enum alg a)
{
	assert(a < ALG_COUNT);
	return ops[a];
}

void private_key_free(struct private_key *k)
{
	if (!k)
		return;
	es256_private_drop(k);
	rsa_private_drop(k);
	OPENSSL_clear_free(k, sizeof(*k));
}

void private_key_done(struct private_key **k)
{
	private_key_free(*k);
	*k = NULL;
}

static ch_err private_key_alloc(enum alg a, struct private_key **ret_k)
{
	struct private_key *k = OPENSSL_zalloc(sizeof(*k));
	if (!k)
		return ch_fail(CH_E_NOMEM, "no memory for a private key", lib_error());
	k->alg = a;
	*ret_k = k;
	return CH_DONE;
}

/* The last step of every way to get a key: what it signs, its public half verifies.
 * It also makes libcrypto set up all that the algorithm needs, before a sandbox
 * forbids the system calls of that. */
static ch_err prove(struct private_key *k)
{
	AUTO(public_key_done) struct public_key *pub = NULL;
	struct key_parts parts;
	uint8_t sig[SIGNATURE_MAX];
	size_t n = 0;
	const struct signed_text message =
		signed_text_of(bytes_of_str(LIT("a message to try the key with")));
	TRY(private_key_public(k, &parts));
	TRY(public_key_new(&parts, &pub));
	TRY(private_key_sign(k, message.text, sig, &n));
	if (failed(public_key_verify(pub, NULL, message, (bytes){ sig, n })))
		return ch_fail(CH_E_MISMATCH, "the key's halves do not belong together", n);
	return CH_DONE;
}

ch_err private_key_generate(enum alg a, struct private_key **ret_k)
{
	AUTO(private_key_done) struct private_key *k = NULL;
	TRY(private_key_alloc(a, &k));
	TRY(ops_of(a)->generate(k));
	TRY(prove(k));
	*ret_k = TAKE(k);
	return CH_DONE;
}

ch_err private_key_from_pem(enum alg a, const struct secret *pem, struct private_key **ret_k)
{
	AUTO(pkey_done) EVP_PKEY *pkey = NULL;
	AUTO(private_key_done) struct private_key *k = NULL;
	TRY(pem_read(pem, &pkey));
	TRY(private_key_alloc(a, &k));
	TRY(ops_of(a)->adopt(k, pkey, true));
	TRY(prove(k));
	*ret_k = TAKE(k);
	return CH_DONE;
}

ch_err private_key_export(const struct private_key *k, struct secret **ret_s)
{
	return ops_of(k->alg)->export(k, ret_s);
}

ch_err private_key_pem(const struct private_key *k, struct secret **ret_pem)
{
	AUTO(secret_done) struct secret *der = NULL;
	if (k->alg == ALG_EDDSA)
		return ch_fail(CH_E_UNSUPPORTED, "an Ed25519 key is not written as PEM", k->alg);
	TRY(private_key_export(k, &der));
	return pem_write(der, ret_pem);
}

ch_err private_key_load(enum alg a, const struct secret *exported, struct private_key **ret_k)
{
	AUTO(private_key_done) struct private_key *k = NULL;
	TRY(private_key_alloc(a, &k));
	TRY(ops_of(a)->load(k, secret_peek(exported)));
	TRY(prove(k));
	*ret_k = TAKE(k);
	return CH_DONE;
}

ch_err private_key_public(const struct private_key *k, struct key_parts *ret_parts)
{
	struct key_parts parts = { .alg = k->alg };
	TRY(ops_of(k->alg)->publish(k, &parts));
	*ret_parts = parts;
	return CH_DONE;
}

enum alg private_key_alg(const struct private_key *k)
{
	return k->alg;
}

ch_err private_key_sign(struct private_key *k, bytes message, uint8_t sig[static SIGNATURE_MAX],
			size_t *ret_n)
{
	return ops_of(k->alg)->sign(k, message, sig, ret_n);
}
