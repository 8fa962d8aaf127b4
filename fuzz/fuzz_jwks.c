/* Any bytes as an issuer's key set: no crash, no leak, bounded, and a set that is taken is
 * never taken for two issuers at once. */
#include <assert.h>

#include "crypto/key.h"
#include "base/cleanup.h"
#include "base/rw.h"
#include "token/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct policy_issuer issuer_of(str name, bytes jwks)
{
	static const str audience = { "mail", 4 };
	return (struct policy_issuer){ .issuer = name,
				       .realm = LIT("realm"),
				       .typ = LIT("at+jwt"),
				       .audiences = &audience,
				       .n_audiences = 1,
				       .jwks = jwks,
				       .max_ttl_s = 3600 };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	AUTO(policy_done) struct policy *one = NULL;
	AUTO(policy_done) struct policy *two = NULL;
	char text[256];
	struct wr why = wr_of(text, sizeof(text));
	const struct policy_issuer in[] = {
		issuer_of(LIT("https://id.test/home"), (bytes){ data, size }),
		issuer_of(LIT("https://id.test/corp"), (bytes){ data, size }),
	};
	if (!ready)
		assert(!failed(crypto_init(NULL)));
	ready = true;
	ch_err e = policy_new(in, 1, &why, &one);
	assert(failed(e) == !one && (!failed(e) || why.n));
	if (!one)
		return 0;
	size_t keys = policy_keys(one, in[0].issuer);
	assert(keys <= ISSUER_KEYS_MAX);
	e = policy_new(in, 2, NULL, &two);
	assert(keys ? ch_code_of(e) == CH_E_DUPLICATE : !failed(e));
	return 0;
}
