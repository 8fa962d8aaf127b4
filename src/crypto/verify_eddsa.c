/* Verifies Ed25519 (RFC 8032) by libsodium, nearly twice as fast as OpenSSL 3.0. It
 * refuses S >= L, small-order and non-canonical points itself; a public key must
 * moreover be of the prime-order group. */
#include <sodium.h>

#include "public_internal.h"

enum { SIG = crypto_sign_BYTES, PUB = crypto_sign_PUBLICKEYBYTES };

static ch_err point_check(const uint8_t key[static PUB])
{
	if (crypto_core_ed25519_is_valid_point(key) != 1)
		return ch_fail(CH_E_RANGE, "not a point of Ed25519's prime-order group", 0);
	return CH_DONE;
}

static ch_err sig_check(const uint8_t key[static PUB], bytes text, bytes sig)
{
	if (sig.n != SIG)
		return ch_fail(CH_E_MISMATCH, "an EdDSA signature has 64 bytes", sig.n);
	if (crypto_sign_verify_detached(sig.p, text.p, text.n, key) != 0)
		return ch_fail(CH_E_MISMATCH, "the EdDSA signature is wrong", 0);
	return CH_DONE;
}

ch_err ed25519_verify(const uint8_t key[static PUB], bytes text, bytes sig)
{
	TRY(point_check(key));
	return sig_check(key, text, sig);
}

static ch_err ed_load(struct public_key *k, const struct key_parts *parts)
{
	TRY(point_check(parts->x));
	mem_copy(k->ed, parts->x, PUB);
	return CH_DONE;
}

static ch_err ed_verify(const struct public_key *k, struct key_work *work_or_null,
			struct signed_text t, bytes sig)
{
	(void)work_or_null;
	return sig_check(k->ed, t.text, sig);
}

const struct public_ops eddsa_public = { .load = ed_load, .verify = ed_verify };
