/* A file of evidence made of anything, every signature in it good (they are wrapped), so that what
 * stands behind them is reached: whatever it claims, what is found is in its entries. */
#include <assert.h>

#include "crypto/public_key.h"
#include "evidence/evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
ch_err __wrap_ed25519_verify(const uint8_t key[static 32], bytes text, bytes sig);
ch_err __wrap_public_key_verify(const struct public_key *k, struct key_work *work_or_null,
				struct signed_text signed_text, bytes sig);

ch_err __wrap_ed25519_verify(const uint8_t key[static 32], bytes text, bytes sig)
{
	(void)key;
	(void)text;
	(void)sig;
	return CH_DONE;
}

ch_err __wrap_public_key_verify(const struct public_key *k, struct key_work *work_or_null,
				struct signed_text signed_text, bytes sig)
{
	(void)k;
	(void)work_or_null;
	(void)signed_text;
	(void)sig;
	return CH_DONE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct evidence_scratch scratch;
	static const uint8_t key[NOTE_KEY_SIZE];
	struct evidence_trust t = { .n_witnesses = 0 };
	struct evidence_file f;
	struct evidence_verdict v;
	if (failed(evidence_open((bytes){ data, size }, &f)))
		return 0;
	assert(f.first <= f.size && f.entries.n <= size && (!f.e.thin || f.entries.n == 0));
	assert(!failed(note_key_make(LIT("log"), NOTE_ED25519, key, &t.log)));
	if (failed(evidence_check(&f, &t, NULL, &scratch, &v)))
		return 0;
	assert(v.size == f.size && v.first == f.first && v.cover < EVIDENCE_COVER_COUNT);
	assert(!v.present || (v.index >= v.first && v.index < v.size));
	return 0;
}
