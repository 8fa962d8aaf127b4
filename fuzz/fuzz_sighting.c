/* What reads as a sighting is written back as the same bytes. */
#include <assert.h>

#include "wire/sighting.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t room[SIGHTING_MAX];
	struct sighting s;
	if (failed(sighting_read((bytes){ data, size }, &s)))
		return 0;
	assert(sighting_size(&s) == size && size <= sizeof(room));
	sighting_write(room, &s);
	assert(mem_eq(room, data, size));
	return 0;
}
