/* Bound tokens: each rule of the proof by a proof that breaks it and nothing else, is
 * signed correctly, and must be refused for its own reason, after at most one signature
 * check and without an allocation of ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "counts.h"
#include "proofs.h"

/* The signature is the last thing that is looked at, but for the store. */
static bool after_signature(const struct token_verdict *v)
{
	return v->code == TOKEN_proof_replayed || v->code == TOKEN_proof_unknown ||
	       str_eq(v->what, LIT("signature"));
}

static enum token_code confirmed(struct scene *s)
{
	static struct token_scratch scratch;
	bool proof_asked = s->v.binding.has_jkt;
	checks = allocations = 0;
	s->v.code = TOKEN_accepted;
	s->v.where = s->v.what = (str){ NULL, 0 };
	enum token_code code = token_confirm(&s->v, &s->shown, &s->r, &scratch);
	assert_int_equal(allocations, 0);
	assert_int_equal(code, s->v.code);
	assert_int_equal(code == TOKEN_accepted, !s->v.where.n);
	bool checked = code == TOKEN_accepted ? proof_asked : after_signature(&s->v);
	assert_int_equal(checks, checked ? 1 : 0);
	return code;
}

/* --- the proof's rules ------------------------------------------------------------- */

/* clang-format off */
#define H PROOF_H
#define HEAD PROOF_HEAD
#define JTI PROOF_JTI
#define HTM PROOF_HTM
#define HTU PROOF_HTU
#define IAT PROOF_IAT
#define ATH PROOF_ATH
#define ALL PROOF_ALL
#define BODY PROOF_BODY
#define TYP "\"typ\":\"dpop+jwt\""
#define ALG "\"alg\":\"ES256\""
#define JWK "\"jwk\":{@}"
#define WITH(more) H "," more "}"
#define KEY(more) "{" TYP "," ALG ",\"jwk\":{@," more "}}"
#define EC "\"kty\":\"EC\",\"crv\":\"P-256\""
#define X "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""
#define Y "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""
#define BARE(jwk) "{" TYP "," ALG ",\"jwk\":" jwk "}"
#define Z32 "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"

