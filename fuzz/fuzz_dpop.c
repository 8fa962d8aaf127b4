/* Any text as a DPoP proof: no crash, nothing accepted that the key does not bear out, and
 * nothing accepted twice. Judged as each key's of the corpus, for real and with every
 * signature taken for good, so that mutations of the claims get as far as the store. */
#include <assert.h>

#include "crypto/key.h"
#include "lenient.h"
#include "token/confirm.h"
#include "unwritten.h"

enum { STORE = 2048 };

/* RFC 7638 thumbprints of the corpus's throw-away keys: ES256, EdDSA, RS256. */
static const uint8_t jkts[][32] = {
	{ 0x1e, 0xaf, 0x67, 0x77, 0x37, 0x00, 0x89, 0x40, 0xe5, 0x84, 0x77,
	  0x22, 0x7a, 0x3a, 0x31, 0x37, 0x5f, 0x01, 0x16, 0xb4, 0xb5, 0x92,
	  0x4c, 0xe2, 0x70, 0xfe, 0x66, 0x13, 0xb1, 0x20, 0x8e, 0x13 },
	{ 0x38, 0x08, 0x28, 0x7e, 0x99, 0x61, 0x3e, 0x2c, 0xdf, 0xe2, 0x1b,
	  0x9b, 0xd9, 0x90, 0x9b, 0x4e, 0x08, 0x8b, 0xd4, 0xa7, 0x24, 0xed,
	  0xda, 0x69, 0x3a, 0x86, 0xf2, 0x24, 0x31, 0xde, 0xda, 0xd4 },
	{ 0xa0, 0x3c, 0x65, 0x75, 0x92, 0x9b, 0xc5, 0xc4, 0x25, 0x29, 0x91,
	  0x0a, 0xb3, 0x58, 0x65, 0x97, 0xbf, 0x9d, 0x6e, 0xca, 0x15, 0xb6,
	  0x39, 0x19, 0xc2, 0x20, 0x81, 0x5e, 0xfc, 0x7b, 0xe4, 0x85 },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The second time too, into *ret_again. */
static enum token_code judged(str proof, const uint8_t jkt[static 32], bool with_nonce,
			      enum token_code *ret_again)
{
	static _Alignas(64) uint8_t storage[STORE];
	static struct token_scratch scratch;
	static const str nonce = { "n1", 2 };
	struct token_verdict v = { .code = TOKEN_accepted, .bound = true };
	const struct token_proofs shown = { .dpop = proof, .dpop_scheme = true };
	struct proof_request r = {
		.token = { "an.access.token", 15 },
		.method = { "GET", 3 },
		.url = { "https://rs.test/inbox", 21 },
		.now_s = FUZZ_NOW,
		.window_s = 60,
		.skew_s = 5,
		.nonces = &nonce,
		.n_nonces = with_nonce,
	};
	assert(!failed(replay_init(storage, sizeof(storage), 1, &r.replay)));
	unwritten(&scratch, sizeof(scratch));
	scratch.work = NULL;
	v.binding.has_jkt = true;
	mem_copy(v.binding.jkt, jkt, 32);
	struct token_verdict w = v;
	enum token_code code = token_confirm(&v, &shown, &r, &scratch);
	assert(v.code == code && (code == TOKEN_accepted) == !v.where.n);
	*ret_again = token_confirm(&w, &shown, &r, &scratch);
	return code;
}

static void judge_as(str proof, const uint8_t jkt[static 32])
{
	enum token_code again = TOKEN_accepted;
	fuzz_lenient = false;
	enum token_code real = judged(proof, jkt, false, &again);
	assert(again == (real == TOKEN_accepted ? TOKEN_proof_replayed : real));
	fuzz_lenient = true;
	enum token_code mild = judged(proof, jkt, false, &again);
	assert(again == (mild == TOKEN_accepted ? TOKEN_proof_replayed : mild));
	assert(real == mild || (real == TOKEN_bad_proof && mild == TOKEN_accepted));
	assert(mild == TOKEN_accepted || mild == TOKEN_bad_proof || mild == TOKEN_bad_binding);
	assert(mild != TOKEN_accepted || (proof.n <= DPOP_PROOF_MAX && !str_has(proof, '=')));
	enum token_code nonced = judged(proof, jkt, true, &again);
	assert(nonced == mild || (nonced == TOKEN_nonce_needed && mild == TOKEN_accepted));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	str proof = str_of_bytes((bytes){ data, size });
	if (!ready)
		assert(!failed(crypto_init(NULL)));
	ready = true;
	/* as of no length, but there */
	if (!proof.p)
		proof.p = "";
	for (size_t i = 0; i < COUNT_OF(jkts); i++)
		judge_as(proof, jkts[i]);
	return 0;
}
