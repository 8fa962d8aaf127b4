/* Reading a log's folder. Trusts nothing in it: a reader gets bytes of the right length, or an
 * error, and holds them against a checkpoint himself. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/rw.h"
#include "logstore/state.h"
#include "logstore_internal.h"

void tile_file(struct path *ret_path, const struct tile_id *t)
{
	struct wr w = wr_of(ret_path->p, sizeof(ret_path->p) - 1);
	_Static_assert((int)TILE_PATH_MAX < (int)PATH_CAP, "a tile's path fits");
	tile_path_write(&w, t);
	ret_path->p[w.n] = 0;
}

ch_err folders_of(int dir_fd, const char *path)
{
	struct path folder;
	TRY(path_of(&folder, path_folder(str_from_c(path))));
	return dir_make(dir_fd, folder.p, LOGSTORE_FOLDER_MODE);
}

ch_err no_room_or_io(ch_err e)
{
	if (ch_code_of(e) == CH_E_IO &&
	    (e.detail == ENOSPC || e.detail == EDQUOT || e.detail == EFBIG))
		return ch_fail(CH_E_NO_ROOM, "there is no room for the log", e.detail);
	return e;
}

/* --- tiles --- */

static size_t size_of(const struct tile_id *t)
{
	return t->entries ? TILE_ROOM_MAX : (size_t)t->width * MERKLE_HASH_SIZE;
}

static ch_err read_tile(int dir_fd, const struct tile_id *t, struct wr *w)
{
	struct path path;
	size_t n = 0, most = size_of(t);
	tile_file(&path, t);
	if (w->cap - w->n < most)
		most = w->cap - w->n;
	TRY(file_read(dir_fd, path.p, w->p + w->n, most, &n));
	if (!t->entries && n != size_of(t))
		return ch_fail(CH_E_MISMATCH, "a tile's file has not its size", n);
	w->n += n;
	return CH_DONE;
}

static ch_err get_tile(struct tile_source *source, const struct tile_id *t, struct wr *w)
{
	const struct logstore *s = (const struct logstore *)source; /* its first member */
	return read_tile(s->dir_fd, t, w);
}

/* --- opening --- */

void logstore_of(int dir_fd, struct logstore *ret_s)
{
	*ret_s = (struct logstore){ { get_tile }, dir_fd };
}

ch_err logstore_open(int dir_fd, const char *path, struct logstore *ret_s)
{
	int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return ch_fail(CH_E_NOT_FOUND, "there is no log", ENOENT);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot open the log's folder", errno);
	logstore_of(fd, ret_s);
	return CH_DONE;
}

void logstore_close(struct logstore *s)
{
	fd_close(&s->dir_fd);
}

/* --- the rest --- */

ch_err logstore_checkpoint(const struct logstore *s, struct wr *w)
{
	size_t n = 0, most = w->cap - w->n;
	TRY(file_read(s->dir_fd, LOGSTORE_CHECKPOINT, w->p + w->n,
		      most < LOGSTORE_NOTE_MAX ? most : LOGSTORE_NOTE_MAX, &n));
	w->n += n;
	return CH_DONE;
}

ch_err logstore_minimum(const struct logstore *s, uint64_t *ret_index)
{
	return logminimum_read(s->dir_fd, ret_index);
}

ch_err logstore_entry(struct logstore *s, uint64_t index, uint64_t size,
		      uint8_t storage[static TILE_ROOM_MAX], bytes *ret_entry)
{
	struct wr w = wr_of(storage, TILE_ROOM_MAX);
	struct tile_id id;
	NOT_ZEROED bytes entries[TILE_WIDTH];
	if (index >= size || !tile_of(size, 0, index / TILE_WIDTH, &id))
		return ch_fail(CH_E_RANGE, "the log has no such entry", size);
	id.entries = true;
	TRY(tile_fetch(&s->tiles, &id, &w));
	TRY(bundle_read(wr_bytes(&w), id.width, entries));
	*ret_entry = entries[index % TILE_WIDTH];
	return CH_DONE;
}
