/* A token's proof: one spelling; and its hashes, held against any tree, show nothing. */
#include <assert.h>

#include "merkle/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tlog_proof p;
	static uint8_t room[PROOF_MAX];
	const struct merkle_hash leaf = { { 1 } }, root = { { 2 } };
	str text = { (const char *)data, size };
	struct wr w = wr_of(room, sizeof(room));
	if (failed(tlog_proof_read(text, &p)))
		return 0;
	tlog_proof_write(&w, &p);
	assert(!w.full && str_eq(wr_text(&w), text));
	for (uint64_t tree = p.index; tree > 0 && tree <= MERKLE_SIZE_MAX; tree *= 2)
		assert(failed(merkle_check_inclusion(&leaf, p.index, tree + 1, &p.proof, &root)));
	return 0;
}
