/* Any text as a token: no crash, no acceptance that the keys do not bear out. Judged
 * twice: for real, and with every signature taken for good, so that mutations of the
 * claims get as far as the claims. The keys are throw-away ones of the corpus. */
#include <assert.h>

#include "codec/json.h"
#include "crypto/key.h"
#include "token/cache.h"
#include "token/policy.h"
#include "token/verify.h"
#include "unwritten.h"

enum { NOW = 1700000000 };

static const char jwks[] =
	"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"EGJ4KJVnX9vdGJxoL3RGWe7"
	"_chUEZifD3AdVk7P-hyI\",\"y\":\"Vo2-vmTxHQtFjyShBN1aRKpuxigDltEvBX2NYqDHpHA\""
	",\"kid\":\"es\",\"alg\":\"ES256\"},{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\""
	":\"ampUokY4vX-84pg69A1vwTcM-_bw5vKZL_HY5w7J73g\",\"kid\":\"ed\",\"alg\":\"Ed"
	"DSA\"},{\"kty\":\"RSA\",\"n\":\"wC9HN594J4eUTtz81AgCnVPJxlPM3DWu17wXf3gO4JSQ"
	"sInNGAYksxJgNYaYWc4B_cMRIN3MU8KC0IWEDZQR2MKBYOnzDQxBliOPga5DgtrCaf1BtB9VNexL"
	"JzVeONDg4uu05LJ-CkuKHM_dn6taOT-j3WELPEqdWkrZd-wkAfZyY72K7RHIhp8SG4slO6FUEOLw"
	"S_4UoPhrth95LmuhEZrqkw5FbCvkgHdf38pEesCHZTyeBAIZgh6d9EW60ECzWUZnNDzG-AptN7nK"
	"ss7w2gFV--XGgeQdSlqpbswzBVPnEZRPeNKgUi6BBfjzuRGd7h-rvePtLKkBJxepR-91oQ\",\"e"
	"\":\"AQAB\",\"kid\":\"rs\",\"alg\":\"RS256\"}]}";

static bool lenient;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
ch_err __real_public_key_verify(const struct public_key *k, struct key_work *work_or_null,
				struct signed_text text, bytes sig);
ch_err __wrap_public_key_verify(const struct public_key *k, struct key_work *work_or_null,
				struct signed_text text, bytes sig);

ch_err __wrap_public_key_verify(const struct public_key *k, struct key_work *work_or_null,
				struct signed_text text, bytes sig)
{
	ch_err e = __real_public_key_verify(k, work_or_null, text, sig);
	return lenient ? CH_DONE : e;
}

static struct policy *policy_of_fuzz(void)
{
	static const str audience = { "mail", 4 };
	static const struct policy_issuer issuer = {
		.issuer = { "https://id.test/home", 20 },
		.realm = { "home", 4 },
		.typ = { "at+jwt", 6 },
		.audiences = &audience,
		.n_audiences = 1,
		.jwks = { (const uint8_t *)jwks, sizeof(jwks) - 1 },
		.skew_s = 30,
		.max_ttl_s = 3600,
	};
	static struct policy *p;
	if (!p) {
		assert(!failed(crypto_init(NULL)));
		assert(!failed(policy_new(&issuer, 1, NULL, &p)));
	}
	return p;
}

static void check_accepted(const struct token_verdict *v)
{
	assert(str_eq(v->issuer, LIT("https://id.test/home")) && str_eq(v->realm, LIT("home")));
	assert(str_eq(v->audience, LIT("mail")) && v->kid.n);
	assert(v->sub.n && v->jti.n && v->client_id.n && utf8_ok(v->sub) && utf8_ok(v->claims));
	assert(v->iat <= NOW + 30 && v->exp > NOW && v->exp - v->iat <= 3600);
}

/* Through a cache, twice and later: the same as without. */
static void check_cached(const struct policy *p, str token, const struct token_verdict *plain)
{
	static _Alignas(64) uint8_t storage[1 << 16];
	static struct token_scratch scratch;
	static struct token_cache *c;
	struct token_verdict v;
	if (!c)
		assert(!failed(token_cache_init(storage, sizeof(storage), 16, 1024, &c)));
	for (int pass = 0; pass < 2; pass++) {
		unwritten(&scratch, sizeof(scratch));
		scratch.work = NULL;
		token_cache_verify(c, p, token, NOW, &scratch, &v);
		mem_wipe(scratch.text, sizeof(scratch.text));
		assert(v.code == plain->code);
	}
	if (v.code == TOKEN_accepted && token.n <= 1024)
		assert(str_eq(v.claims, plain->claims) && str_eq(v.sub, plain->sub) &&
		       str_eq(v.jti, plain->jti) && v.exp == plain->exp);
	token_cache_verify(c, p, token, NOW + 7200, &scratch, &v);
	assert(v.code != TOKEN_accepted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct token_scratch scratch;
	struct policy *p = policy_of_fuzz();
	struct token_verdict real, mild;
	str token = str_of_bytes((bytes){ data, size });
	unwritten(&scratch, sizeof(scratch));
	scratch.work = NULL;
	lenient = false;
	token_verify(p, token, NOW, &scratch, &real);
	lenient = true;
	token_verify(p, token, NOW, &scratch, &mild);
	check_cached(p, token, &mild);
	assert(real.code < TOKEN_CODE_COUNT && mild.code < TOKEN_CODE_COUNT);
	assert(real.code == mild.code || real.code == TOKEN_bad_signature);
	if (mild.code == TOKEN_accepted)
		check_accepted(&mild);
	return 0;
}
