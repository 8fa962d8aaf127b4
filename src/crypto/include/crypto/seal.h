/* Secrets at rest. A key-encryption key from a passphrase by Argon2id (RFC 9106);
 * under it XChaCha20-Poly1305, whose associated data bind what the file says of
 * itself. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"
#include "base/rw.h"
#include "base/secret.h"

enum { KEK_SIZE = 32, KDF_SALT_SIZE = 16, SEAL_OVERHEAD = 24 + 16 };

struct kdf {
	uint32_t passes;
	uint32_t memory_kib;
	uint8_t salt[KDF_SALT_SIZE];
};

/* 3 passes, 64 MiB, a fresh salt. */
void kdf_default(struct kdf *ret_kdf);
/* E_RANGE for parameters under 1 pass / 8 MiB or over 16 passes / 1 GiB. */
ch_err kek_derive(const struct kdf *kdf, const struct secret *passphrase, struct secret **ret_kek);
/* Appends nonce || ciphertext || tag: size of the plain text + SEAL_OVERHEAD. */
ch_err seal(const struct secret *kek, bytes associated, const struct secret *plain, struct wr *w);
/* The same for what others carry for us and bring back: no secret of ours, but theirs to neither
 * read nor change. */
ch_err ticket_seal(const uint8_t key[static KEK_SIZE], bytes associated, bytes plain, struct wr *w);
/* Appends the plain text. E_SEALED as below. */
ch_err ticket_open(const uint8_t key[static KEK_SIZE], bytes associated, bytes sealed,
		   struct wr *w);
/* E_SEALED when the key is another or anything was changed. */
ch_err unseal(const struct secret *kek, bytes associated, bytes sealed, struct secret **ret_plain);
