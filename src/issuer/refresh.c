/* Refresh tokens: `rt.GRANT.SEQ.CODE`. The code is an HMAC under a key that no store holds,
 * over a salt that only the store holds: who has one of them alone makes no token, and
 * every token that was ever given is known without being kept. Pure. */
#include "base/secret.h"
#include "codec/base64url.h"
#include "rules.h"

enum { SEQ_MAX_DIGITS = 19, MAC_TEXT_SIZE = 43 };

static bool is_base64url(str text, size_t bytes_wanted)
{
	uint8_t room[MAC_SIZE];
	struct wr w = wr_of(room, sizeof(room));
	return !failed(base64url_read(text, &w)) && w.n == bytes_wanted;
}

ch_err refresh_token_read(str text, struct refresh_token *ret_t)
{
	struct refresh_token t = { 0 };
	struct wr code = wr_of(t.code, sizeof(t.code));
	uint64_t seq = 0;
	str rest = text;
	str kind = str_cut(&rest, '.');
	str grant = str_cut(&rest, '.');
	str number = str_cut(&rest, '.');
	if (text.n > REFRESH_TOKEN_MAX || !str_eq(kind, LIT("rt")) ||
	    grant.n != STORE_GRANT_ID_SIZE || !is_base64url(grant, 16) || number.n == 0 ||
	    number.n > SEQ_MAX_DIGITS || !str_to_u64(number, INT64_MAX, &seq) || seq == 0 ||
	    rest.n != MAC_TEXT_SIZE || failed(base64url_read(rest, &code)))
		return ch_fail(CH_E_SYNTAX, "the text is no refresh token", text.n);
	t.grant_id = grant;
	t.seq = (int64_t)seq;
	*ret_t = t;
	return CH_DONE;
}

static void code_of(const uint8_t key[static MAC_KEY_SIZE], const struct store_grant *g,
		    int64_t seq, uint8_t ret_code[static MAC_SIZE])
{
	SECRET_BUF(room, 512);
	struct wr w = wr_of(room, sizeof(room));
	wr_str16(&w, LIT("chancery refresh token 1"));
	wr_str16(&w, g->realm);
	wr_str16(&w, g->id);
	wr_i64(&w, seq);
	wr_bytes16(&w, BYTES_OF(g->salt));
	mac(key, wr_bytes(&w), ret_code);
}

void refresh_token_write(struct wr *w, const uint8_t key[static MAC_KEY_SIZE],
			 const struct store_grant *g, int64_t seq)
{
	uint8_t code[MAC_SIZE];
	code_of(key, g, seq, code);
	wr_lit(w, "rt.");
	wr_str(w, g->id);
	wr_char(w, '.');
	wr_dec(w, (uint64_t)seq);
	wr_char(w, '.');
	base64url_write(w, BYTES_OF(code));
}

bool refresh_token_genuine(const uint8_t key[static MAC_KEY_SIZE], const struct store_grant *g,
			   const struct refresh_token *t)
{
	uint8_t want[MAC_SIZE];
	code_of(key, g, t->seq, want);
	return str_eq(t->grant_id, g->id) && mem_eq_ct(want, t->code, sizeof(want));
}

bool grant_is_over(const struct issuer_realm *realm, const struct store_grant *g, int64_t now)
{
	return g->revoked || g->expires <= now || g->created + realm->refresh_ttl_s <= now ||
	       g->rotated + realm->refresh_idle_s <= now;
}

int64_t grant_expires(const struct issuer_realm *realm, int64_t created, int64_t now)
{
	int64_t idle = now + realm->refresh_idle_s, absolute = created + realm->refresh_ttl_s;
	return idle < absolute ? idle : absolute;
}

/* A token that is good was made by us for this grant (refresh_token_genuine): nothing that
 * others can think up gets here, so what revokes cannot be guessed. */
enum refresh_verdict refresh_judge(const struct issuer_realm *realm, const struct store_grant *g,
				   str client_id, str jkt, int64_t seq, int64_t now)
{
	/* who has a token without its key can do nothing with it, nor end the grant */
	if (g->dpop.n > 0 && !str_eq(g->dpop, jkt))
		return REFRESH_REFUSED;
	if (grant_is_over(realm, g, now) || seq > g->seq || seq < 1)
		return REFRESH_REFUSED;
	if (!str_eq(g->client_id, client_id))
		return REFRESH_STOLEN;
	if (seq == g->seq)
		return REFRESH_ROTATE;
	if (seq == g->seq - 1 && realm->refresh_window_s > 0 &&
	    now < g->rotated + realm->refresh_window_s)
		return REFRESH_REPEAT;
	return REFRESH_STOLEN;
}
