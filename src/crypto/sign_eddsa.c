/* Private Ed25519 keys (RFC 8032) by libsodium, which signs more than twice as fast as
 * OpenSSL 3.0. Only PEM goes through libcrypto. */
#include <openssl/evp.h>
#include <sodium.h>

#include "private_internal.h"

enum { SEED = crypto_sign_SEEDBYTES, SIG = crypto_sign_BYTES, PUB = crypto_sign_PUBLICKEYBYTES };

_Static_assert(sizeof(((struct private_key *)0)->ed) == crypto_sign_SECRETKEYBYTES, "secret key");

static ch_err ed_generate(struct private_key *k)
{
	uint8_t pub[PUB];
	return crypto_sign_keypair(pub, k->ed) == 0
		       ? CH_DONE
		       : ch_fail(CH_E_CRYPTO, "cannot generate an Ed25519 key", 0);
}

static ch_err ed_load(struct private_key *k, bytes exported)
{
	uint8_t pub[PUB];
	if (exported.n != SEED)
		return ch_fail(CH_E_MISMATCH, "an Ed25519 seed has 32 bytes", exported.n);
	return crypto_sign_seed_keypair(pub, k->ed, exported.p) == 0
		       ? CH_DONE
		       : ch_fail(CH_E_CRYPTO, "cannot expand an Ed25519 seed", 0);
}

static ch_err ed_adopt(struct private_key *k, EVP_PKEY *pkey, bool foreign)
{
	SECRET_BUF(seed, SEED);
	size_t n = SEED;
	(void)foreign;
	if (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_ED25519)
		return ch_fail(CH_E_MISMATCH, "EdDSA wants an Ed25519 key", 0);
	if (EVP_PKEY_get_raw_private_key(pkey, seed, &n) != 1)
		return ch_fail(CH_E_CRYPTO, "cannot read the Ed25519 key", lib_error());
	return ed_load(k, (bytes){ seed, n });
}

static ch_err ed_export(const struct private_key *k, struct secret **ret_s)
{
	AUTO(secret_done) struct secret *s = NULL;
	TRY(secret_new(SEED, &s));
	mem_copy(secret_poke(s), k->ed, SEED);
	*ret_s = TAKE(s);
	return CH_DONE;
}

static ch_err ed_publish(const struct private_key *k, struct key_parts *parts)
{
	mem_copy(parts->x, k->ed + SEED, PUB);
	return CH_DONE;
}

static ch_err ed_sign(struct private_key *k, bytes message, uint8_t *sig, size_t *ret_n)
{
	if (crypto_sign_detached(sig, NULL, message.p, message.n, k->ed) != 0)
		return ch_fail(CH_E_CRYPTO, "Ed25519 does not sign", 0);
	*ret_n = SIG;
	return CH_DONE;
}

const struct private_ops eddsa_private = {
	.generate = ed_generate,
	.adopt = ed_adopt,
	.export = ed_export,
	.load = ed_load,
	.publish = ed_publish,
	.sign = ed_sign,
};