static const struct rule {
	const char *header, *payload, *what;
	enum token_code code;
} rules[] = {
	/* members of the header that must never be there, but for jwk as in access tokens */
	{ WITH("\"crit\":[\"exp\"]"), BODY, "crit", TOKEN_bad_proof },
	{ WITH("\"b64\":true"), BODY, "b64", TOKEN_bad_proof },
	{ WITH("\"jku\":\"https://evil.test/jwks\""), BODY, "jku", TOKEN_bad_proof },
	{ WITH("\"x5u\":\"https://evil.test/cert\""), BODY, "x5u", TOKEN_bad_proof },
	{ WITH("\"x5c\":[\"MII\"]"), BODY, "x5c", TOKEN_bad_proof },
	{ WITH("\"x5t#S256\":\"AA\""), BODY, "x5t#S256", TOKEN_bad_proof },
	{ WITH("\"zip\":\"DEF\""), BODY, "zip", TOKEN_bad_proof },
	{ WITH("\"cty\":\"JWT\""), BODY, "cty", TOKEN_bad_proof },
	{ WITH("\"enc\":\"A128GCM\""), BODY, "enc", TOKEN_bad_proof },
	{ WITH("\"iss\":\"x\""), BODY, "iss", TOKEN_bad_proof },
	/* typ */
	{ "{" ALG "," JWK "}", BODY, "typ", TOKEN_bad_proof },
	{ "{" ALG "," JWK ",\"typ\":\"JWT\"}", BODY, "typ", TOKEN_bad_proof },
	{ "{" ALG "," JWK ",\"typ\":\"at+jwt\"}", BODY, "typ", TOKEN_bad_proof },
	{ "{" ALG "," JWK ",\"typ\":\"dpop\"}", BODY, "typ", TOKEN_bad_proof },
	{ "{" ALG "," JWK ",\"typ\":\"\"}", BODY, "typ", TOKEN_bad_proof },
	{ "{" ALG "," JWK ",\"typ\":\"dpop+jwt \"}", BODY, "typ", TOKEN_bad_proof },
	{ "{" ALG "," JWK ",\"typ\":\"application/application/dpop+jwt\"}", BODY, "typ", TOKEN_bad_proof },
	{ "{" ALG "," JWK ",\"typ\":[\"dpop+jwt\"]}", BODY, "typ", TOKEN_bad_proof },
	{ "{" ALG "," JWK ",\"typ\":null}", BODY, "typ", TOKEN_bad_proof },
	/* alg */
	{ "{" TYP "," JWK "}", BODY, "alg", TOKEN_bad_proof },
	{ "{" TYP "," JWK ",\"alg\":\"none\"}", BODY, "alg", TOKEN_bad_proof },
	{ "{" TYP "," JWK ",\"alg\":\"HS256\"}", BODY, "alg", TOKEN_bad_proof },
	{ "{" TYP "," JWK ",\"alg\":\"es256\"}", BODY, "alg", TOKEN_bad_proof },
	{ "{" TYP "," JWK ",\"alg\":\"ES256K\"}", BODY, "alg", TOKEN_bad_proof },
	{ "{" TYP "," JWK ",\"alg\":7}", BODY, "alg", TOKEN_bad_proof },
	/* the key */
	{ "{" TYP "," ALG "}", BODY, "jwk", TOKEN_bad_proof },
	{ BARE("null"), BODY, "jwk", TOKEN_bad_proof },
	{ BARE("\"x\""), BODY, "jwk", TOKEN_bad_proof },
	{ BARE("{}"), BODY, "jwk", TOKEN_bad_proof },
	{ BARE("[{@}]"), BODY, "jwk", TOKEN_bad_proof },
	{ KEY("\"d\":\"AA\""), BODY, "jwk", TOKEN_bad_proof },
	{ KEY("\"d\":null"), BODY, "jwk", TOKEN_bad_proof },
	{ KEY("\"p\":\"AA\""), BODY, "jwk", TOKEN_bad_proof },
	{ KEY("\"q\":\"AA\""), BODY, "jwk", TOKEN_bad_proof },
	{ KEY("\"dp\":\"AA\""), BODY, "jwk", TOKEN_bad_proof },
	{ KEY("\"dq\":\"AA\""), BODY, "jwk", TOKEN_bad_proof },
	{ KEY("\"qi\":\"AA\""), BODY, "jwk", TOKEN_bad_proof },
	{ KEY("\"oth\":[]"), BODY, "jwk", TOKEN_bad_proof },
	{ KEY("\"k\":\"AA\""), BODY, "jwk", TOKEN_bad_proof },
	{ KEY("\"use\":\"enc\""), BODY, "jwk", TOKEN_bad_proof },
	{ KEY("\"key_ops\":[\"sign\"]"), BODY, "jwk", TOKEN_bad_proof },
	{ KEY("\"alg\":\"RS256\""), BODY, "jwk", TOKEN_bad_proof },
	{ KEY("\"alg\":\"none\""), BODY, "jwk", TOKEN_bad_proof },
	{ KEY("\"alg\":1"), BODY, "jwk", TOKEN_bad_proof },
	{ "{" TYP ",\"alg\":\"EdDSA\"," JWK "}", BODY, "jwk", TOKEN_bad_proof },
	{ "{" TYP ",\"alg\":\"PS256\"," JWK "}", BODY, "jwk", TOKEN_bad_proof },
	{ BARE("{\"kty\":\"oct\",\"k\":\"AA\"}"), BODY, "jwk", TOKEN_bad_proof },
	{ BARE("{\"kty\":\"RSA\",\"n\":\"AQ\",\"e\":\"AQAB\"}"), BODY, "jwk", TOKEN_bad_proof },
	{ BARE("{\"kty\":\"EC\",\"crv\":\"P-384\"," X "," Y "}"), BODY, "jwk", TOKEN_bad_proof },
	{ BARE("{\"kty\":\"EC\"," X "," Y "}"), BODY, "jwk", TOKEN_bad_proof },
	{ BARE("{" EC "," X "}"), BODY, "jwk", TOKEN_bad_proof },
	{ BARE("{" EC "," X ",\"y\":\"AA\"}"), BODY, "jwk", TOKEN_bad_proof },
	{ BARE("{" EC "," X "=," Y "}"), BODY, "", TOKEN_bad_proof },
	{ BARE("{" EC "," X "," Y "}"), BODY, "jwk", TOKEN_bad_binding },
	{ "{" TYP "," ALG ",\"kid\":\"a\",\"jwk\":{@,\"kid\":\"b\"}}", BODY, "kid", TOKEN_bad_proof },
	{ "{" TYP "," ALG ",\"kid\":1,\"jwk\":{@}}", BODY, "kid", TOKEN_bad_proof },
	{ KEY("\"kid\":[]"), BODY, "kid", TOKEN_bad_proof },
	/* what two parsers could read differently */
	{ WITH(ALG), BODY, "", TOKEN_bad_proof },
	{ WITH(JWK), BODY, "", TOKEN_bad_proof },
	{ KEY("\"kty\":\"EC\""), BODY, "", TOKEN_bad_proof },
	{ "{" TYP "," ALG ",\"\\u006awk\":{@}}", BODY, "", TOKEN_bad_proof },
	{ HEAD, "{" ALL "," HTM "}", "", TOKEN_bad_proof },
	{ HEAD, "{" ALL ",\"x\":\"\\ud800\"}", "", TOKEN_bad_proof },
	{ HEAD, "{" ALL ",\"x\":\"\xff\"}", "", TOKEN_bad_proof },
	{ HEAD, "{" ALL ",\"x\":[[[[]]]]}", "", TOKEN_bad_proof },
	{ HEAD, "{" ALL ",}", "", TOKEN_bad_proof },
	{ HEAD, "[" BODY "]", "", TOKEN_bad_proof },
	{ HEAD, "null", "", TOKEN_bad_proof },
	{ "[" HEAD "]", BODY, "", TOKEN_bad_proof },
	/* jti */
	{ HEAD, "{" HTM "," HTU "," IAT "," ATH "}", "jti", TOKEN_bad_proof },
	{ HEAD, "{" HTM "," HTU "," IAT "," ATH ",\"jti\":\"\"}", "jti", TOKEN_bad_proof },
	{ HEAD, "{" HTM "," HTU "," IAT "," ATH ",\"jti\":1}", "jti", TOKEN_bad_proof },
	{ HEAD, "{" HTM "," HTU "," IAT "," ATH ",\"jti\":[\"p1\"]}", "jti", TOKEN_bad_proof },
	{ HEAD, "{" HTM "," HTU "," IAT "," ATH ",\"jti\":\"" Z32 Z32 Z32 Z32 "z\"}", "jti", TOKEN_bad_proof },
	/* htm */
	{ HEAD, "{" JTI "," HTU "," IAT "," ATH "}", "htm", TOKEN_bad_proof },
	{ HEAD, "{" JTI "," HTU "," IAT "," ATH ",\"htm\":\"POST\"}", "htm", TOKEN_bad_proof },
	{ HEAD, "{" JTI "," HTU "," IAT "," ATH ",\"htm\":\"get\"}", "htm", TOKEN_bad_proof },
	{ HEAD, "{" JTI "," HTU "," IAT "," ATH ",\"htm\":\"GET \"}", "htm", TOKEN_bad_proof },
	{ HEAD, "{" JTI "," HTU "," IAT "," ATH ",\"htm\":\"\"}", "htm", TOKEN_bad_proof },
	{ HEAD, "{" JTI "," HTU "," IAT "," ATH ",\"htm\":[\"GET\"]}", "htm", TOKEN_bad_proof },
	/* htu; its own test has the rest */
	{ HEAD, "{" JTI "," HTM "," IAT "," ATH "}", "htu", TOKEN_bad_proof },
	{ HEAD, "{" JTI "," HTM "," IAT "," ATH ",\"htu\":\"https://rs.test/outbox\"}", "htu", TOKEN_bad_proof },
	{ HEAD, "{" JTI "," HTM "," IAT "," ATH ",\"htu\":\"http://rs.test/inbox\"}", "htu", TOKEN_bad_proof },
	{ HEAD, "{" JTI "," HTM "," IAT "," ATH ",\"htu\":\"https://rs.test/x/../inbox\"}", "htu", TOKEN_bad_proof },
	{ HEAD, "{" JTI "," HTM "," IAT "," ATH ",\"htu\":\"/inbox\"}", "htu", TOKEN_bad_proof },
	{ HEAD, "{" JTI "," HTM "," IAT "," ATH ",\"htu\":\"https://rs.test/inbox\\u0000\"}", "htu", TOKEN_bad_proof },
	{ HEAD, "{" JTI "," HTM "," IAT "," ATH ",\"htu\":null}", "htu", TOKEN_bad_proof },
	/* iat: 60 seconds back, 5 ahead */
	{ HEAD, "{" JTI "," HTM "," HTU "," ATH "}", "iat", TOKEN_bad_proof },
	{ HEAD, "{" JTI "," HTM "," HTU "," ATH ",\"iat\":1699999939}", "iat", TOKEN_bad_proof },
	{ HEAD, "{" JTI "," HTM "," HTU "," ATH ",\"iat\":1700000006}", "iat", TOKEN_bad_proof },
	{ HEAD, "{" JTI "," HTM "," HTU "," ATH ",\"iat\":\"1699999990\"}", "iat", TOKEN_bad_proof },
	{ HEAD, "{" JTI "," HTM "," HTU "," ATH ",\"iat\":1699999990.5}", "iat", TOKEN_bad_proof },
	{ HEAD, "{" JTI "," HTM "," HTU "," ATH ",\"iat\":1.69999999e9}", "iat", TOKEN_bad_proof },
	{ HEAD, "{" JTI "," HTM "," HTU "," ATH ",\"iat\":1699999990000}", "iat", TOKEN_bad_proof },
	{ HEAD, "{" JTI "," HTM "," HTU "," ATH ",\"iat\":-1}", "iat", TOKEN_bad_proof },
	{ HEAD, "{" JTI "," HTM "," HTU "," ATH ",\"iat\":9223372036854775807}", "iat", TOKEN_bad_proof },
	{ HEAD, "{" JTI "," HTM "," HTU "," ATH ",\"iat\":-9223372036854775808}", "iat", TOKEN_bad_proof },
	/* exp and nbf need not be there */
	{ HEAD, "{" ALL ",\"exp\":1700000000}", "exp", TOKEN_bad_proof },
	{ HEAD, "{" ALL ",\"exp\":\"1700000060\"}", "exp", TOKEN_bad_proof },
	{ HEAD, "{" ALL ",\"exp\":1e300}", "exp", TOKEN_bad_proof },
	{ HEAD, "{" ALL ",\"exp\":null}", "exp", TOKEN_bad_proof },
	{ HEAD, "{" ALL ",\"nbf\":1700000006}", "nbf", TOKEN_bad_proof },
	{ HEAD, "{" ALL ",\"nbf\":\"0\"}", "nbf", TOKEN_bad_proof },
	/* ath */
	{ HEAD, "{" JTI "," HTM "," HTU "," IAT "}", "ath", TOKEN_bad_proof },
	{ HEAD, "{" JTI "," HTM "," HTU "," IAT ",\"ath\":\"\"}", "ath", TOKEN_bad_proof },
	{ HEAD, "{" JTI "," HTM "," HTU "," IAT ",\"ath\":\"@=\"}", "ath", TOKEN_bad_proof },
	{ HEAD, "{" JTI "," HTM "," HTU "," IAT ",\"ath\":[\"@\"]}", "ath", TOKEN_bad_proof },
	{ HEAD, "{" JTI "," HTM "," HTU "," IAT ",\"ath\":\"fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo\"}", "ath", TOKEN_bad_proof },
	/* nonce: none is asked for, but it is a string */
	{ HEAD, "{" ALL ",\"nonce\":1}", "nonce", TOKEN_bad_proof },
	{ HEAD, "{" ALL ",\"nonce\":\"" Z32 Z32 Z32 Z32 "z\"}", "nonce", TOKEN_bad_proof },
};

