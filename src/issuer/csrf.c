/* The login form's token: only a page that we made for this browser and this request
 * can be posted. The fields go in with their lengths, so that no two requests look alike. */
#include "base/rand.h"
#include "rules.h"

enum { COVERED_MAX = 16384 };

static void cover(void *ctx, str name, str value)
{
	(void)name;
	wr_bytes32(ctx, bytes_of_str(value));
}

void csrf_token(const uint8_t key[static MAC_KEY_SIZE], str realm, str cookie,
		const struct auth_request *q, char ret_token[static CSRF_TOKEN_SIZE])
{
	uint8_t covered[COVERED_MAX];
	uint8_t tag[MAC_SIZE];
	uint8_t digest[SHA256_SIZE];
	struct wr w = wr_of(covered, sizeof(covered));
	struct wr out = wr_of(ret_token, CSRF_TOKEN_SIZE);
	cover(&w, LIT("realm"), realm);
	cover(&w, LIT("cookie"), cookie);
	auth_request_each(q, cover, &w);
	/* a body is smaller than this; what is not gets a token that nobody has */
	if (w.full)
		rand_fill(covered, sizeof(covered));
	sha256(wr_bytes(&w), digest);
	mac(key, BYTES_OF(digest), tag);
	wr_hex(&out, BYTES_OF(tag));
}
