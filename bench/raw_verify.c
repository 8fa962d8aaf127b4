/* What `openssl speed` measures, in this process and with these keys: EVP with a context
 * that is made once, hashing left out where the algorithm allows it. Never frees: the
 * bench ends soon. */
#include "raw_verify.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

enum { NUMBER = 32, POINT = 1 + 2 * NUMBER };

struct raw_key {
	enum alg alg;
	EVP_PKEY *pkey;
	EVP_PKEY_CTX *verify;
	EVP_MD_CTX *digest;
	struct signed_text t;
	uint8_t sig[SIGNATURE_MAX];
	size_t n;
};

static bool push_ec(OSSL_PARAM_BLD *b, const struct key_parts *p)
{
	static uint8_t point[POINT];
	point[0] = 4; /* uncompressed */
	mem_copy(point + 1, p->x, NUMBER);
	mem_copy(point + 1 + NUMBER, p->y, NUMBER);
	return OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
	       OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point, POINT) == 1;
}

static bool push_rsa(OSSL_PARAM_BLD *b, const struct key_parts *p)
{
	return OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N,
				      BN_bin2bn(p->n, (int)p->n_size, NULL)) == 1 &&
	       OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E,
				      BN_bin2bn(p->e, (int)p->e_size, NULL)) == 1;
}

static EVP_PKEY *from_parts(const struct key_parts *p)
{
	const bool ec = p->alg == ALG_ES256;
	EVP_PKEY *k = NULL;
	if (p->alg == ALG_EDDSA)
		return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, p->x, NUMBER);
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, ec ? "EC" : "RSA", NULL);
	if (!b || !c || !(ec ? push_ec : push_rsa)(b, p) || EVP_PKEY_fromdata_init(c) != 1 ||
	    EVP_PKEY_fromdata(c, &k, EVP_PKEY_PUBLIC_KEY, OSSL_PARAM_BLD_to_param(b)) != 1)
		return NULL;
	return k;
}

static bool set_padding(const struct raw_key *k)
{
	if (k->alg == ALG_RS256)
		return EVP_PKEY_CTX_set_rsa_padding(k->verify, RSA_PKCS1_PADDING) == 1 &&
		       EVP_PKEY_CTX_set_signature_md(k->verify, EVP_sha256()) == 1;
	return EVP_PKEY_CTX_set_rsa_padding(k->verify, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_signature_md(k->verify, EVP_sha256()) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(k->verify, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static bool start(struct raw_key *k)
{
	if (k->alg == ALG_EDDSA) {
		k->digest = EVP_MD_CTX_new();
		return k->digest && EVP_DigestVerifyInit(k->digest, NULL, NULL, NULL, k->pkey) == 1;
	}
	k->verify = EVP_PKEY_CTX_new(k->pkey, NULL);
	return k->verify && EVP_PKEY_verify_init(k->verify) == 1 &&
	       (k->alg == ALG_ES256 || set_padding(k));
}

ch_err raw_key_new(const struct key_parts *parts, struct raw_key **ret_k)
{
	static struct raw_key keys[ALG_COUNT];
	struct raw_key *k = &keys[parts->alg];
	k->alg = parts->alg;
	k->pkey = from_parts(parts);
	if (!k->pkey || !start(k))
		return ch_fail(CH_E_CRYPTO, "libcrypto does not take the key", parts->alg);
	*ret_k = k;
	return CH_DONE;
}

ch_err raw_key_expect(struct raw_key *k, struct signed_text t, bytes sig)
{
	k->t = t;
	k->n = sig.n;
	mem_copy(k->sig, sig.p, sig.n);
	if (k->alg != ALG_ES256)
		return CH_DONE;
	ECDSA_SIG *s = ECDSA_SIG_new();
	uint8_t *at = k->sig;
	if (!s || ECDSA_SIG_set0(s, BN_bin2bn(sig.p, NUMBER, NULL),
				 BN_bin2bn(sig.p + NUMBER, NUMBER, NULL)) != 1)
		return ch_fail(CH_E_NOMEM, "no memory for a signature", 0);
	k->n = (size_t)i2d_ECDSA_SIG(s, &at);
	ECDSA_SIG_free(s);
	return CH_DONE;
}

bool raw_verify(struct raw_key *k)
{
	if (k->digest)
		return EVP_DigestVerify(k->digest, k->sig, k->n, k->t.text.p, k->t.text.n) == 1;
	return EVP_PKEY_verify(k->verify, k->sig, k->n, k->t.sha256, sizeof(k->t.sha256)) == 1;
}