static const struct {
	const char *header, *payload;
} fine[] = {
	{ HEAD, BODY },
	{ "{" ALG "," JWK ",\"typ\":\"application/DPoP+JWT\"}", BODY },
	{ "{" ALG "," JWK ",\"typ\":\"dpop\\u002bjwt\",\"other\":[1]}", BODY },
	{ KEY("\"use\":\"sig\",\"key_ops\":[\"verify\"],\"alg\":\"ES256\",\"kid\":\"a\",\"x5t\":\"AA\""), BODY },
	{ "{" TYP "," ALG ",\"kid\":\"a\",\"jwk\":{@,\"kid\":\"a\"}}", BODY },
	{ "{" TYP "," ALG ",\"kid\":\"a\",\"jwk\":{@}}", BODY },
	{ HEAD, "{" HTM "," HTU "," IAT "," ATH ",\"jti\":\"" Z32 Z32 Z32 Z32 "\"}" },
	{ HEAD, "{" JTI "," HTM "," IAT "," ATH ",\"htu\":\"HTTPS://RS.test:443/%69nbox?a#b\"}" },
	{ HEAD, "{" JTI "," HTM "," IAT "," ATH ",\"htu\":\"https:\\/\\/rs.test\\/inbox\"}" },
	{ HEAD, "{" JTI "," HTM "," HTU "," ATH ",\"iat\":1699999940}" },
	{ HEAD, "{" JTI "," HTM "," HTU "," ATH ",\"iat\":1700000005}" },
	{ HEAD, "{" ALL ",\"exp\":1700000001,\"nbf\":1700000005,\"nonce\":\"any\",\"x\":[{}]}" },
};
/* clang-format on */

