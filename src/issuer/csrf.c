/* A form's token: only a page that we made, for this browser, this purpose and these fields,
 * within the last hour, can be posted. The fields go in with their lengths, so that no two
 * forms look alike. */
#include "base/rand.h"
#include "rules.h"

enum { COVERED_MAX = 16384, TIME_DIGITS = 16 };
_Static_assert(CSRF_TOKEN_SIZE == TIME_DIGITS + 2 * MAC_SIZE, "the token is a time and a tag");

static void cover(struct wr *w, str value)
{
	wr_bytes32(w, bytes_of_str(value));
}

static void tag_of(const uint8_t key[static MAC_KEY_SIZE], const struct csrf *c, int64_t at,
		   uint8_t ret_tag[static MAC_SIZE])
{
	uint8_t covered[COVERED_MAX];
	uint8_t digest[SHA256_SIZE];
	struct wr w = wr_of(covered, sizeof(covered));
	wr_i64(&w, at);
	cover(&w, c->realm);
	cover(&w, c->purpose);
	cover(&w, c->cookie);
	for (size_t i = 0; i < c->n_fields; i++) {
		cover(&w, c->fields[i].name);
		cover(&w, c->fields[i].value);
	}
	/* a body is smaller than this; what is not gets a token that nobody has */
	if (w.full)
		rand_fill(covered, sizeof(covered));
	sha256(wr_bytes(&w), digest);
	mac(key, BYTES_OF(digest), ret_tag);
}

void csrf_write(const uint8_t key[static MAC_KEY_SIZE], const struct csrf *c, int64_t now,
		char ret_token[static CSRF_TOKEN_SIZE])
{
	uint8_t time[TIME_DIGITS / 2], tag[MAC_SIZE];
	struct wr t = wr_of(time, sizeof(time)), w = wr_of(ret_token, CSRF_TOKEN_SIZE);
	tag_of(key, c, now, tag);
	wr_i64(&t, now);
	wr_hex(&w, BYTES_OF(time));
	wr_hex(&w, BYTES_OF(tag));
}

static bool time_read(str digits, int64_t *ret_at)
{
	uint64_t at = 0;
	for (size_t i = 0; i < digits.n; i++) {
		char c = digits.p[i];
		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
		at = at << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*ret_at = (int64_t)at;
	return at <= INT64_MAX;
}

bool csrf_ok(const uint8_t key[static MAC_KEY_SIZE], const struct csrf *c, int64_t now, str token)
{
	char want[CSRF_TOKEN_SIZE];
	int64_t at = 0;
	if (token.n != sizeof(want) || c->cookie.n == 0 ||
	    !time_read(str_sub(token, 0, TIME_DIGITS), &at) || at > now || now - at > CSRF_TTL_S)
		return false;
	csrf_write(key, c, at, want);
	return mem_eq_ct(want, token.p, sizeof(want));
}
