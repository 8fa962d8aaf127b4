/* Verifies RS256 and PS256 (RFC 7518 sections 3.3 and 3.5): libcrypto gives back the
 * encoded block, without looking at its padding; the whole block is then compared with
 * the only one that may be (RFC 8017 section 8.2.2), or judged as PSS with MGF1 by
 * SHA-256 and a salt of exactly 32 bytes. The calls for RSA are deprecated in favour of EVP,
 * whose context cannot be shared by threads and costs 3 of 19 us to make each time. With
 * working memory the power is taken by libcrypto's multiplications alone, which spares
 * another 2 us of tables and allocations that e = 65537 has no use for. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/ck.h"
#include "work_internal.h"

enum { BITS_MIN = 2048, BITS_MAX = 8 * RSA_MODULUS_MAX, SALT = SHA256_SIZE };

void rsa_drop(struct public_key *k)
{
	RSA_free(k->rsa);
	BN_MONT_CTX_free(k->mod);
	EVP_MD_free(k->hash);
}

/* CVE-2017-15361: moduli whose primes a weak chip made are powers of 65537 modulo each
 * of these; another modulus is so by a chance of 1 in 2^27. */
static bool is_weak_chip(const BIGNUM *n)
{
	static const uint8_t primes[] = {
		3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,
		47,  53,  59,  61,  67,  71,  73,  79,  83,  89,  97,  101, 103,
		107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
	};
	for (size_t i = 0; i < COUNT_OF(primes); i++) {
		BN_ULONG rest = BN_mod_word(n, primes[i]), power = 1;
		bool found = power == rest;
		for (size_t k = 0; k < primes[i] && !found; k++) {
			power = power * RSA_F4 % primes[i];
			found = power == rest;
		}
		if (!found)
			return false;
	}
	return true;
}

ch_err rsa_check_numbers(const BIGNUM *n, const BIGNUM *e)
{
	int bits = BN_num_bits(n);
	if (bits < BITS_MIN || bits > BITS_MAX)
		return ch_fail(CH_E_RANGE, "an RSA modulus must have 2048 to 4096 bits", bits);
	if (!BN_is_odd(n))
		return ch_fail(CH_E_MISMATCH, "an RSA modulus must be odd", 0);
	if (!BN_is_word(e, RSA_F4))
		return ch_fail(CH_E_RANGE, "the RSA exponent must be 65537", 0);
	if (is_weak_chip(n))
		return ch_fail(CH_E_RANGE, "an RSA modulus of a weak chip (CVE-2017-15361)", 0);
	return CH_DONE;
}

static void ctx_done(BN_CTX **c)
{
	BN_CTX_free(*c);
}

static ch_err set_modulus(struct public_key *k, const BIGNUM *n)
{
	AUTO(ctx_done) BN_CTX *numbers = BN_CTX_new();
	k->mod = BN_MONT_CTX_new();
	if (!numbers || !k->mod || BN_MONT_CTX_set(k->mod, n, numbers) != 1)
		return ch_fail(CH_E_NOMEM, "no memory for a public key", lib_error());
	return CH_DONE;
}

static ch_err rsa_load(struct public_key *k, const struct key_parts *parts)
{
	if (parts->n_size == 0 || parts->n_size > sizeof(parts->n) || parts->n[0] == 0 ||
	    parts->e_size > sizeof(parts->e))
		return ch_fail(CH_E_RANGE, "an RSA number of impossible size", parts->n_size);
	AUTO(bn_done) BIGNUM *n = BN_bin2bn(parts->n, int_from(parts->n_size), NULL);
	AUTO(bn_done) BIGNUM *e = BN_bin2bn(parts->e, int_from(parts->e_size), NULL);
	if (!n || !e)
		return ch_fail(CH_E_NOMEM, "no memory for a public key", lib_error());
	TRY(rsa_check_numbers(n, e));
	TRY(set_modulus(k, n));
	k->hash = EVP_MD_fetch(NULL, "SHA256", NULL);
	k->rsa = RSA_new();
	if (!k->hash || !k->rsa || RSA_set0_key(k->rsa, n, e, NULL) != 1)
		return ch_fail(CH_E_CRYPTO, "cannot load an RSA key", lib_error());
	n = NULL; /* now owned by the key */
	e = NULL;
	return CH_DONE;
}

