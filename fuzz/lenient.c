/* The policy and the lenient signature check of the targets that mutate parts of a token. */
#include "lenient.h"

#include <assert.h>

#include "crypto/key.h"
#include "token/cache.h"

static const char jwks[] =
	"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"EGJ4KJVnX9vdGJxoL3RGWe7"
	"_chUEZifD3AdVk7P-hyI\",\"y\":\"Vo2-vmTxHQtFjyShBN1aRKpuxigDltEvBX2NYqDHpHA\""
	",\"kid\":\"es\",\"alg\":\"ES256\"},{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\""
	":\"ampUokY4vX-84pg69A1vwTcM-_bw5vKZL_HY5w7J73g\",\"kid\":\"ed\",\"alg\":\"EdDSA\"}]}";

ch_err __wrap_public_key_verify(const struct public_key *k, struct key_work *work_or_null,
				struct signed_text text, bytes sig);

ch_err __wrap_public_key_verify(const struct public_key *k, struct key_work *work_or_null,
				struct signed_text text, bytes sig)
{
	(void)k;
	(void)work_or_null;
	(void)text;
	(void)sig;
	return CH_DONE;
}

static struct policy *the_policy(void)
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

void fuzz_judge(str token, struct token_verdict *ret_verdict)
{
	static struct token_scratch scratch, other;
	static _Alignas(64) uint8_t storage[1 << 18];
	static struct token_cache *c;
	struct token_verdict cached;
	if (!c)
		assert(!failed(token_cache_init(storage, sizeof(storage), 8, TOKEN_MAX, &c)));
	token_verify(the_policy(), token, FUZZ_NOW, &scratch, ret_verdict);
	assert(ret_verdict->code < TOKEN_CODE_COUNT);
	assert((ret_verdict->code == TOKEN_accepted) == !ret_verdict->where.n);
	token_cache_verify(c, the_policy(), token, FUZZ_NOW, &other, &cached);
	assert(cached.code == ret_verdict->code);
}