static enum token_code shown(struct scene *s, struct party *p, const char *header,
			     const char *payload)
{
	static char text[TEXT_MAX];
	s->shown.dpop = proof_of(text, p, header, payload);
	return confirmed(s);
}

static void each_rule(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rules); i++) {
		struct scene s = scene_of();
		const struct rule *r = &rules[i];
		enum token_code code = shown(&s, parties(), r->header, r->payload);
		if (code != r->code || !str_eq(s.v.what, str_from_c(r->what)))
			fail_msg("%s (%s), not %s (%s): %s . %s", token_code_name(code).p,
				 s.v.what.n ? s.v.what.p : "", token_code_name(r->code).p, r->what,
				 r->header, r->payload);
		assert_true(str_eq(s.v.where, LIT("proof")));
		/* and nothing was remembered */
		assert_int_equal(shown(&s, parties(), HEAD, BODY), TOKEN_accepted);
	}
}

static void fine_ones(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(fine); i++) {
		struct scene s = scene_of();
		enum token_code code = shown(&s, parties(), fine[i].header, fine[i].payload);
		if (code != TOKEN_accepted)
			fail_msg("%s (%s): %s . %s", token_code_name(code).p, s.v.what.p,
				 fine[i].header, fine[i].payload);
		assert_int_equal(shown(&s, parties(), fine[i].header, fine[i].payload),
				 TOKEN_proof_replayed);
	}
}

