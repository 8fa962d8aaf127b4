/* Open tiles as they were at older heads: each is the start of the newest. They are served to who has
 * such a head, so they are looked at, and mended, like the rest. */
#include <errno.h>
#include <unistd.h>

#include "base/rw.h"
#include "check_internal.h"
#include "logstore_internal.h"

static uint8_t whole_room[TILE_ROOM_MAX], part_room[TILE_ROOM_MAX];

/* The first `width` entries or hashes. */
static ch_err start_of(const struct tile_id *t, bytes whole, unsigned width, bytes *ret_start)
{
	size_t n = (size_t)width * MERKLE_HASH_SIZE;
	if (t->entries) {
		NOT_ZEROED bytes entries[TILE_WIDTH];
		TRY(bundle_read(whole, t->width, entries));
		const uint8_t *end = entries[width - 1].p + entries[width - 1].n;
		n = (size_t)(end - whole.p);
	}
	if (n > whole.n)
		return ch_fail(CH_E_MISMATCH, "a tile is too short", whole.n);
	*ret_start = (bytes){ whole.p, n };
	return CH_DONE;
}

static ch_err look_at_one(struct looking *l, const struct tile_id *t, bytes whole, unsigned width)
{
	struct tile_id part = *t;
	struct path path;
	bytes must = { 0 };
	size_t n = 0;
	part.width = width;
	tile_file(&path, &part);
	TRY(start_of(t, whole, width, &must));
	ch_err e = file_read(l->c->dir_fd, path.p, part_room, sizeof(part_room), &n);
	if (!failed(e) && bytes_eq((bytes){ part_room, n }, must))
		return CH_DONE;
	if (!l->mends) {
		check_tell(l, "an older open tile is not the start of the newest",
			   str_from_c(path.p), part.n, e);
		return CH_DONE;
	}
	return file_replace(l->c->dir_fd, path.p, must, LOGSTORE_FILE_MODE);
}

static ch_err look_in_folder(struct looking *l, const struct tile_id *t)
{
	AUTO(dir_done) DIR *d = NULL;
	struct wr w = wr_of(whole_room, sizeof(whole_room));
	struct path path;
	tile_file(&path, t);
	path.p[path_folder(str_from_c(path.p)).n] = 0;
	TRY(tile_fetch(&l->store.tiles, t, &w));
	ch_err e = dir_open(l->c->dir_fd, path.p, &d);
	if (failed(e))
		return e.detail == ENOENT ? CH_DONE : e;
	for (struct dirent *f = readdir(d); f; f = readdir(d)) {
		uint64_t width = 0;
		if (str_to_u64(str_from_c(f->d_name), TILE_WIDTH - 1, &width) && width > 0 &&
		    width < t->width)
			TRY(look_at_one(l, t, wr_bytes(&w), (unsigned)width));
	}
	return CH_DONE;
}

ch_err look_at_partial(struct looking *l)
{
	uint64_t size = l->report->size;
	for (unsigned level = 0; level < TILE_LEVELS; level++) {
		struct tile_id t;
		uint64_t hashes = tile_hashes(size, level);
		if (hashes % TILE_WIDTH == 0 || !tile_of(size, level, hashes / TILE_WIDTH, &t))
			continue;
		ch_err e = look_in_folder(l, &t);
		t.entries = true;
		if (!failed(e) && level == 0)
			e = look_in_folder(l, &t);
		/* that the newest is damaged was told of before */
		if (failed(e) && (l->mends || ch_code_of(e) == CH_E_IO))
			return e;
	}
	return CH_DONE;
}
