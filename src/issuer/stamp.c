/* Names of codes and grants: the time first, then random bytes. What is made in one moment then
 * lies in one page of the store, not in as many as there are names, so that a commit of many
 * costs little more than one of a few. Secrecy and uniqueness are the random bytes'. */
#include <assert.h>

#include "base/clock.h"
#include "base/rand.h"
#include "codec/base64url.h"
#include "rules.h"

void stamp_write(struct wr *w, size_t n)
{
	uint8_t name[32];
	struct wr front = wr_of(name, sizeof(name));
	uint64_t now_ms = (uint64_t)clock_unix_ms();
	assert(n > STAMP_SIZE && n <= sizeof(name));
	for (int shift = 8 * (STAMP_SIZE - 1); shift >= 0; shift -= 8)
		wr_u8(&front, (uint8_t)(now_ms >> shift));
	rand_fill(name + STAMP_SIZE, n - STAMP_SIZE);
	base64url_write(w, (bytes){ name, n });
}

void code_key(str code, uint8_t ret_key[static STORE_HASH_SIZE])
{
	uint8_t stamp[STAMP_SIZE];
	struct wr w = wr_of(stamp, sizeof(stamp));
	secret_hash(secret_bytes_of(bytes_of_str(code)), ret_key);
	/* what is no code of ours is found nowhere, whatever its key */
	if (code.n >= STAMP_TEXT && !failed(base64url_read(str_sub(code, 0, STAMP_TEXT), &w)))
		mem_copy(ret_key, stamp, sizeof(stamp));
}
