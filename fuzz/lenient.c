/* What the targets that judge tokens share: keys, a policy, and a lenient signature check. */
#include "lenient.h"

#include <assert.h>

#include "crypto/key.h"
#include "token/cache.h"

const str fuzz_jwks =
	LIT("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"EGJ4KJVnX9vdGJxoL3RGWe7"
	    "_chUEZifD3AdVk7P-hyI\",\"y\":\"Vo2-vmTxHQtFjyShBN1aRKpuxigDltEvBX2NYqDHpHA\""
	    ",\"kid\":\"es\",\"alg\":\"ES256\"},{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\""
	    ":\"ampUokY4vX-84pg69A1vwTcM-_bw5vKZL_HY5w7J73g\",\"kid\":\"ed\",\"alg\":\"Ed"
	    "DSA\"},{\"kty\":\"RSA\",\"n\":\"wC9HN594J4eUTtz81AgCnVPJxlPM3DWu17wXf3gO4JSQ"
	    "sInNGAYksxJgNYaYWc4B_cMRIN3MU8KC0IWEDZQR2MKBYOnzDQxBliOPga5DgtrCaf1BtB9VNexL"
	    "JzVeONDg4uu05LJ-CkuKHM_dn6taOT-j3WELPEqdWkrZd-wkAfZyY72K7RHIhp8SG4slO6FUEOLw"
	    "S_4UoPhrth95LmuhEZrqkw5FbCvkgHdf38pEesCHZTyeBAIZgh6d9EW60ECzWUZnNDzG-AptN7nK"
	    "ss7w2gFV--XGgeQdSlqpbswzBVPnEZRPeNKgUi6BBfjzuRGd7h-rvePtLKkBJxepR-91oQ\",\"e"
	    "\":\"AQAB\",\"kid\":\"rs\",\"alg\":\"RS256\"}]}");

bool fuzz_lenient = true;

ch_err __real_public_key_verify(const struct public_key *k, struct key_work *work_or_null,
				struct signed_text text, bytes sig);
ch_err __wrap_public_key_verify(const struct public_key *k, struct key_work *work_or_null,
				struct signed_text text, bytes sig);

ch_err __wrap_public_key_verify(const struct public_key *k, struct key_work *work_or_null,
				struct signed_text text, bytes sig)
{
	return fuzz_lenient ? CH_DONE : __real_public_key_verify(k, work_or_null, text, sig);
}

struct policy *fuzz_policy(void)
{
	static const str audience = { "mail", 4 };
	const struct policy_issuer issuer = {
		.issuer = { "https://id.test/home", 20 },
		.realm = { "home", 4 },
		.typ = { "at+jwt", 6 },
		.audiences = &audience,
		.n_audiences = 1,
		.jwks = bytes_of_str(fuzz_jwks),
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

void fuzz_judge(str token, struct token_verdict *ret_verdict)
{
	static struct token_scratch scratch, other;
	static _Alignas(64) uint8_t storage[1 << 18];
	static struct token_cache *c;
	struct token_verdict cached;
	if (!c)
		assert(!failed(token_cache_init(storage, sizeof(storage), 8, TOKEN_MAX, &c)));
	token_verify(fuzz_policy(), token, FUZZ_NOW, &scratch, ret_verdict);
	assert(ret_verdict->code < TOKEN_CODE_COUNT);
	assert((ret_verdict->code == TOKEN_accepted) == !ret_verdict->where.n);
	token_cache_verify(c, fuzz_policy(), token, FUZZ_NOW, &other, &cached);
	assert(cached.code == ret_verdict->code);
}