/* One key, each algorithm that it can have; RS256's key under the other RSA algorithm is
 * another signature. */
static void every_algorithm(void **state)
{
	(void)state;
	for (size_t i = 0; i < ISSUERS; i++) {
		struct scene s = scene_of();
		struct party *p = &parties()[i];
		char header[256];
		struct wr w = wr_of(header, sizeof(header));
		wr_lit(&w, "{\"typ\":\"dpop+jwt\",\"jwk\":{@},\"alg\":\"");
		wr_str(&w, alg_name(p->alg));
		wr_lit(&w, "\"}\0");
		s.v.binding.jkt[31] ^= 1;
		assert_int_equal(shown(&s, p, header, BODY), TOKEN_bad_binding);
		jkt_of(p, s.v.binding.jkt);
		assert_int_equal(shown(&s, p, header, BODY), TOKEN_accepted);
		assert_int_equal(shown(&s, p, header, BODY), TOKEN_proof_replayed);
	}
	struct scene s = scene_of();
	jkt_of(&parties()[2], s.v.binding.jkt);
	assert_int_equal(shown(&s, &parties()[2],
			       "{\"typ\":\"dpop+jwt\",\"jwk\":{@},\"alg\":\"PS256\"}", BODY),
			 TOKEN_bad_proof);
	assert_true(str_eq(s.v.what, LIT("signature")));
}

