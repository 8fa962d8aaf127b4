/* Making tiles durable, long after they were written: by then the kernel has mostly written them
 * itself, and this only makes sure. Full ones alone: the open tiles are made again from them. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "logstore/tree.h"
#include "logstore_internal.h"

static ch_err sync_file(int dir_fd, const char *path, int flags)
{
	AUTO(fd_close) int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | flags);
	if (fd < 0 && errno == ENOENT)
		return ch_fail(CH_E_NOT_FOUND, "a tile of the log is missing", ENOENT);
	if (fd < 0 || fsync(fd) != 0)
		return ch_fail(CH_E_IO, "cannot sync a file of the log", errno);
	return CH_DONE;
}

/* The folder that a tile lies in, and those above it: a name is durable when they are. */
static ch_err sync_folders(int dir_fd, const struct tile_id *t)
{
	struct path path;
	tile_file(&path, t);
	for (;;) {
		str folder = path_folder(str_from_c(path.p));
		if (str_eq(folder, LIT("/")))
			break;
		path.p[folder.n] = 0;
		TRY(sync_file(dir_fd, path.p, O_DIRECTORY));
	}
	return sync_file(dir_fd, ".", O_DIRECTORY);
}

static ch_err sync_tile(int dir_fd, struct tile_id t, bool last)
{
	enum { IN_A_FOLDER = 1000 };
	struct path path;
	tile_file(&path, &t);
	TRY(sync_file(dir_fd, path.p, 0));
	return last || t.n % IN_A_FOLDER == IN_A_FOLDER - 1 ? sync_folders(dir_fd, &t) : CH_DONE;
}

/* The bundle and the tile of these 256 entries, and the tiles above that they fill. */
static ch_err sync_group(int dir_fd, uint64_t n, bool last)
{
	struct tile_id t = { .n = n, .width = TILE_WIDTH, .entries = true };
	TRY(sync_tile(dir_fd, t, last));
	t.entries = false;
	TRY(sync_tile(dir_fd, t, last));
	while (t.n % TILE_WIDTH == TILE_WIDTH - 1 && t.level + 1 < TILE_LEVELS) {
		t.n /= TILE_WIDTH;
		t.level++;
		TRY(sync_tile(dir_fd, t, true));
	}
	return CH_DONE;
}

ch_err logtree_sync(int dir_fd, uint64_t from, uint64_t to, size_t files, uint64_t *ret_upto)
{
	uint64_t n = from / TILE_WIDTH, end = to / TILE_WIDTH;
	if (end - n > files / 2)
		end = n + (files < 2 ? 1 : files / 2);
	for (; n < end; n++)
		TRY(sync_group(dir_fd, n, n + 1 == end));
	*ret_upto = n * TILE_WIDTH;
	return CH_DONE;
}
