/* An entry of the log made of anything: what reads is what is written. */
#include <assert.h>

#include "merkle/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t room[LOG_ENTRY_MAX];
	struct log_entry e;
	struct wr w = wr_of(room, sizeof(room));
	if (failed(log_entry_read((bytes){ data, size }, &e)))
		return 0;
	assert(!failed(log_entry_write(&w, &e)));
	assert(bytes_eq(wr_bytes(&w), (bytes){ data, size }));
	return 0;
}