/* The right key in the header, another one's signature. */
static void not_the_keys_signature(void **state)
{
	struct scene s = scene_of();
	static char text[TEXT_MAX];
	struct party other = parties()[0];
	(void)state;
	other.key = NULL;
	assert_false(failed(private_key_generate(ALG_ES256, &other.key)));
	for (int i = 0; i < 200; i++) {
		s.shown.dpop = proof_of(text, &other, HEAD, BODY);
		assert_int_equal(confirmed(&s), TOKEN_bad_proof);
		assert_true(str_eq(s.v.what, LIT("signature")));
	}
	assert_int_equal(shown(&s, parties(), HEAD, BODY), TOKEN_accepted);
	private_key_free(other.key);
}

/* A point that is none, although the token is bound to it. */
static void key_off_the_curve(void **state)
{
	struct scene s = scene_of();
	struct party off = parties()[0];
	(void)state;
	off.parts.y[31] ^= 1;
	jkt_of(&off, s.v.binding.jkt);
	static char text[TEXT_MAX];
	s.shown.dpop = proof_of(text, &off, HEAD, BODY);
	assert_int_equal(confirmed(&s), TOKEN_bad_proof);
	assert_true(str_eq(s.v.what, LIT("jwk")));
}

/* --- nonces, the store, the request ------------------------------------------------ */

static void nonces(void **state)
{
	static const struct nonces keyed = { .key = { 1, 2, 3 }, .slice_s = 300 };
	char fresh[NONCE_TEXT], before[NONCE_TEXT], body[512];
	struct scene s = scene_of();
	str good[2] = { { fresh, NONCE_TEXT }, { before, NONCE_TEXT } };
	(void)state;
	nonces_at(&keyed, now, fresh, before);
	s.r.nonces = good;
	s.r.n_nonces = 2;
	assert_int_equal(shown(&s, parties(), HEAD, BODY), TOKEN_nonce_needed);
	assert_int_equal(shown(&s, parties(), HEAD, "{" ALL ",\"nonce\":\"\"}"),
			 TOKEN_nonce_needed);
	assert_int_equal(shown(&s, parties(), HEAD, "{" ALL ",\"nonce\":\"other\"}"),
			 TOKEN_nonce_needed);
	assert_int_equal(shown(&s, parties(), HEAD, "{" ALL ",\"nonce\":null}"), TOKEN_bad_proof);
	for (size_t i = 0; i < 2; i++) {
		struct wr w = wr_of(body, sizeof(body));
		wr_lit(&w, "{" HTM "," HTU "," IAT "," ATH ",\"jti\":\"");
		wr_dec(&w, i);
		wr_lit(&w, "\",\"nonce\":\"");
		wr_str(&w, good[i]);
		wr_lit(&w, "\"}\0");
		assert_int_equal(shown(&s, parties(), HEAD, body), TOKEN_accepted);
	}
	s.r.nonces = &good[0];
	s.r.n_nonces = 1;
	assert_int_equal(shown(&s, parties(), HEAD, body), TOKEN_nonce_needed);
}

