/* What reads as an archive is written back as the same bytes. */
#include <assert.h>
#include <stdlib.h>

#include "archive/archive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct archive_file files[ARCHIVE_FILES_MAX];
	struct archive a = { .files = files };
	if (failed(archive_read((bytes){ data, size }, &a)))
		return 0;
	uint8_t *copy = malloc(size);
	struct wr w = wr_of(copy, copy ? size : 0);
	archive_manifest(&w, &a);
	for (size_t i = 0; i < a.n; i++) {
		archive_header(&w, &a, &a.files[i]);
		wr_put(&w, a.files[i].content);
		for (size_t k = archive_padding(a.files[i].size); k > 0; k--)
			wr_u8(&w, 0);
	}
	for (size_t k = 0; k < ARCHIVE_END; k++)
		wr_u8(&w, 0);
	assert(!copy || bytes_eq(wr_bytes(&w), (bytes){ data, size }));
	free(copy);
	return 0;
}
