/* The host program of the library's tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/base64url.h"
#include "host.h"

const uint8_t certificate[CERTIFICATE] = { 0x30, 0x03, 0x02, 0x01, 0x07 };

struct ch_issuer issuer_of(struct party *p)
{
	struct ch_issuer i = CH_ISSUER_INIT;
	i.issuer = p->issuer;
	i.realm = p->realm;
	i.typ = p->typ;
	i.audiences = &p->audience;
	i.n_audiences = 1;
	i.jwks = p->jwks;
	i.jwks_size = p->jwks_n;
	i.max_ttl_s = 3600;
	return i;
}

struct ch_verifier *verifier_of_all(void)
{
	struct ch_issuer issuers[ISSUERS];
	struct ch_verifier *v = NULL;
	for (size_t i = 0; i < ISSUERS; i++)
		issuers[i] = issuer_of(&parties()[i]);
	assert_false(ch_failed(ch_verifier_new(issuers, ISSUERS, NULL, 0, &v)));
	return v;
}

struct ch_verifier *verifier;
union ch_scratch scratch;

int host_begin(void **state)
{
	(void)state;
	verifier = verifier_of_all();
	return ch_failed(ch_scratch_init(&scratch));
}

int host_end(void **state)
{
	(void)state;
	ch_scratch_done(&scratch);
	ch_verifier_unref(verifier);
	return 0;
}

ch_text token_with(char out[static TEXT_MAX], const char *more)
{
	char payload[TOKEN_MAX];
	struct wr w = wr_of(payload, sizeof(payload));
	wr_str(&w, str_sub(good_payload, 0, good_payload.n - 1));
	wr_str(&w, str_from_c(more));
	wr_char(&w, '}');
	str t = mint(out, &parties()[0], good_header, wr_text(&w));
	return (ch_text){ t.p, t.n };
}

ch_text good_token(void)
{
	static char out[TEXT_MAX];
	static ch_text token;
	if (!token.p)
		token = token_with(out, "");
	return token;
}

ch_text token_of(char out[static TEXT_MAX], struct party *p)
{
	char header[256], payload[512];
	struct wr h = wr_of(header, sizeof(header)), w = wr_of(payload, sizeof(payload));
	wr_lit(&h, "{\"typ\":\"");
	wr_str(&h, str_from_c(p->typ));
	wr_lit(&h, "\",\"alg\":\"");
	wr_str(&h, alg_name(p->alg));
	wr_lit(&h, "\",\"kid\":\"");
	wr_str(&h, str_from_c(p->kid));
	wr_lit(&h, "\"}");
	wr_lit(&w, "{\"iss\":\"");
	wr_str(&w, str_from_c(p->issuer));
	wr_lit(&w, "\",\"iat\":1699999900,\"exp\":1700000500,\"jti\":\"j\",\"sub\":\"s\","
		   "\"client_id\":\"c\",\"aud\":\"");
	wr_str(&w, str_from_c(p->audience));
	wr_lit(&w, "\"}");
	str t = mint(out, p, wr_text(&h), wr_text(&w));
	return (ch_text){ t.p, t.n };
}

static void write_hash(struct wr *w, bytes b)
{
	uint8_t hash[32];
	sha256(b, hash);
	base64url_write(w, BYTES_OF(hash));
}

ch_text bound_token(char out[static TEXT_MAX], bool to_key, bool to_certificate)
{
	char more[256];
	uint8_t jkt[32];
	struct wr w = wr_of(more, sizeof(more));
	jkt_of(&parties()[0], jkt);
	wr_lit(&w, ",\"cnf\":{");
	if (to_key) {
		wr_lit(&w, "\"jkt\":\"");
		base64url_write(&w, BYTES_OF(jkt));
		wr_lit(&w, "\"");
	}
	wr_str(&w, to_key && to_certificate ? LIT(",") : LIT(""));
	if (to_certificate) {
		wr_lit(&w, "\"x5t#S256\":\"");
		write_hash(&w, BYTES_OF(certificate));
		wr_lit(&w, "\"");
	}
	wr_lit(&w, "}");
	wr_char(&w, '\0');
	assert_false(w.full);
	return token_with(out, more);
}

ch_text proof_for(char out[static TEXT_MAX], struct party *p, ch_text token, const char *jti,
		  const char *nonce)
{
	char payload[512];
	struct wr w = wr_of(payload, sizeof(payload));
	wr_lit(&w, "{" PROOF_HTM "," PROOF_HTU "," PROOF_IAT ",\"jti\":\"");
	wr_str(&w, str_from_c(jti));
	wr_lit(&w, "\",\"ath\":\"");
	write_hash(&w, bytes_of_str((str){ token.p, token.n }));
	wr_lit(&w, "\"");
	if (nonce) {
		wr_lit(&w, ",\"nonce\":\"");
		wr_str(&w, str_from_c(nonce));
		wr_lit(&w, "\"");
	}
	wr_lit(&w, "}");
	wr_char(&w, '\0');
	assert_false(w.full);
	str s = proof_of(out, p, PROOF_HEAD, payload);
	return (ch_text){ s.p, s.n };
}
