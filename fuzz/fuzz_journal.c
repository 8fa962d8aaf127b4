/* Records of the log's journal: what is read is written again as it was. */
#include <assert.h>

#include "base/rw.h"
#include "logstore/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t room[JOURNAL_PAYLOAD_MAX];
	struct wr w = wr_of(room, sizeof(room));
	struct journal_record r;
	if (failed(journal_read((bytes){ data, size }, &r)))
		return 0;
	journal_write(&w, &r);
	assert(bytes_eq(wr_bytes(&w), (bytes){ data, size }) && journal_size(&r) == size);
	return 0;
}
