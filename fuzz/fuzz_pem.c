/* What is imported from PEM is a whole key: it signs, and its public half verifies. */
#include <assert.h>

#include "crypto/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(enum alg a, const struct secret *pem)
{
	AUTO(private_key_done) struct private_key *k = NULL;
	AUTO(public_key_done) struct public_key *pub = NULL;
	struct key_parts parts;
	uint8_t sig[SIGNATURE_MAX];
	size_t n = 0;
	bytes message = bytes_of_str(LIT("message"));
	if (failed(private_key_from_pem(a, pem, &k)))
		return;
	assert(!failed(private_key_public(k, &parts)));
	assert(!failed(public_key_new(&parts, &pub)));
	assert(!failed(private_key_sign(k, message, sig, &n)));
	assert(!failed(public_key_verify(pub, NULL, signed_text_of(message), (bytes){ sig, n })));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(secret_done) struct secret *pem = NULL;
	enum alg a = ALG_COUNT;
	ch_err e = crypto_init(NULL);
	assert(!failed(e));
	if (failed(secret_new(size, &pem)))
		return 0;
	mem_copy(secret_poke(pem), data, size);
	if (failed(private_key_pem_alg(pem, &a)))
		return 0;
	use(a, pem);
	return 0;
}