/* The same for everybody with the key, another one each slice, nothing outside base64url. */
static void nonce_slices(void **state)
{
	static const struct nonces a = { .key = { 7 }, .slice_s = 300 };
	static const struct nonces b = { .key = { 8 }, .slice_s = 300 };
	char at0[NONCE_TEXT], at0_before[NONCE_TEXT], at[NONCE_TEXT], before[NONCE_TEXT];
	const int64_t start = 1700000100; /* of a slice */
	(void)state;
	nonces_at(&a, start, at0, at0_before);
	assert_memory_not_equal(at0, at0_before, NONCE_TEXT);
	nonces_at(&a, start + 299, at, before);
	assert_memory_equal(at, at0, NONCE_TEXT);
	assert_memory_equal(before, at0_before, NONCE_TEXT);
	nonces_at(&a, start + 300, at, before);
	assert_memory_equal(before, at0, NONCE_TEXT);
	assert_memory_not_equal(at, at0, NONCE_TEXT);
	nonces_at(&b, start, at, before);
	assert_memory_not_equal(at, at0, NONCE_TEXT);
	for (size_t i = 0; i < NONCE_TEXT; i++)
		assert_true(str_has(LIT("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					"0123456789-_"),
				    at0[i]));
	nonces_at(&a, 0, at, before);
	assert_memory_not_equal(at, before, NONCE_TEXT);
}

/* Used as long as it could be shown. */
static void kept_for_the_window(void **state)
{
	(void)state;
	for (int64_t later = 0; later <= 50; later += 10) {
		struct scene s = scene_of();
		assert_int_equal(shown(&s, parties(), HEAD, BODY), TOKEN_accepted);
		s.r.now_s += later;
		assert_int_equal(confirmed(&s), TOKEN_proof_replayed);
		s.r.now_s = now + 51;
		assert_int_equal(confirmed(&s), TOKEN_bad_proof);
	}
	struct scene s = scene_of();
	s.r.since_s = 1699999990;
	assert_int_equal(shown(&s, parties(), HEAD, BODY), TOKEN_accepted);
	s = scene_of();
	s.r.since_s = 1699999991;
	assert_int_equal(shown(&s, parties(), HEAD, BODY), TOKEN_bad_proof);
	assert_true(str_eq(s.v.what, LIT("iat")));
}

/* A store for one proof holds 64 of any. The next one is refused, not an old one lost. */
static void full_store(void **state)
{
	static _Alignas(64) uint8_t storage[2048];
	char body[512];
	size_t accepted = 0;
	struct scene s = scene_of();
	(void)state;
	assert_false(failed(replay_init(storage, sizeof(storage), 1, &s.r.replay)));
	for (size_t i = 0; i < 66; i++) {
		struct wr w = wr_of(body, sizeof(body));
		wr_lit(&w, "{" HTM "," HTU "," IAT "," ATH ",\"jti\":\"");
		wr_dec(&w, i);
		wr_lit(&w, "\"}\0");
		enum token_code code = shown(&s, parties(), HEAD, body);
		accepted += code == TOKEN_accepted;
		if (code != TOKEN_accepted)
			assert_int_equal(code, TOKEN_proof_unknown);
	}
	assert_int_equal(accepted, 64);
	assert_true(str_eq(s.v.where, LIT("proof")) && str_eq(s.v.what, LIT("jti")));
}

/* Not the client's fault, and refused all the same. */
static void request_that_is_none(void **state)
{
	static const str urls[] = { LIT(""), LIT("https://rs.test/../inbox"), LIT("/inbox"),
				    LIT("https://u@rs.test/inbox"),
				    LIT("https://rs.test/\\inbox") };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		struct scene s = scene_of();
		s.r.url = urls[i];
		assert_int_equal(shown(&s, parties(), HEAD, BODY), TOKEN_bad_proof);
		assert_true(str_eq(s.v.where, LIT("request")) && str_eq(s.v.what, LIT("url")));
	}
	struct scene s = scene_of();
	s.r.method = LIT("");
	assert_int_equal(
		shown(&s, parties(), HEAD, "{" JTI "," HTU "," IAT "," ATH ",\"htm\":\"\"}"),
		TOKEN_bad_proof);
	s.r.method = LIT("POST");
	assert_int_equal(shown(&s, parties(), HEAD, BODY), TOKEN_bad_proof);
}

