/* What a token is bound to, against what was shown: every combination, and the published
 * examples of RFC 9449 and RFC 8705. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/base64url.h"
#include "crypto/hash.h"
#include "proofs.h"

static enum token_code confirmed(struct scene *s)
{
	static struct token_scratch scratch;
	s->v.code = TOKEN_accepted;
	return token_confirm(&s->v, &s->shown, &s->r, &scratch);
}

static void bytes_from(const char *base64url, uint8_t ret_hash[static 32])
{
	struct wr w = wr_of(ret_hash, 32);
	assert_false(failed(base64url_read(str_from_c(base64url), &w)));
	assert_int_equal(w.n, 32);
}

static const uint8_t certificate[] = "the DER of some certificate";

enum dpop_field { NO_FIELD, RIGHT_KEY, OTHER_KEY };
enum shown_cert { NO_CERT, RIGHT_CERT, OTHER_CERT };

struct combination {
	bool jkt, x5t, other, scheme;
	enum dpop_field dpop;
	enum shown_cert cert;
};

/* The rules once more, as a sentence each; RFC 9449 sections 7.1 and 7.2, RFC 8705
 * section 3. */
static bool should_pass(const struct combination *c)
{
	if (c->other)
		return false;
	if (c->jkt != c->scheme)
		return false;
	if (c->jkt && c->dpop != RIGHT_KEY)
		return false;
	return !c->x5t || c->cert == RIGHT_CERT;
}

static struct scene scene_for(const struct combination *c)
{
	static char text[TEXT_MAX];
	static const uint8_t wrong[] = "another";
	struct scene s = scene_of();
	s.v.bound = c->jkt || c->x5t || c->other;
	s.v.binding.has_jkt = c->jkt;
	s.v.binding.has_x5t = c->x5t;
	s.v.binding.other = c->other;
	sha256(BYTES_OF(certificate), s.v.binding.x5t);
	s.shown.dpop_scheme = c->scheme;
	if (c->dpop == RIGHT_KEY)
		s.shown.dpop = proof_of(text, parties(), PROOF_HEAD, PROOF_BODY);
	if (c->dpop == OTHER_KEY)
		s.shown.dpop = proof_of(text, &parties()[1],
					"{\"typ\":\"dpop+jwt\",\"alg\":\"EdDSA\",\"jwk\":{@}}",
					PROOF_BODY);
	if (c->cert != NO_CERT)
		s.shown.certificate = c->cert == RIGHT_CERT ? BYTES_OF(certificate)
							    : BYTES_OF(wrong);
	return s;
}

static void every_combination(void **state)
{
	size_t passed = 0;
	(void)state;
	for (unsigned i = 0; i < 144; i++) {
		struct combination c = { i & 1,      i >> 1 & 1, i >> 2 & 1,
					 i >> 3 & 1, i / 16 % 3, i / 48 };
		struct scene s = scene_for(&c);
		enum token_code code = confirmed(&s);
		passed += code == TOKEN_accepted;
		assert_int_equal(code, should_pass(&c) ? TOKEN_accepted : TOKEN_bad_binding);
		assert_int_equal(s.v.code, code);
		if (code != TOKEN_accepted)
			assert_true(s.v.where.n);
	}
	assert_true(passed > 5);
}

/* A cnf of which nothing is known is no reason to let pass. */
static void bound_to_nothing_known(void **state)
{
	struct scene s = scene_for(&(struct combination){ .jkt = false });
	(void)state;
	assert_int_equal(confirmed(&s), TOKEN_accepted);
	s.v.bound = true;
	assert_int_equal(confirmed(&s), TOKEN_bad_binding);
	assert_true(str_eq(s.v.where, LIT("payload")) && str_eq(s.v.what, LIT("cnf")));
}

/* A proof is remembered only when the certificate was good too. */
static void both_or_nothing(void **state)
{
	struct combination c = {
		.jkt = true, .x5t = true, .scheme = true, .dpop = RIGHT_KEY, .cert = OTHER_CERT
	};
	struct scene s = scene_for(&c);
	(void)state;
	assert_int_equal(confirmed(&s), TOKEN_bad_binding);
	assert_true(str_eq(s.v.where, LIT("certificate")) && str_eq(s.v.what, LIT("x5t#S256")));
	s.shown.certificate = BYTES_OF(certificate);
	assert_int_equal(confirmed(&s), TOKEN_accepted);
	assert_int_equal(confirmed(&s), TOKEN_proof_replayed);
}

static void refused_stays_refused(void **state)
{
	static struct token_scratch scratch;
	(void)state;
	for (int code = TOKEN_malformed; code < TOKEN_CODE_COUNT; code++) {
		struct scene s = scene_for(&(struct combination){ .jkt = false });
		s.v.code = (enum token_code)code;
		assert_int_equal(token_confirm(&s.v, &s.shown, &s.r, &scratch), code);
		assert_int_equal(s.v.code, code);
	}
}

