/* A private key, taken apart. Everything here is secret: it goes from libcrypto into secret
 * memory and from there to the taker. */
#include "crypto/key_secrets.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/ck.h"
#include "crypto/related.h"
#include "private_internal.h"

enum { ED25519_SEED = 32, RAW_MAX = 64, NUMBER_MIN = 16 };

static void bio_done(BIO **b)
{
	(void)BIO_free(*b);
}

static void number_done(BIGNUM **n)
{
	BN_clear_free(*n);
}

static ch_err give_bytes(struct key_secret_taker *t, bytes b, bool number)
{
	AUTO(secret_done) struct secret *s = NULL;
	TRY(secret_copy(secret_bytes_of(b), &s));
	const struct key_secret one = { number, s };
	return t->take(t, &one);
}

static ch_err give_number(struct key_secret_taker *t, const BIGNUM *n)
{
	AUTO(secret_done) struct secret *s = NULL;
	int size = BN_num_bytes(n);
	/* too short to be anything that is used */
	if (size < NUMBER_MIN)
		return CH_DONE;
	TRY(secret_new((size_t)size, &s));
	if (BN_bn2binpad(n, secret_poke(s), size) != size)
		return ch_fail(CH_E_CRYPTO, "cannot read a number of a key", lib_error());
	const struct key_secret one = { true, s };
	return t->take(t, &one);
}

ch_err key_secrets_of_seed(bytes seed, struct key_secret_taker *t)
{
	SECRET_BUF(both, 2 * ED25519_SEED);
	SECRET_BUF(scalar, ED25519_SEED);
	if (seed.n != ED25519_SEED)
		return ch_fail(CH_E_RANGE, "a seed of Ed25519 has 32 bytes", seed.n);
	ed25519_expand(seed.p, both);
	for (size_t i = 0; i < ED25519_SEED; i++)
		scalar[i] = both[ED25519_SEED - 1 - i];
	TRY(give_bytes(t, seed, false));
	TRY(give_bytes(t, (bytes){ scalar, ED25519_SEED }, true));
	return give_bytes(t, (bytes){ both + ED25519_SEED, ED25519_SEED }, false);
}

static ch_err raw_secrets(const EVP_PKEY *pkey, struct key_secret_taker *t, bool *ret_is_raw)
{
	SECRET_BUF(raw, RAW_MAX);
	size_t n = RAW_MAX;
	*ret_is_raw = EVP_PKEY_get_raw_private_key(pkey, raw, &n) == 1;
	if (!*ret_is_raw)
		return CH_DONE;
	bytes b = { raw, n };
	return EVP_PKEY_get_base_id(pkey) == EVP_PKEY_ED25519 ? key_secrets_of_seed(b, t)
							      : give_bytes(t, b, false);
}

static ch_err pkey_secrets(const EVP_PKEY *pkey, struct key_secret_taker *t)
{
	static const char *const names[] = {
		OSSL_PKEY_PARAM_PRIV_KEY,         OSSL_PKEY_PARAM_RSA_D,
		OSSL_PKEY_PARAM_RSA_FACTOR1,      OSSL_PKEY_PARAM_RSA_FACTOR2,
		OSSL_PKEY_PARAM_RSA_FACTOR3,      OSSL_PKEY_PARAM_RSA_EXPONENT1,
		OSSL_PKEY_PARAM_RSA_EXPONENT2,    OSSL_PKEY_PARAM_RSA_EXPONENT3,
		OSSL_PKEY_PARAM_RSA_COEFFICIENT1, OSSL_PKEY_PARAM_RSA_COEFFICIENT2,
	};
	bool any = false;
	TRY(raw_secrets(pkey, t, &any));
	for (size_t i = 0; i < COUNT_OF(names) && !any; i++) {
		/* of these a key has all of its kind or none */
		AUTO(number_done) BIGNUM *n = NULL;
		if (EVP_PKEY_get_bn_param(pkey, names[i], &n) != 1)
			continue;
		TRY(give_number(t, n));
		any = i == 0;
	}
	ERR_clear_error();
	return CH_DONE;
}

ch_err key_secrets_of(const struct private_key *k, struct key_secret_taker *t)
{
	AUTO(secret_done) struct secret *s = NULL;
	AUTO(pkey_done) EVP_PKEY *pkey = NULL;
	TRY(private_key_export(k, &s));
	if (private_key_alg(k) == ALG_EDDSA)
		return key_secrets_of_seed(secret_peek(s), t);
	TRY(pkcs8_read(secret_peek(s), &pkey));
	return pkey_secrets(pkey, t);
}

static int refuse_passphrase(char *buf, int n, int writing, void *arg)
{
	(void)buf;
	(void)n;
	(void)writing;
	(void)arg;
	return -1;
}

/* How many private keys a text says that it has. */
static size_t announced(bytes text)
{
	static const char end[] = "PRIVATE KEY-----", begin[] = "-----BEGIN ";
	size_t n = 0;
	const uint8_t *at = text.p, *to = text.p + text.n;
	while ((at = memmem(at, (size_t)(to - at), begin, sizeof(begin) - 1))) {
		at += sizeof(begin) - 1;
		const uint8_t *line = memchr(at, '\n', (size_t)(to - at));
		size_t left = (size_t)((line ? line : to) - at);
		n += memmem(at, left, end, sizeof(end) - 1) ? 1 : 0;
	}
	return n;
}

ch_err key_secrets_of_pem(const struct secret *pem, struct key_secret_taker *t, size_t *ret_keys)
{
	bytes text = secret_peek(pem);
	size_t n = 0, all = announced(text);
	AUTO(bio_done) BIO *in = BIO_new_mem_buf(text.p, int_from(text.n));
	if (!in)
		return ch_fail(CH_E_NOMEM, "no memory to read PEM", lib_error());
	if (all == 0)
		return ch_fail(CH_E_MISSING, "there is no private key in this PEM", 0);
	for (; n < all; n++) {
		AUTO(pkey_done) EVP_PKEY *pkey =
			PEM_read_bio_PrivateKey(in, NULL, refuse_passphrase, NULL);
		if (!pkey)
			break;
		TRY(pkey_secrets(pkey, t));
	}
	ERR_clear_error();
	if (n < all)
		return ch_fail(
			CH_E_UNSUPPORTED,
			"a private key that cannot be read: under a passphrase (openssl pkey "
			"-in FILE) or OpenSSH's (ssh-keygen -p -m PEM -f COPY)",
			n + 1);
	*ret_keys = n;
	return CH_DONE;
}
