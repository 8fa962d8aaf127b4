/* The issuers of the tests, and signing what no issuer would sign. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/base64url.h"
#include "fixture.h"
#include "token/build.h"
#include "token/jwk.h"

const str good_header = LIT("{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"home-1\"}");
const str good_payload =
	LIT("{\"iss\":\"https://id.test/home\",\"iat\":1699999900,\"exp\":1700000500,"
	    "\"jti\":\"j1\",\"sub\":\"alice\",\"client_id\":\"demo\",\"aud\":\"mail\","
	    "\"scope\":\"mail.read mail.send\",\"username\":\"alice@home.test\"}");

static struct party all[ISSUERS] = {
	{ .alg = ALG_ES256,
	  .issuer = "https://id.test/home",
	  .realm = "home",
	  .typ = "at+jwt",
	  .audience = "mail",
	  .kid = "home-1" },
	{ .alg = ALG_EDDSA,
	  .issuer = "https://id.test/corp",
	  .realm = "corp",
	  .typ = "at+jwt",
	  .audience = "api",
	  .kid = "corp-1" },
	{ .alg = ALG_RS256,
	  .issuer = "https://id.test/staff",
	  .realm = "staff",
	  .typ = "JWT",
	  .audience = "app",
	  .kid = "staff-1" },
	{ .alg = ALG_PS256,
	  .issuer = "https://id.test/guest",
	  .realm = "guest",
	  .typ = "JWT",
	  .audience = "web",
	  .kid = "guest-1" },
};

static void party_make(struct party *p)
{
	struct wr w = wr_of(p->jwks, sizeof(p->jwks));
	assert_false(failed(private_key_generate(p->alg, &p->key)));
	assert_false(failed(private_key_public(p->key, &p->parts)));
	wr_lit(&w, "{\"keys\":[");
	assert_false(failed(jwk_write(&w, &p->parts, str_from_c(p->kid))));
	wr_lit(&w, "]}");
	p->jwks_n = w.n;
}

struct party *parties(void)
{
	for (size_t i = 0; i < ISSUERS && !all[i].key; i++)
		party_make(&all[i]);
	return all;
}

struct policy *policy_of_all(void)
{
	struct party *p = parties();
	struct policy_issuer in[ISSUERS];
	str audiences[ISSUERS];
	struct policy *policy = NULL;
	for (size_t i = 0; i < ISSUERS; i++) {
		audiences[i] = str_from_c(p[i].audience);
		in[i] = (struct policy_issuer){
			.issuer = str_from_c(p[i].issuer),
			.realm = str_from_c(p[i].realm),
			.typ = str_from_c(p[i].typ),
			.audiences = &audiences[i],
			.n_audiences = 1,
			.jwks = bytes_of_str((str){ p[i].jwks, p[i].jwks_n }),
			.skew_s = 30,
			.max_ttl_s = 3600,
		};
	}
	assert_false(failed(policy_new(in, ISSUERS, NULL, &policy)));
	return policy;
}

static str sign(struct wr *w, struct party *p)
{
	uint8_t sig[SIGNATURE_MAX];
	size_t n = 0;
	assert_false(failed(private_key_sign(p->key, wr_bytes(w), sig, &n)));
	token_write_signature(w, (bytes){ sig, n });
	assert_false(w->full);
	return wr_text(w);
}

str mint(char out[static TEXT_MAX], struct party *p, str header, str payload)
{
	struct wr w = wr_of(out, TEXT_MAX);
	base64url_write(&w, bytes_of_str(header));
	wr_char(&w, '.');
	base64url_write(&w, bytes_of_str(payload));
	return sign(&w, p);
}

str mint_raw(char out[static TEXT_MAX], struct party *p, str header, str payload)
{
	struct wr w = wr_of(out, TEXT_MAX);
	wr_str(&w, header);
	wr_char(&w, '.');
	wr_str(&w, payload);
	return sign(&w, p);
}

enum token_code judged(struct policy *p, str token, struct token_verdict *ret_verdict)
{
	static struct token_scratch scratch;
	struct token_verdict v;
	token_verify(p, token, now, &scratch, &v);
	if (ret_verdict)
		*ret_verdict = v;
	return v.code;
}
