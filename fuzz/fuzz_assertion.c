/* Any text as a client assertion, and as the set of keys of a client: no crash, and nothing
 * accepted that is not for this issuer and in time. For real and with every signature taken
 * for good. */
#include <assert.h>

#include "base/cleanup.h"
#include "crypto/key.h"
#include "lenient.h"
#include "token/assertion.h"
#include "unwritten.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct assertion_scratch scratch;

static ch_err verify(const struct assertion *a)
{
	AUTO(public_key_done) struct public_key *key = NULL;
	struct key_parts parts = { .alg = ALG_COUNT };
	TRY(assertion_key(a, fuzz_jwks, FUZZ_NOW, &scratch, &parts));
	TRY(public_key_new(&parts, &key));
	return assertion_verify(a, key, NULL);
}

static bool judged(str text)
{
	static const str names[] = { { "https://id.test/home", 20 },
				     { "https://id.test/home/token", 26 } };
	const struct assertion_terms terms = { names, COUNT_OF(names), FUZZ_NOW };
	struct assertion a = { 0 };
	unwritten(&scratch, sizeof(scratch));
	scratch.token.work = NULL;
	ch_err e = assertion_read(text, &terms, &scratch, &a);
	assert(!failed(e) || ch_code_of(e) == CH_E_INVALID_CLIENT);
	if (failed(e))
		return false;
	assert(a.client.n > 0 && a.client.n <= ASSERTION_CLIENT_MAX);
	assert(a.jti.n > 0 && a.jti.n <= ASSERTION_JTI_MAX);
	assert(a.exp > FUZZ_NOW && a.exp <= FUZZ_NOW + ASSERTION_AHEAD_S + ASSERTION_SKEW_S);
	return !failed(verify(&a));
}

static void as_keys(str text)
{
	static uint8_t room[512];
	struct wr why = wr_of(room, sizeof(room));
	unwritten(&scratch, sizeof(scratch));
	ch_err e = client_jwks_check(text, &scratch, &why);
	assert(failed(e) == (why.n > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	str text = size > 0 ? str_of_bytes((bytes){ data, size }) : LIT("");
	if (!ready)
		assert(!failed(crypto_init(NULL)));
	ready = true;
	fuzz_lenient = false;
	bool real = judged(text);
	fuzz_lenient = true;
	assert(judged(text) || !real);
	as_keys(text);
	return 0;
}
