/* Nothing opens that was not sealed: what does open, in the seeds, is 1 to 64 KiB and
 * opens with no other associated data. First byte: how many bytes of those there are. */
#include <assert.h>

#include "crypto/key.h"
#include "crypto/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(secret_done) struct secret *kek = NULL;
	AUTO(secret_done) struct secret *plain = NULL;
	AUTO(secret_done) struct secret *none = NULL;
	struct rd r = rd_of((bytes){ data, size });
	ch_err e = crypto_init(NULL);
	assert(!failed(e));
	bytes associated = rd_take(&r, rd_u8(&r));
	bytes sealed = rd_take(&r, rd_left(&r));
	assert(!failed(secret_new(KEK_SIZE, &kek)));
	if (failed(unseal(kek, associated, sealed, &plain)))
		return 0;
	assert(secret_size(plain) == sealed.n - SEAL_OVERHEAD);
	assert(failed(unseal(kek, bytes_of_str(LIT("other")), sealed, &none)));
	return 0;
}
