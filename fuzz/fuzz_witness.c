/* A log's request to a witness: one spelling; and its hashes, held against any two trees, show
 * nothing. */
#include <assert.h>

#include "merkle/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct witness_request r;
	static uint8_t room[WITNESS_REQUEST_MAX];
	const struct merkle_hash old = { { 1 } }, root = { { 2 } };
	str text = { (const char *)data, size };
	struct wr w = wr_of(room, sizeof(room));
	if (failed(witness_request_read(text, &r)))
		return 0;
	witness_request_write(&w, &r);
	assert(!w.full && str_eq(wr_text(&w), text) && r.proof.n <= WITNESS_PROOF_MAX);
	for (uint64_t n = r.old_size; n > 0 && n <= MERKLE_SIZE_MAX; n *= 2)
		assert(failed(merkle_check_consistency(r.old_size, &old, n, &root, &r.proof)));
	return 0;
}
