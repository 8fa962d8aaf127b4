/* Nonces without a store: whoever has the key can tell what was handed out, and in which
 * slice of time. They are no secret, but nobody else can know the next one. */
#include <assert.h>

#include "base/rw.h"
#include "codec/base64url.h"
#include "crypto/hash.h"
#include "token/confirm.h"

enum { NONCE_BYTES = 24 };

static void nonce_of(const struct nonces *n, int64_t slice, char ret_text[static NONCE_TEXT])
{
	uint8_t message[32], code[MAC_SIZE];
	struct wr m = wr_of(message, sizeof(message));
	struct wr text = wr_of(ret_text, NONCE_TEXT);
	wr_lit(&m, "DPoP nonce");
	wr_i64(&m, slice);
	keyed_hash(n->key, wr_bytes(&m), code);
	base64url_write(&text, (bytes){ code, NONCE_BYTES });
	assert(text.n == NONCE_TEXT);
}

void nonces_at(const struct nonces *n, int64_t now_s, char ret_now[static NONCE_TEXT],
	       char ret_before[static NONCE_TEXT])
{
	assert(n->slice_s > 0 && now_s >= 0);
	nonce_of(n, now_s / n->slice_s, ret_now);
	nonce_of(n, now_s / n->slice_s - 1, ret_before);
}
