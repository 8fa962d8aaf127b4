/* Any text as a token: no crash, no acceptance that the keys do not bear out. Judged
 * twice: for real, and with every signature taken for good, so that mutations of the
 * claims get as far as the claims. The keys are throw-away ones of the corpus. */
#include <assert.h>

#include "codec/json.h"
#include "lenient.h"
#include "token/cache.h"
#include "unwritten.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_accepted(const struct token_verdict *v)
{
	assert(str_eq(v->issuer, LIT("https://id.test/home")) && str_eq(v->realm, LIT("home")));
	assert(str_eq(v->audience, LIT("mail")) && v->kid.n);
	assert(v->sub.n && v->jti.n && v->client_id.n && utf8_ok(v->sub) && utf8_ok(v->claims));
	assert(v->iat <= FUZZ_NOW + 30 && v->exp > FUZZ_NOW && v->exp - v->iat <= 3600);
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
		token_cache_verify(c, p, token, FUZZ_NOW, &scratch, &v);
		mem_wipe(scratch.text, sizeof(scratch.text));
		assert(v.code == plain->code);
	}
	if (v.code == TOKEN_accepted && token.n <= 1024)
		assert(str_eq(v.claims, plain->claims) && str_eq(v.sub, plain->sub) &&
		       str_eq(v.jti, plain->jti) && v.exp == plain->exp);
	token_cache_verify(c, p, token, FUZZ_NOW + 7200, &scratch, &v);
	assert(v.code != TOKEN_accepted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct token_scratch scratch;
	struct policy *p = fuzz_policy();
	struct token_verdict real, mild;
	str token = str_of_bytes((bytes){ data, size });
	unwritten(&scratch, sizeof(scratch));
	scratch.work = NULL;
	fuzz_lenient = false;
	token_verify(p, token, FUZZ_NOW, &scratch, &real);
	fuzz_lenient = true;
	token_verify(p, token, FUZZ_NOW, &scratch, &mild);
	check_cached(p, token, &mild);
	assert(real.code < TOKEN_CODE_COUNT && mild.code < TOKEN_CODE_COUNT);
	assert(real.code == mild.code || real.code == TOKEN_bad_signature);
	if (mild.code == TOKEN_accepted)
		check_accepted(&mild);
	return 0;
}
