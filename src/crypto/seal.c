/* Sealing: XChaCha20-Poly1305 under a key-encryption key, and that key from a
 * passphrase. A sealed blob is nonce (24) || ciphertext || tag (16); the random
 * nonce is long enough never to repeat. */
#include "crypto/seal.h"

#include <sodium.h>

#include "base/rand.h"

enum { NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, MIB_IN_KIB = 1024 };

_Static_assert(SEAL_OVERHEAD == NONCE + crypto_aead_xchacha20poly1305_ietf_ABYTES, "overhead");
_Static_assert(KEK_SIZE == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key");
_Static_assert(KDF_SALT_SIZE == crypto_pwhash_argon2id_SALTBYTES, "salt");

void kdf_default(struct kdf *ret_kdf)
{
	*ret_kdf = (struct kdf){ .passes = 3, .memory_kib = 64 * MIB_IN_KIB };
	rand_fill(ret_kdf->salt, sizeof(ret_kdf->salt));
}

ch_err kek_derive(const struct kdf *kdf, const struct secret *passphrase, struct secret **ret_kek)
{
	AUTO(secret_done) struct secret *kek = NULL;
	if (kdf->passes < 1 || kdf->passes > 16)
		return ch_fail(CH_E_RANGE, "passes of the key derivation must be 1 to 16",
			       kdf->passes);
	if (kdf->memory_kib < 8 * MIB_IN_KIB || kdf->memory_kib > 1024 * MIB_IN_KIB)
		return ch_fail(CH_E_RANGE, "memory of the key derivation must be 8 MiB to 1 GiB",
			       kdf->memory_kib);
	TRY(secret_new(KEK_SIZE, &kek));
	bytes pass = secret_peek(passphrase);
	if (crypto_pwhash_argon2id(secret_poke(kek), KEK_SIZE, (const char *)pass.p, pass.n,
				   kdf->salt, kdf->passes, (size_t)kdf->memory_kib * 1024,
				   crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0)
		return ch_fail(CH_E_NOMEM, "no memory to derive the key", kdf->memory_kib);
	*ret_kek = TAKE(kek);
	return CH_DONE;
}

static ch_err check_kek(const struct secret *kek)
{
	if (secret_size(kek) != KEK_SIZE)
		return ch_fail(CH_E_USAGE, "a key-encryption key has 32 bytes", secret_size(kek));
	return CH_DONE;
}

ch_err seal(const struct secret *kek, bytes associated, const struct secret *plain, struct wr *w)
{
	bytes in = secret_peek(plain);
	TRY(check_kek(kek));
	uint8_t *at = wr_room(w, in.n + SEAL_OVERHEAD);
	if (!at)
		return wr_done(w);
	rand_fill(at, NONCE);
	if (crypto_aead_xchacha20poly1305_ietf_encrypt(at + NONCE, NULL, in.p, in.n, associated.p,
						       associated.n, NULL, at,
						       secret_peek(kek).p) != 0)
		return ch_fail(CH_E_CRYPTO, "cannot seal", 0);
	return CH_DONE;
}

ch_err unseal(const struct secret *kek, bytes associated, bytes sealed, struct secret **ret_plain)
{
	AUTO(secret_done) struct secret *plain = NULL;
	TRY(check_kek(kek));
	if (sealed.n <= SEAL_OVERHEAD)
		return ch_fail(CH_E_SEALED, "too short to be sealed", sealed.n);
	TRY(secret_new(sealed.n - SEAL_OVERHEAD, &plain));
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(
		    secret_poke(plain), NULL, NULL, sealed.p + NONCE, sealed.n - NONCE,
		    associated.p, associated.n, sealed.p, secret_peek(kek).p) != 0)
		return ch_fail(CH_E_SEALED, "another key or a changed file", sealed.n);
	*ret_plain = TAKE(plain);
	return CH_DONE;
}

ch_err ticket_seal(const uint8_t key[static KEK_SIZE], bytes associated, bytes plain, struct wr *w)
{
	uint8_t *at = wr_room(w, plain.n + SEAL_OVERHEAD);
	if (!at)
		return wr_done(w);
	rand_fill(at, NONCE);
	if (crypto_aead_xchacha20poly1305_ietf_encrypt(at + NONCE, NULL, plain.p, plain.n,
						       associated.p, associated.n, NULL, at,
						       key) != 0)
		return ch_fail(CH_E_CRYPTO, "cannot seal", 0);
	return CH_DONE;
}

ch_err ticket_open(const uint8_t key[static KEK_SIZE], bytes associated, bytes sealed, struct wr *w)
{
	if (sealed.n <= SEAL_OVERHEAD)
		return ch_fail(CH_E_SEALED, "too short to be sealed", sealed.n);
	size_t before = w->n;
	uint8_t *at = wr_room(w, sealed.n - SEAL_OVERHEAD);
	if (!at)
		return wr_done(w);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(at, NULL, NULL, sealed.p + NONCE,
						       sealed.n - NONCE, associated.p, associated.n,
						       sealed.p, key) != 0) {
		w->n = before;
		return ch_fail(CH_E_SEALED, "another key or a changed text", sealed.n);
	}
	return CH_DONE;
}
