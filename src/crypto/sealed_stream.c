/* Sealed streams: libsodium's sealed box around a key, and its secretstream under it. The
 * state is all that a stream has, and lies in secret memory. Every message but the last is
 * pushed with REKEY: the key that sealed it is then gone. */
#include "crypto/sealed_stream.h"

#include <sodium.h>

typedef crypto_secretstream_xchacha20poly1305_state stream_state;

enum {
	KEY_SIZE = crypto_secretstream_xchacha20poly1305_KEYBYTES,
	SEALED_KEY = KEY_SIZE + crypto_box_SEALBYTES,
	TAG_NEXT = crypto_secretstream_xchacha20poly1305_TAG_REKEY,
	TAG_LAST = crypto_secretstream_xchacha20poly1305_TAG_FINAL,
};

_Static_assert(SEALED_STREAM_HEAD == SEALED_KEY + crypto_secretstream_xchacha20poly1305_HEADERBYTES,
	       "head");
_Static_assert(SEALED_STREAM_OVERHEAD == crypto_secretstream_xchacha20poly1305_ABYTES, "overhead");

static stream_state *state_of(struct secret *state)
{
	return (stream_state *)(void *)secret_poke(state);
}

ch_err sealed_stream_begin(const uint8_t to[static BOX_KEY_SIZE],
			   uint8_t ret_head[static SEALED_STREAM_HEAD], struct secret **ret_state)
{
	AUTO(secret_done) struct secret *key = NULL;
	AUTO(secret_done) struct secret *state = NULL;
	uint8_t head[SEALED_STREAM_HEAD];
	TRY(secret_new(KEY_SIZE, &key));
	TRY(secret_new(sizeof(stream_state), &state));
	crypto_secretstream_xchacha20poly1305_keygen(secret_poke(key));
	if (crypto_box_seal(head, secret_peek(key).p, KEY_SIZE, to) != 0)
		return ch_fail(CH_E_CRYPTO, "nothing can be sealed to this public key", 0);
	if (crypto_secretstream_xchacha20poly1305_init_push(state_of(state), head + SEALED_KEY,
							    secret_peek(key).p) != 0)
		return ch_fail(CH_E_CRYPTO, "cannot begin a sealed stream", 0);
	mem_copy(ret_head, head, sizeof(head));
	*ret_state = TAKE(state);
	return CH_DONE;
}

ch_err sealed_stream_put(struct secret *state, bytes associated, bytes plain, bool last,
			 uint8_t *ret_sealed)
{
	if (crypto_secretstream_xchacha20poly1305_push(state_of(state), ret_sealed, NULL, plain.p,
						       plain.n, associated.p, associated.n,
						       last ? TAG_LAST : TAG_NEXT) != 0)
		return ch_fail(CH_E_CRYPTO, "cannot seal a message", plain.n);
	return CH_DONE;
}

ch_err sealed_stream_open(const struct secret *private_half,
			  const uint8_t head[static SEALED_STREAM_HEAD], struct secret **ret_state)
{
	AUTO(secret_done) struct secret *key = NULL;
	AUTO(secret_done) struct secret *state = NULL;
	uint8_t public_half[BOX_KEY_SIZE];
	TRY(box_public_of(private_half, public_half));
	TRY(secret_new(KEY_SIZE, &key));
	TRY(secret_new(sizeof(stream_state), &state));
	if (crypto_box_seal_open(secret_poke(key), head, SEALED_KEY, public_half,
				 secret_peek(private_half).p) != 0)
		return ch_fail(CH_E_SEALED, "sealed to another key, or changed", 0);
	if (crypto_secretstream_xchacha20poly1305_init_pull(state_of(state), head + SEALED_KEY,
							    secret_peek(key).p) != 0)
		return ch_fail(CH_E_SEALED, "not a sealed stream", 0);
	*ret_state = TAKE(state);
	return CH_DONE;
}

ch_err sealed_stream_get(struct secret *state, bytes associated, bytes sealed, uint8_t *ret_plain,
			 bool *ret_last)
{
	unsigned char tag = 0;
	if (sealed.n < SEALED_STREAM_OVERHEAD)
		return ch_fail(CH_E_SEALED, "too short to be sealed", sealed.n);
	if (crypto_secretstream_xchacha20poly1305_pull(state_of(state), ret_plain, NULL, &tag,
						       sealed.p, sealed.n, associated.p,
						       associated.n) != 0 ||
	    (tag != TAG_NEXT && tag != TAG_LAST))
		return ch_fail(CH_E_SEALED, "a message was changed, left out or moved", sealed.n);
	*ret_last = tag == TAG_LAST;
	return CH_DONE;
}
