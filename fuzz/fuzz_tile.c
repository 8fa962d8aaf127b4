/* A path of a tile, which has one spelling; and behind a first byte, its width, an entry bundle:
 * what reads is what is written. */
#include <assert.h>

#include "merkle/tile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void path_back(str text)
{
	uint8_t room[TILE_PATH_MAX];
	struct tile_id t;
	struct wr w = wr_of(room, sizeof(room));
	if (failed(tile_path_read(text, &t)))
		return;
	tile_path_write(&w, &t);
	assert(!w.full && str_eq(wr_text(&w), text));
}

static void bundle_back(bytes b, unsigned width)
{
	static uint8_t room[1 << 20], tile[TILE_SIZE_MAX];
	bytes entries[TILE_WIDTH];
	struct wr w = wr_of(room, sizeof(room)), t = wr_of(tile, sizeof(tile));
	if (failed(bundle_read(b, width, entries)))
		return;
	for (unsigned i = 0; i < width; i++)
		bundle_put(&w, entries[i]);
	assert(!w.full && bytes_eq(wr_bytes(&w), b));
	assert(!failed(bundle_tile(b, width, &t)) && t.n == (size_t)width * MERKLE_HASH_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	path_back((str){ (const char *)data, size });
	if (size > 0 && size <= 1 << 20)
		bundle_back((bytes){ data + 1, size - 1 }, data[0] + 1U);
	return 0;
}
