/* A stream of messages that only the holder of a private key (box_key.h) can read. Its own
 * key is new for each stream, sealed to the public half (libsodium's sealed box: X25519,
 * XSalsa20-Poly1305), and then forgotten: each message is sealed by XChaCha20-Poly1305
 * (libsodium's secretstream) under a key that is replaced behind it, so that who takes over
 * the writer cannot read what it wrote before. A message that was changed, left out, moved
 * or doubled does not open, and the last one says that it is. */
#pragma once
#include "crypto/box_key.h"

enum {
	SEALED_STREAM_HEAD = 32 + 16 + 32 + 24, /* begins the stream, as it is */
	SEALED_STREAM_OVERHEAD = 17,            /* of each message */
};

/* E_CRYPTO when nothing can be sealed to this key. The state is the caller's. */
ch_err sealed_stream_begin(const uint8_t to[static BOX_KEY_SIZE],
			   uint8_t ret_head[static SEALED_STREAM_HEAD], struct secret **ret_state);
/* Seals the next one into plain.n + SEALED_STREAM_OVERHEAD bytes, which must not overlap it.
 * `associated` is bound and not kept. Behind the last there is none. */
ch_err sealed_stream_put(struct secret *state, bytes associated, bytes plain, bool last,
			 uint8_t *ret_sealed);

/* E_SEALED for another key. */
ch_err sealed_stream_open(const struct secret *private_half,
			  const uint8_t head[static SEALED_STREAM_HEAD], struct secret **ret_state);
/* Opens the next one into sealed.n - SEALED_STREAM_OVERHEAD bytes. E_SEALED. */
ch_err sealed_stream_get(struct secret *state, bytes associated, bytes sealed, uint8_t *ret_plain,
			 bool *ret_last);
