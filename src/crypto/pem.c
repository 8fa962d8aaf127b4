/* Private keys as PEM and as PKCS#8 DER. Trusts nothing in the text. Never asks for
 * a passphrase: libcrypto's default would prompt on the terminal. */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/ck.h"
#include "base/rw.h"
#include "private_internal.h"

void pkey_done(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

static void bio_done(BIO **b)
{
	(void)BIO_free(*b);
}

void pkcs8_done(PKCS8_PRIV_KEY_INFO **p)
{
	PKCS8_PRIV_KEY_INFO_free(*p);
}

static int refuse_passphrase(char *buf, int n, int writing, void *arg)
{
	(void)buf;
	(void)n;
	(void)writing;
	(void)arg;
	return -1;
}

ch_err pem_read(const struct secret *pem, EVP_PKEY **ret_pkey)
{
	bytes text = secret_peek(pem);
	AUTO(bio_done) BIO *in = BIO_new_mem_buf(text.p, int_from(text.n));
	if (!in)
		return ch_fail(CH_E_NOMEM, "no memory to read PEM", lib_error());
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(in, NULL, refuse_passphrase, NULL);
	if (!pkey)
		return ch_fail(CH_E_SYNTAX,
			       "not a PEM private key without a passphrase (to remove one: openssl "
			       "pkey -in FILE)",
			       lib_error());
	ERR_clear_error();
	*ret_pkey = pkey;
	return CH_DONE;
}

static bool on_p256(const EVP_PKEY *pkey)
{
	char name[32];
	size_t n = 0;
	return EVP_PKEY_get_group_name(pkey, name, sizeof(name), &n) == 1 &&
	       str_eq((str){ name, n }, LIT(SN_X9_62_prime256v1));
}

ch_err private_key_pem_alg(const struct secret *pem, enum alg *ret_alg)
{
	static const struct {
		int id;
		enum alg alg;
	} fits[] = {
		{ EVP_PKEY_EC, ALG_ES256 },
		{ EVP_PKEY_ED25519, ALG_EDDSA },
		{ EVP_PKEY_RSA, ALG_RS256 },
	};
	AUTO(pkey_done) EVP_PKEY *pkey = NULL;
	TRY(pem_read(pem, &pkey));
	int id = EVP_PKEY_get_base_id(pkey);
	for (size_t i = 0; i < COUNT_OF(fits); i++) {
		if (id == fits[i].id && (id != EVP_PKEY_EC || on_p256(pkey))) {
			*ret_alg = fits[i].alg;
			return CH_DONE;
		}
	}
	return ch_fail(CH_E_MISMATCH, "only P-256, Ed25519 and RSA keys can be used", id);
}

/* Written straight into the secret: no copy of the key lies elsewhere. */
ch_err pkcs8_write(const EVP_PKEY *pkey, struct secret **ret_s)
{
	AUTO(pkcs8_done) PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
	AUTO(secret_done) struct secret *s = NULL;
	int n = info ? i2d_PKCS8_PRIV_KEY_INFO(info, NULL) : -1;
	if (n <= 0)
		return ch_fail(CH_E_CRYPTO, "cannot encode the key", lib_error());
	TRY(secret_new((size_t)n, &s));
	uint8_t *at = secret_poke(s);
	if (i2d_PKCS8_PRIV_KEY_INFO(info, &at) != n)
		return ch_fail(CH_E_CRYPTO, "cannot encode the key", lib_error());
	*ret_s = TAKE(s);
	return CH_DONE;
}

ch_err pkcs8_open(bytes der, PKCS8_PRIV_KEY_INFO **ret_info)
{
	const uint8_t *at = der.p;
	AUTO(pkcs8_done) PKCS8_PRIV_KEY_INFO *info =
		d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der.n);
	if (!info || at != der.p + der.n)
		return ch_fail(CH_E_SYNTAX, "not PKCS#8, or something after it", lib_error());
	*ret_info = TAKE(info);
	return CH_DONE;
}

ch_err pkcs8_read(bytes der, EVP_PKEY **ret_pkey)
{
	AUTO(pkcs8_done) PKCS8_PRIV_KEY_INFO *info = NULL;
	TRY(pkcs8_open(der, &info));
	EVP_PKEY *pkey = EVP_PKCS82PKEY(info);
	if (!pkey)
		return ch_fail(CH_E_SYNTAX, "PKCS#8 without a key that is known", lib_error());
	ERR_clear_error();
	*ret_pkey = pkey;
	return CH_DONE;
}

#define PEM_HEAD "-----BEGIN PRIVATE KEY-----\n"
#define PEM_FOOT "-----END PRIVATE KEY-----\n"

/* Likewise. */
ch_err pem_write(const struct secret *pkcs8, struct secret **ret_pem)
{
	enum { LINE = 48, LINE_TEXT = 64 };
	AUTO(secret_done) struct secret *pem = NULL;
	SECRET_BUF(line, LINE_TEXT + 1);
	bytes der = secret_peek(pkcs8);
	size_t lines = (der.n + LINE - 1) / LINE;
	size_t n = LIT(PEM_HEAD).n + (der.n + 2) / 3 * 4 + lines + LIT(PEM_FOOT).n;
	TRY(secret_new(n, &pem));
	struct wr w = wr_of(secret_poke(pem), n);
	wr_lit(&w, PEM_HEAD);
	for (size_t i = 0; i < der.n; i += LINE) {
		size_t some = der.n - i < LINE ? der.n - i : LINE;
		int text = EVP_EncodeBlock(line, der.p + i, int_from(some));
		wr_put(&w, (bytes){ line, (size_t)text });
		wr_char(&w, '\n');
	}
	wr_lit(&w, PEM_FOOT);
	TRY(wr_done(&w));
	*ret_pem = TAKE(pem);
	return CH_DONE;
}