/* s^65537 = s^(2^16) s: 16 squarings in Montgomery's form, and the product with the plain
 * s is plain again. */
static bool power(const struct public_key *k, struct key_work *w)
{
	if (BN_to_montgomery(w->u1, w->s, k->mod, w->numbers) != 1)
		return false;
	for (int i = 0; i < 16; i++)
		if (BN_mod_mul_montgomery(w->u1, w->u1, w->u1, k->mod, w->numbers) != 1)
			return false;
	return BN_mod_mul_montgomery(w->u1, w->u1, w->s, k->mod, w->numbers) == 1;
}

static ch_err recover_with(const struct public_key *k, struct key_work *w, bytes sig,
			   uint8_t block[static RSA_MODULUS_MAX])
{
	const int n = RSA_size(k->rsa);
	if (!BN_bin2bn(sig.p, n, w->s))
		return ch_fail(CH_E_NOMEM, "no memory for a signature", lib_error());
	if (BN_ucmp(w->s, RSA_get0_n(k->rsa)) >= 0)
		return ch_fail(CH_E_MISMATCH, "the RSA signature is out of range", 0);
	if (!power(k, w) || BN_bn2binpad(w->u1, block, n) != n)
		return ch_fail(CH_E_NOMEM, "no memory to verify with", lib_error());
	return CH_DONE;
}

/* What the signature encodes, as long as the modulus. A signature that is not less than the
 * modulus is refused. */
static ch_err recover(const struct public_key *k, struct key_work *work_or_null, bytes sig,
		      uint8_t block[static RSA_MODULUS_MAX])
{
	const int n = RSA_size(k->rsa);
	if (sig.n != (size_t)n)
		return ch_fail(CH_E_MISMATCH, "an RSA signature has the modulus's size", sig.n);
	if (work_or_null)
		return recover_with(k, work_or_null, sig, block);
	if (RSA_public_decrypt(n, sig.p, block, k->rsa, RSA_NO_PADDING) != n)
		return ch_fail(CH_E_MISMATCH, "the RSA signature is out of range", lib_error());
	return CH_DONE;
}

/* 00 01 FF … FF 00, the DER of DigestInfo for SHA-256 with its NULL, the hash: written in
 * full and compared in full, so that there is nothing in it to overlook. */
static void encode(const uint8_t hash[static SHA256_SIZE], size_t n,
		   uint8_t ret_block[static RSA_MODULUS_MAX])
{
	static const uint8_t digest_info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60,
					       0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
					       0x01, 0x05, 0x00, 0x04, 0x20 };
	const size_t info = n - SHA256_SIZE - sizeof(digest_info);
	memset(ret_block, 0xff, n);
	ret_block[0] = 0;
	ret_block[1] = 1;
	ret_block[info - 1] = 0;
	mem_copy(ret_block + info, digest_info, sizeof(digest_info));
	mem_copy(ret_block + n - SHA256_SIZE, hash, SHA256_SIZE);
}

static ch_err rs256_verify(const struct public_key *k, struct key_work *work_or_null,
			   struct signed_text t, bytes sig)
{
	uint8_t block[RSA_MODULUS_MAX], want[RSA_MODULUS_MAX];
	TRY(recover(k, work_or_null, sig, block));
	encode(t.sha256, sig.n, want);
	if (!mem_eq(block, want, sig.n))
		return ch_fail(CH_E_MISMATCH, "the RS256 signature is wrong", 0);
	return CH_DONE;
}

static ch_err ps256_verify(const struct public_key *k, struct key_work *work_or_null,
			   struct signed_text t, bytes sig)
{
	uint8_t block[RSA_MODULUS_MAX];
	TRY(recover(k, work_or_null, sig, block));
	if (RSA_verify_PKCS1_PSS_mgf1(k->rsa, t.sha256, k->hash, k->hash, block, SALT) != 1)
		return ch_fail(CH_E_MISMATCH, "the PS256 signature is wrong", lib_error());
	return CH_DONE;
}

const struct public_ops rs256_public = { .load = rsa_load, .verify = rs256_verify };
const struct public_ops ps256_public = { .load = rsa_load, .verify = ps256_verify };
