/* What reads as a revocation is written back as the same bytes; a pulse of any bytes is none but
 * the one that was written. */
#include <assert.h>

#include "revoke/beat.h"
#include "revoke/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t room[REVOKE_DUE_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct revocation r;
	struct revoke_beat b;
	if (!failed(revocation_due_read((bytes){ data, size }, &r))) {
		revocation_due_write(&w, &r);
		assert(!w.full && bytes_eq(wr_bytes(&w), (bytes){ data, size }));
	}
	(void)beat_parse((bytes){ data, size }, &b);
	return 0;
}
