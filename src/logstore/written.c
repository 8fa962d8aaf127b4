/* What this boot's kernel has been given, and need not have on disk: a ledger that starts on the same
 * boot finds it all. `written`: "chlwrit\n"  36 boot id  u64 tiles  u64 indexed  32 SHA-256. Never
 * synced, and never missed: whoever does not find it, or finds it of another boot, goes by `state`. */
#include "logstore/written.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/rw.h"
#include "crypto/hash.h"
#include "logstore_internal.h"

enum { MAGIC = 8, WRITTEN_SIZE = MAGIC + BOOT_ID_SIZE + 2 * 8 + SHA256_SIZE };

static const uint8_t magic[MAGIC] = { 'c', 'h', 'l', 'w', 'r', 'i', 't', '\n' };

ch_err logwritten_read(int dir_fd, struct logwritten *ret_w)
{
	uint8_t b[WRITTEN_SIZE], hash[SHA256_SIZE];
	size_t n = 0;
	ch_err e = file_read(dir_fd, LOGSTORE_WRITTEN, b, sizeof(b), &n);
	if (ch_code_of(e) != CH_E_FULL)
		TRY(e);
	sha256((bytes){ b, WRITTEN_SIZE - SHA256_SIZE }, hash);
	if (failed(e) || n != sizeof(b) || !mem_eq(b, magic, MAGIC) ||
	    !mem_eq(hash, b + WRITTEN_SIZE - SHA256_SIZE, SHA256_SIZE))
		return ch_fail(CH_E_MISMATCH, "a file of the log's own is damaged", n);
	struct rd r = rd_of((bytes){ b + MAGIC, sizeof(b) - MAGIC });
	struct logwritten w = { 0 };
	mem_copy(w.boot.id, rd_take(&r, BOOT_ID_SIZE).p, BOOT_ID_SIZE);
	w.tiles = rd_u64(&r);
	w.indexed = rd_u64(&r);
	*ret_w = w;
	return CH_DONE;
}

ch_err logwritten_write(int dir_fd, const struct logwritten *written)
{
	static const char temp[] = LOGSTORE_WRITTEN ".new";
	uint8_t b[WRITTEN_SIZE], hash[SHA256_SIZE];
	struct wr w = wr_of(b, sizeof(b));
	wr_put(&w, BYTES_OF(magic));
	wr_put(&w, BYTES_OF(written->boot.id));
	wr_u64(&w, written->tiles);
	wr_u64(&w, written->indexed);
	sha256(wr_bytes(&w), hash);
	wr_put(&w, BYTES_OF(hash));
	AUTO(fd_close) int fd = openat(dir_fd, temp,
				       O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
				       LOGSTORE_FILE_MODE);
	if (fd < 0)
		return no_room_or_io(
			ch_fail(CH_E_IO, "cannot create a file of the log's own", errno));
	TRY(no_room_or_io(fd_write_all(fd, wr_bytes(&w))));
	if (renameat(dir_fd, temp, dir_fd, LOGSTORE_WRITTEN) != 0)
		return ch_fail(CH_E_IO, "cannot rename a file of the log's own", errno);
	return CH_DONE;
}

ch_err boot_id_read(struct boot_id *ret_boot)
{
	struct boot_id boot = { { 0 } };
	uint8_t text[BOOT_ID_SIZE + 1];
	size_t n = 0;
	TRY(file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", text, sizeof(text), &n));
	if (n < BOOT_ID_SIZE)
		return ch_fail(CH_E_MISMATCH, "the kernel says no boot id", n);
	mem_copy(boot.id, text, BOOT_ID_SIZE);
	*ret_boot = boot;
	return CH_DONE;
}

/* --- are they there? --- */

static bool is_there(int dir_fd, const struct tile_id *t)
{
	struct path path;
	struct stat st = { 0 };
	tile_file(&path, t);
	if (fstatat(dir_fd, path.p, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	return t->entries ? st.st_size > 0 : st.st_size == TILE_SIZE_MAX;
}

/* The bundle and the tile of these 256 entries, and the tiles above that they fill. */
static bool group_is_there(int dir_fd, uint64_t n)
{
	struct tile_id t = { .n = n, .width = TILE_WIDTH, .entries = true };
	if (!is_there(dir_fd, &t))
		return false;
	t.entries = false;
	bool all = is_there(dir_fd, &t);
	while (all && t.n % TILE_WIDTH == TILE_WIDTH - 1 && t.level + 1 < TILE_LEVELS) {
		t.n /= TILE_WIDTH;
		t.level++;
		all = is_there(dir_fd, &t);
	}
	return all;
}

uint64_t logwritten_there(int dir_fd, uint64_t from, uint64_t to)
{
	uint64_t n = from / TILE_WIDTH, end = to / TILE_WIDTH;
	while (n < end && group_is_there(dir_fd, n))
		n++;
	return n * TILE_WIDTH;
}
