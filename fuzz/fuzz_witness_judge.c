/* Any bytes as a request to a witness, its signature taken for good: what is cosigned is never
 * smaller than the last head, nor another tree of its size, and is proven to go on from it. The
 * first byte says of which size the last one is. */
#include <assert.h>

#include "plain.h"
#include "witness_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
ch_err __wrap_note_check(const struct note *n, const struct note_key *k);

ch_err __wrap_note_check(const struct note *n, const struct note_key *k)
{
	(void)k;
	return n->n > 0 ? CH_DONE : ch_fail(CH_E_MISSING, "no line", 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct witness w;
	struct witness_asked a = { 0 };
	if (size == 0)
		return 0;
	w.config.n_logs = 1;
	w.logs[0] = (struct witness_log){ .origin = LIT("a.test/log"), .known = true };
	w.logs[0].size = data[0] % 16;
	plain_root(plain_leaves(), w.logs[0].size, &w.logs[0].root);
	const struct witness_log before = w.logs[0];
	enum witness_count c = witness_judge(&w, (str){ (const char *)data + 1, size - 1 }, &a);
	assert(c < WITNESS_COUNTS && witness_status(c) >= 200);
	assert(mem_eq(&before, &w.logs[0], sizeof(before)));
	if (c != COUNT_COSIGNED)
		return 0;
	assert(a.request.old_size == before.size && a.head.size >= before.size);
	assert(a.head.size != before.size || merkle_eq(&a.head.root, &before.root));
	assert(!failed(merkle_check_consistency(before.size, &before.root, a.head.size,
						&a.head.root, &a.request.proof)));
	return 0;
}
