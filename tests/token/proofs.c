/* The scene of the tests of confirmation: made afresh each time, so that no test sees what
 * another one used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/base64url.h"
#include "crypto/hash.h"
#include "proofs.h"
#include "token/jwk.h"

enum { PROOFS = 300, STORE = 1 << 16 };

static const str token = LIT("an.access.token");

void jkt_of(const struct party *p, uint8_t ret_jkt[static 32])
{
	assert_false(failed(jwk_thumbprint(&p->parts, ret_jkt)));
}

struct scene scene_of(void)
{
	static _Alignas(64) uint8_t storage[STORE];
	struct scene s = {
		.v = { .code = TOKEN_accepted, .bound = true, .binding = { .has_jkt = true } },
		.shown = { .dpop_scheme = true },
		.r = { .token = token,
		       .method = LIT("GET"),
		       .url = LIT("https://rs.test/inbox"),
		       .now_s = now,
		       .window_s = 60,
		       .skew_s = 5 },
	};
	jkt_of(&parties()[0], s.v.binding.jkt);
	assert_false(failed(replay_init(storage, sizeof(storage), PROOFS, &s.r.replay)));
	return s;
}

static void put_member(struct wr *w, str name, bytes value)
{
	wr_lit(w, ",\"");
	wr_str(w, name);
	wr_lit(w, "\":\"");
	base64url_write(w, value);
	wr_lit(w, "\"");
}

/* Only what RFC 7638 has. */
static void put_jwk(struct wr *w, const struct key_parts *k)
{
	if (k->alg == ALG_RS256 || k->alg == ALG_PS256) {
		wr_lit(w, "\"kty\":\"RSA\"");
		put_member(w, LIT("n"), (bytes){ k->n, k->n_size });
		put_member(w, LIT("e"), (bytes){ k->e, k->e_size });
		return;
	}
	if (k->alg == ALG_EDDSA)
		wr_lit(w, "\"kty\":\"OKP\",\"crv\":\"Ed25519\"");
	else
		wr_lit(w, "\"kty\":\"EC\",\"crv\":\"P-256\"");
	put_member(w, LIT("x"), BYTES_OF(k->x));
	if (k->alg == ALG_ES256)
		put_member(w, LIT("y"), BYTES_OF(k->y));
}

static void put_ath(struct wr *w)
{
	uint8_t hash[SHA256_SIZE];
	sha256(bytes_of_str(token), hash);
	base64url_write(w, BYTES_OF(hash));
}

str proof_of(char out[static TEXT_MAX], struct party *p, const char *header, const char *payload)
{
	static char head[TEXT_MAX], body[TEXT_MAX];
	struct wr h = wr_of(head, sizeof(head)), b = wr_of(body, sizeof(body));
	for (str s = str_from_c(header); s.n; s = str_sub(s, 1, s.n))
		s.p[0] == '@' ? put_jwk(&h, &p->parts) : wr_char(&h, s.p[0]);
	for (str s = str_from_c(payload); s.n; s = str_sub(s, 1, s.n))
		s.p[0] == '@' ? put_ath(&b) : wr_char(&b, s.p[0]);
	assert_false(h.full || b.full);
	return mint(out, p, wr_text(&h), wr_text(&b));
}