static void certificate_by_its_hash(void **state)
{
	struct scene s = scene_for(&(struct combination){ .x5t = true });
	uint8_t hash[32];
	(void)state;
	sha256(BYTES_OF(certificate), hash);
	assert_int_equal(confirmed(&s), TOKEN_bad_binding);
	s.shown.certificate_sha256 = hash;
	assert_int_equal(confirmed(&s), TOKEN_accepted);
	s.shown.certificate = BYTES_OF(certificate);
	assert_int_equal(confirmed(&s), TOKEN_accepted);
	for (size_t i = 0; i < 256; i++) {
		hash[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(confirmed(&s), TOKEN_bad_binding);
		hash[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	/* both are given and do not agree */
	s.shown.certificate = (bytes){ certificate, 3 };
	assert_int_equal(confirmed(&s), TOKEN_bad_binding);
	s.shown.certificate = (bytes){ certificate, 0 };
	s.shown.certificate_sha256 = NULL;
	assert_int_equal(confirmed(&s), TOKEN_bad_binding);
}

static str bound_token(char out[static TEXT_MAX], const char *cnf)
{
	char payload[1024], x5t64[48];
	uint8_t jkt[32], x5t[32];
	struct wr w = wr_of(payload, sizeof(payload)), x = wr_of(x5t64, sizeof(x5t64));
	jkt_of(&parties()[0], jkt);
	sha256(BYTES_OF(certificate), x5t);
	base64url_write(&x, BYTES_OF(x5t));
	wr_str(&w, str_sub(good_payload, 0, good_payload.n - 1));
	wr_lit(&w, ",\"cnf\":{");
	for (str s = str_from_c(cnf); s.n; s = str_sub(s, 1, s.n))
		if (s.p[0] == 'J')
			base64url_write(&w, BYTES_OF(jkt));
		else if (s.p[0] == 'X')
			wr_str(&w, wr_text(&x));
		else
			wr_char(&w, s.p[0]);
	wr_lit(&w, "}}");
	return mint(out, parties(), good_header, wr_text(&w));
}

/* From the token's text to the answer: verified, then confirmed. J and X stand for the
 * thumbprints of the key and the certificate that are shown. */
static const struct {
	const char *cnf;
	bool scheme;
	enum token_code code;
} whole[] = {
	{ "\"jkt\":\"J\"", true, TOKEN_accepted },
	{ "\"jkt\":\"J\"", false, TOKEN_bad_binding },
	{ "\"x5t#S256\":\"X\"", false, TOKEN_accepted },
	{ "\"x5t#S256\":\"X\"", true, TOKEN_bad_binding },
	{ "\"jkt\":\"J\",\"x5t#S256\":\"X\"", true, TOKEN_accepted },
	{ "\"jkt\":\"J\",\"x5t#S256\":\"J\"", true, TOKEN_bad_binding },
	{ "\"jkt\":\"X\",\"x5t#S256\":\"X\"", true, TOKEN_bad_binding },
	{ "\"jkt\":\"J\",\"kid\":\"a\"", true, TOKEN_bad_binding },
	{ "\"kid\":\"a\"", false, TOKEN_bad_binding },
	{ "\"jwk\":{\"kty\":\"EC\"}", true, TOKEN_bad_binding },
};

static void from_the_text(void **state)
{
	AUTO(policy_done) struct policy *p = policy_of_all();
	static char token[TEXT_MAX], proof[TEXT_MAX], body[512];
	static struct token_scratch first, second;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(whole); i++) {
		struct scene s = scene_of();
		uint8_t hash[32];
		struct wr w = wr_of(body, sizeof(body));
		s.r.token = bound_token(token, whole[i].cnf);
		sha256(bytes_of_str(s.r.token), hash);
		wr_lit(&w, "{" PROOF_JTI "," PROOF_HTM "," PROOF_HTU "," PROOF_IAT ",\"ath\":\"");
		base64url_write(&w, BYTES_OF(hash));
		wr_lit(&w, "\"}\0");
		s.shown.dpop = proof_of(proof, parties(), PROOF_HEAD, body);
		s.shown.dpop_scheme = whole[i].scheme;
		s.shown.certificate = BYTES_OF(certificate);
		token_verify(p, s.r.token, now, &first, &s.v);
		assert_int_equal(s.v.code, TOKEN_accepted);
		assert_int_equal(token_confirm(&s.v, &s.shown, &s.r, &second), whole[i].code);
		assert_true(str_eq(s.v.sub, LIT("alice")));
	}
}

/* --- used once, whoever asks ------------------------------------------------------- */

/* The order of P-256 (SP 800-186 section 3.2.1.3). */
static const uint8_t order[32] = {
	0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
	0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
};

/* Anybody can make a second good signature from one of ECDSA: r and order - s. It is another
 * text, and the same proof. */
static void other_signature_same_proof(void **state)
{
	static char text[TEXT_MAX];
	uint8_t sig[64];
	struct scene s = scene_of();
	(void)state;
	s.shown.dpop = proof_of(text, parties(), PROOF_HEAD, PROOF_BODY);
	assert_int_equal(confirmed(&s), TOKEN_accepted);
	size_t at = s.shown.dpop.n - 86;
	struct wr raw = wr_of(sig, sizeof(sig)), again = wr_of(text + at, 86);
	assert_false(failed(base64url_read(str_sub(s.shown.dpop, at, 86), &raw)));
	int borrow = 0;
	for (size_t i = 32; i-- > 0;) {
		int digit = order[i] - sig[32 + i] - borrow;
		borrow = digit < 0;
		sig[32 + i] = (uint8_t)digit;
	}
	base64url_write(&again, BYTES_OF(sig));
	assert_int_equal(confirmed(&s), TOKEN_proof_replayed);
	s.r.replay = scene_of().r.replay;
	assert_int_equal(confirmed(&s), TOKEN_accepted);
}

enum { THREADS = 4, SHARED = 40 };

struct asking {
	struct scene scene;
	const str *proofs;
	pthread_barrier_t *start;
	uint8_t code[SHARED];
};

static void *ask(void *p)
{
	struct asking *a = p;
	static _Thread_local struct token_scratch scratch;
	(void)pthread_barrier_wait(a->start);
	for (size_t i = 0; i < SHARED; i++) {
		a->scene.shown.dpop = a->proofs[i];
		a->scene.v.code = TOKEN_accepted;
		a->code[i] =
			(uint8_t)token_confirm(&a->scene.v, &a->scene.shown, &a->scene.r, &scratch);
	}
	return NULL;
}

/* Four threads are shown the same proofs: each is good once. */
static void threads_share_a_store(void **state)
{
	static char texts[SHARED][2048];
	static char text[TEXT_MAX];
	static struct asking askings[THREADS];
	str proofs[SHARED];
	pthread_barrier_t start;
	pthread_t threads[THREADS];
	struct scene s = scene_of();
	(void)state;
	for (size_t i = 0; i < SHARED; i++) {
		char body[512];
		struct wr w = wr_of(body, sizeof(body)), copy = wr_of(texts[i], sizeof(texts[i]));
		wr_lit(&w, "{" PROOF_HTM "," PROOF_HTU "," PROOF_IAT "," PROOF_ATH ",\"jti\":\"");
		wr_dec(&w, i);
		wr_lit(&w, "\"}\0");
		wr_str(&copy, proof_of(text, parties(), PROOF_HEAD, body));
		proofs[i] = wr_text(&copy);
	}
	assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
	for (size_t i = 0; i < THREADS; i++) {
		askings[i] = (struct asking){ .scene = s, .proofs = proofs, .start = &start };
		assert_int_equal(pthread_create(&threads[i], NULL, ask, &askings[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (size_t k = 0; k < SHARED; k++) {
		size_t good = 0;
		for (size_t i = 0; i < THREADS; i++) {
			good += askings[i].code[k] == TOKEN_accepted;
			assert_true(askings[i].code[k] == TOKEN_accepted ||
				    askings[i].code[k] == TOKEN_proof_replayed);
		}
		assert_int_equal(good, 1);
	}
	(void)pthread_barrier_destroy(&start);
}

/* --- published examples ------------------------------------------------------------ */

/* RFC 9449 section 6.1: the thumbprint of the key of all its examples. */
static const char rfc_jkt[] = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

#define RFC_HEADER                                                                             \
	"eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgt" \
	"MzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VO" \
	"SmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"

/* Section 7.1: a request of a protected resource. */
static const str resource_proof =
	LIT(RFC_HEADER "."
		       "eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZ"
		       "XNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOC"
		       "wiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9."
		       "2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jf"
		       "xSYoMxhAJpLjA");

/* Section 4.1: a request of a token; there is no ath in it yet. */
static const str token_proof =
	LIT(RFC_HEADER "."
		       "eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc"
		       "2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ."
		       "2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70"
		       "nfbV37xRZT3Lg");

static struct scene scene_of_rfc(void)
{
	struct scene s = scene_of();
	bytes_from(rfc_jkt, s.v.binding.jkt);
	s.r.token = LIT("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU");
	s.r.url = LIT("https://resource.example.org/protectedresource");
	s.r.now_s = 1562262618;
	s.shown.dpop = resource_proof;
	return s;
}

static void rfc9449_resource(void **state)
{
	struct scene s = scene_of_rfc();
	(void)state;
	assert_int_equal(confirmed(&s), TOKEN_accepted);
	assert_int_equal(confirmed(&s), TOKEN_proof_replayed);
	s = scene_of_rfc();
	s.r.now_s += 61;
	assert_int_equal(confirmed(&s), TOKEN_bad_proof);
	s = scene_of_rfc();
	s.r.token.n--;
	assert_int_equal(confirmed(&s), TOKEN_bad_proof);
	assert_true(str_eq(s.v.what, LIT("ath")));
	s = scene_of_rfc();
	s.v.binding.jkt[0] ^= 1;
	assert_int_equal(confirmed(&s), TOKEN_bad_binding);
}

static void rfc9449_token_request(void **state)
{
	struct scene s = scene_of_rfc();
	(void)state;
	s.r.method = LIT("POST");
	s.r.url = LIT("https://server.example.com/token");
	s.shown.dpop = token_proof;
	assert_int_equal(confirmed(&s), TOKEN_bad_proof);
	assert_true(str_eq(s.v.what, LIT("ath")));
	s.r.url = LIT("https://server.example.com/other");
	assert_int_equal(confirmed(&s), TOKEN_bad_proof);
	assert_true(str_eq(s.v.what, LIT("htu")));
}

/* Where tokens are asked for, any key will do, and the answer is which. */
static void rfc9449_proof_alone(void **state)
{
	static struct token_scratch scratch;
	struct proof p;
	uint8_t jkt[32];
	str nonce = LIT("eyJ7S_zG.eyJH0-Z.HX4w-7v");
	struct proof_request r = { .method = LIT("POST"),
				   .url = LIT("https://server.example.com/token"),
				   .now_s = 1562262618,
				   .window_s = 60,
				   .skew_s = 5 };
	(void)state;
	bytes_from(rfc_jkt, jkt);
	assert_int_equal(proof_check(token_proof, &r, &scratch, &p), TOKEN_accepted);
	assert_memory_equal(p.jkt, jkt, sizeof(jkt));
	assert_true(str_eq((str){ (const char *)p.jti, p.jti_n }, LIT("-BwC3ESc6acc2lTc")));
	assert_int_equal(p.until_s, 1562262616 + 60 + 5 + 1);
	/* an ath is not asked for, and harmless */
	r.method = LIT("GET");
	r.url = LIT("https://resource.example.org/protectedresource");
	assert_int_equal(proof_check(resource_proof, &r, &scratch, &p), TOKEN_accepted);
	assert_int_equal(proof_check(token_proof, &r, &scratch, &p), TOKEN_bad_proof);
	assert_true(str_eq(p.what, LIT("htm")) && p.jti_n == 0 && p.until_s == 0);
	r.nonces = &nonce;
	r.n_nonces = 1;
	assert_int_equal(proof_check(resource_proof, &r, &scratch, &p), TOKEN_nonce_needed);
	assert_int_equal(proof_check(LIT(""), &r, &scratch, &p), TOKEN_bad_proof);
}

/* RFC 8705 appendix A */
static void rfc8705_certificate(void **state)
{
	static const char der64[] =
		"MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAxODEyMzcwOVoXDTIy"
		"MDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRsczBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNcnyxwq"
		"V6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ_Au08_coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8w"
		"CgYIKoZIzj0EAwIDSQAwRgIhAP0RC1E-vwJD_D1AGHGzuri-hlV_PpQEKTWUVeORWz83AiEA5x2eXZOV"
		"bUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L-SY";
	uint8_t der[512];
	struct wr w = wr_of(der, sizeof(der));
	struct scene s = scene_for(&(struct combination){ .x5t = true });
	(void)state;
	assert_false(failed(base64url_read(str_from_c(der64), &w)));
	bytes_from("A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0", s.v.binding.x5t);
	s.shown.certificate = wr_bytes(&w);
	assert_int_equal(confirmed(&s), TOKEN_accepted);
	der[100] ^= 1;
	assert_int_equal(confirmed(&s), TOKEN_bad_binding);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_combination),
		cmocka_unit_test(bound_to_nothing_known),
		cmocka_unit_test(both_or_nothing),
		cmocka_unit_test(refused_stays_refused),
		cmocka_unit_test(certificate_by_its_hash),
		cmocka_unit_test(from_the_text),
		cmocka_unit_test(other_signature_same_proof),
		cmocka_unit_test(threads_share_a_store),
		cmocka_unit_test(rfc9449_resource),
		cmocka_unit_test(rfc9449_token_request),
		cmocka_unit_test(rfc9449_proof_alone),
		cmocka_unit_test(rfc8705_certificate),
	};
	assert_false(failed(crypto_init(NULL)));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
