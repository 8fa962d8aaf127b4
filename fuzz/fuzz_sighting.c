/* What reads as a sighting, or as repeats of one, is written back as the same bytes. */
#include <assert.h>

#include "wire/sighting.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void repeats(const uint8_t *data, size_t size)
{
	uint8_t room[SIGHTING_REPEATS_HEAD + SIGHTING_MAX];
	struct sighting_repeats r;
	struct sighting s;
	if (failed(sighting_repeats_read((bytes){ data, size }, &r, &s)))
		return;
	assert(r.more > 0 && SIGHTING_REPEATS_HEAD + sighting_size(&s) == size);
	sighting_repeats_write(room, &r);
	sighting_write(room + SIGHTING_REPEATS_HEAD, &s);
	assert(mem_eq(room, data, size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t room[SIGHTING_MAX];
	struct sighting s;
	repeats(data, size);
	if (failed(sighting_read((bytes){ data, size }, &s)))
		return 0;
	assert(sighting_size(&s) == size && size <= sizeof(room));
	sighting_write(room, &s);
	assert(mem_eq(room, data, size));
	return 0;
}
