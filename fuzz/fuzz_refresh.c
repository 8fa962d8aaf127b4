/* A refresh token's text: what is read is written again the same, and the code of nothing
 * but what we made is ours. */
#include <assert.h>

#include "codec/base64url.h"
#include "rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[MAC_KEY_SIZE] = { 1 };
	uint8_t room[REFRESH_TOKEN_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct refresh_token t;
	str text = { (const char *)data, size };
	if (failed(refresh_token_read(text, &t)))
		return 0;
	assert(t.seq > 0 && t.grant_id.n == STORE_GRANT_ID_SIZE);
	wr_lit(&w, "rt.");
	wr_str(&w, t.grant_id);
	wr_char(&w, '.');
	wr_dec(&w, (uint64_t)t.seq);
	wr_char(&w, '.');
	base64url_write(&w, BYTES_OF(t.code));
	assert(!w.full && str_eq(wr_text(&w), text));
	const struct store_grant g = { .id = t.grant_id, .realm = LIT("home") };
	w = wr_of(room, sizeof(room));
	refresh_token_write(&w, key, &g, t.seq);
	assert(refresh_token_genuine(key, &g, &t) == str_eq(wr_text(&w), text));
	return 0;
}