/* --- the proof as text -------------------------------------------------------------- */

static void size_is_capped(void **state)
{
	static char body[TOKEN_MAX];
	bool over = false, under = false;
	(void)state;
	for (size_t pad = 2500; pad < 2900; pad++) {
		struct scene s = scene_of();
		struct wr w = wr_of(body, sizeof(body));
		wr_lit(&w, "{" ALL ",\"z\":\"");
		for (size_t i = 0; i < pad; i++)
			wr_char(&w, 'z');
		wr_lit(&w, "\"}\0");
		enum token_code code = shown(&s, parties(), HEAD, body);
		assert_int_equal(code, s.shown.dpop.n > DPOP_PROOF_MAX ? TOKEN_bad_proof
								       : TOKEN_accepted);
		over |= code == TOKEN_bad_proof;
		under |= code == TOKEN_accepted;
	}
	assert_true(over && under);
}

static void no_proof_at_all(void **state)
{
	static const str texts[] = { LIT(""),
				     LIT("."),
				     LIT(".."),
				     LIT("a.b.c"),
				     LIT("DPoP"),
				     LIT("e30.e30.AA"),
				     LIT("e30.e30.AA.AA.AA"),
				     LIT("{\"payload\":\"e30\",\"signatures\":[]}") };
	struct scene s = scene_of();
	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		s.shown.dpop = texts[i];
		assert_int_equal(confirmed(&s), TOKEN_bad_proof);
	}
	/* two of them in one field */
	static char text[2 * TEXT_MAX];
	str one = proof_of(text, parties(), HEAD, BODY);
	struct wr w = { (uint8_t *)text, one.n, sizeof(text), false };
	wr_lit(&w, ", ");
	wr_str(&w, one);
	s.shown.dpop = wr_text(&w);
	assert_int_equal(confirmed(&s), TOKEN_bad_proof);
	s.shown.dpop = one;
	assert_int_equal(confirmed(&s), TOKEN_accepted);
}

static void every_prefix(void **state)
{
	static char text[TEXT_MAX];
	struct scene s = scene_of();
	str whole = proof_of(text, parties(), HEAD, BODY);
	(void)state;
	for (size_t n = 0; n < whole.n; n++) {
		s.shown.dpop = str_sub(whole, 0, n);
		assert_int_not_equal(confirmed(&s), TOKEN_accepted);
	}
	s.shown.dpop = whole;
	assert_int_equal(confirmed(&s), TOKEN_accepted);
}

static void every_bit_flipped(void **state)
{
	static char text[TEXT_MAX];
	struct scene s = scene_of();
	s.shown.dpop = proof_of(text, parties(), HEAD, BODY);
	(void)state;
	for (size_t i = 0; i < s.shown.dpop.n * 8; i++) {
		text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
		assert_int_not_equal(confirmed(&s), TOKEN_accepted);
		text[i / 8] = (char)(text[i / 8] ^ 1 << i % 8);
	}
	assert_int_equal(confirmed(&s), TOKEN_accepted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule),         cmocka_unit_test(fine_ones),
		cmocka_unit_test(every_algorithm),   cmocka_unit_test(not_the_keys_signature),
		cmocka_unit_test(key_off_the_curve), cmocka_unit_test(nonces),
		cmocka_unit_test(nonce_slices),      cmocka_unit_test(kept_for_the_window),
		cmocka_unit_test(full_store),        cmocka_unit_test(request_that_is_none),
		cmocka_unit_test(size_is_capped),    cmocka_unit_test(no_proof_at_all),
		cmocka_unit_test(every_prefix),      cmocka_unit_test(every_bit_flipped),
	};
	assert_false(failed(crypto_init(NULL)));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
