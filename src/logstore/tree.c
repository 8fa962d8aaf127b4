/* Entries in, tiles out. What a level has no full tile for waits in memory; a full tile is written
 * before anything is added behind it, so that a write that fails can be tried again. Trusts
 * nobody's file: one that is there already is compared. */
#include "logstore/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rw.h"
#include "logstore_internal.h"

static ch_err at_fault(struct logtree *t, const struct tile_id *id, ch_err e)
{
	if (failed(e))
		t->fault = *id;
	return e;
}

/* --- one file --- */

static ch_err write_here(int dir_fd, const struct path *path, int flags, bytes b)
{
	AUTO(fd_close) int fd = openat(
		dir_fd, path->p, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | flags,
		LOGSTORE_FILE_MODE);
	if (fd < 0 && errno == ENOENT) {
		TRY(folders_of(dir_fd, path->p));
		fd = openat(dir_fd, path->p, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | flags,
			    LOGSTORE_FILE_MODE);
	}
	if (fd < 0 && errno == EEXIST)
		return ch_fail(CH_E_EXISTS, "the tile is there already", EEXIST);
	if (fd < 0)
		return ch_fail(CH_E_IO, "cannot create a tile", errno);
	/* the umask must not take what readers need */
	if (fchmod(fd, LOGSTORE_FILE_MODE) != 0)
		return ch_fail(CH_E_IO, "cannot set a tile's mode", errno);
	return fd_write_all(fd, b);
}

static ch_err is_there(struct logtree *t, const struct path *path, bytes b, bool *ret_same)
{
	size_t n = 0;
	ch_err e = file_read(t->dir_fd, path->p, t->read, sizeof(t->read), &n);
	if (ch_code_of(e) == CH_E_FULL || ch_code_of(e) == CH_E_NOT_FOUND) {
		*ret_same = false;
		return CH_DONE;
	}
	TRY(e);
	*ret_same = n == b.n && mem_eq(t->read, b.p, n);
	return CH_DONE;
}

static ch_err replace(struct logtree *t, const struct path *path, bytes b)
{
	struct path temp;
	TRY(path_of(&temp, str_from_c(path->p)));
	struct wr w = wr_of(temp.p, sizeof(temp.p) - 1);
	w.n = str_from_c(path->p).n;
	wr_lit(&w, ".new");
	temp.p[w.n] = 0;
	ch_err e = write_here(t->dir_fd, &temp, O_TRUNC, b);
	if (!failed(e) && renameat(t->dir_fd, temp.p, t->dir_fd, path->p) != 0)
		e = ch_fail(CH_E_IO, "cannot rename a tile into place", errno);
	if (failed(e))
		(void)unlinkat(t->dir_fd, temp.p, 0);
	return e;
}

static ch_err write_tile(struct logtree *t, const struct path *path, bytes b)
{
	bool same = false;
	ch_err e = write_here(t->dir_fd, path, O_EXCL, b);
	if (ch_code_of(e) == CH_E_EXISTS) {
		TRY(is_there(t, path, b, &same));
		return same ? CH_DONE : replace(t, path, b);
	}
	if (failed(e))
		(void)unlinkat(t->dir_fd, path->p, 0);
	return e;
}

static ch_err put(struct logtree *t, const struct tile_id *id, bytes b)
{
	struct path path;
	bool same = false;
	if (t->mode == LOGTREE_FORGET)
		return CH_DONE;
	tile_file(&path, id);
	if (t->mode == LOGTREE_WRITE)
		return at_fault(t, id, no_room_or_io(write_tile(t, &path, b)));
	TRY(at_fault(t, id, is_there(t, &path, b, &same)));
	if (!same)
		return at_fault(
			t, id,
			ch_fail(CH_E_MISMATCH, "a tile is not what its entries make", id->n));
	return CH_DONE;
}

/* --- tiles that are full --- */

/* The open tile of a level, as wide as it is. */
static struct tile_id open_tile(const struct logtree *t, unsigned level)
{
	return (struct tile_id){ .n = t->levels[level].n,
				 .width = (unsigned)t->levels[level].edge.size,
				 .level = (uint8_t)level };
}

static bytes hashes_of(const struct logtree_level *l)
{
	return (bytes){ l->hashes, (size_t)l->edge.size * MERKLE_HASH_SIZE };
}

static ch_err put_level(struct logtree *t, unsigned level, const struct tile_id *id)
{
	struct tile_id bundle = *id;
	bundle.entries = true;
	if (level == 0)
		TRY(put(t, &bundle, (bytes){ t->bundle, t->bundle_n }));
	return put(t, id, hashes_of(&t->levels[level]));
}

static void level_add(struct logtree *t, unsigned level, const struct merkle_hash *h)
{
	struct logtree_level *l = &t->levels[level];
	mem_copy(l->hashes + (size_t)l->edge.size * MERKLE_HASH_SIZE, h->b, MERKLE_HASH_SIZE);
	merkle_edge_add(&l->edge, h);
}

/* Once the full one is there, nobody needs the partial ones. That they cannot be removed harms
 * nobody. */
static void drop_partial(const struct logtree *t, const struct tile_id *full)
{
	struct path path;
	struct tile_id id = *full;
	id.width = 1;
	tile_file(&path, &id);
	str folder = path_folder(str_from_c(path.p));
	path.p[folder.n] = 0;
	(void)dir_remove(t->dir_fd, path.p);
}

static ch_err finish_level(struct logtree *t, unsigned level)
{
	struct logtree_level *l = &t->levels[level];
	struct tile_id id = open_tile(t, level);
	struct merkle_hash root = l->edge.h[0];
	TRY(put_level(t, level, &id));
	if (t->mode == LOGTREE_WRITE) {
		drop_partial(t, &id);
		id.entries = true;
		if (level == 0)
			drop_partial(t, &id);
	}
	l->edge = (struct merkle_edge){ 0 };
	l->settled = 0;
	l->n++;
	if (level == 0)
		t->bundle_n = 0;
	if (level + 1 < TILE_LEVELS)
		level_add(t, level + 1, &root);
	return CH_DONE;
}

/* The highest first: a level below may only carry up where there is room. */
static ch_err carry(struct logtree *t)
{
	for (unsigned level = TILE_LEVELS; level-- > 0;)
		if (t->levels[level].edge.size == TILE_WIDTH)
			TRY(finish_level(t, level));
	for (unsigned level = 1; level < TILE_LEVELS; level++)
		if (t->levels[level].edge.size == TILE_WIDTH)
			TRY(finish_level(t, level));
	return CH_DONE;
}

/* --- the open ones --- */

ch_err logtree_add(struct logtree *t, bytes entry)
{
	struct merkle_hash leaf;
	if (entry.n == 0 || entry.n > BUNDLE_ENTRY_MAX)
		return ch_fail(CH_E_RANGE, "an entry has 1 to 256 bytes", entry.n);
	if (t->levels[0].edge.size == TILE_WIDTH)
		TRY(carry(t));
	struct wr w = wr_of(t->bundle, sizeof(t->bundle));
	w.n = t->bundle_n;
	bundle_put(&w, entry);
	TRY(wr_done(&w));
	t->bundle_n = w.n;
	merkle_leaf(entry, &leaf);
	level_add(t, 0, &leaf);
	t->size++;
	return CH_DONE;
}

ch_err logtree_settle(struct logtree *t)
{
	TRY(carry(t));
	for (unsigned level = 0; level < TILE_LEVELS; level++) {
		struct logtree_level *l = &t->levels[level];
		struct tile_id id = open_tile(t, level);
		if (id.width == l->settled)
			continue;
		TRY(put_level(t, level, &id));
		l->settled = id.width;
	}
	return CH_DONE;
}

void logtree_root(const struct logtree *t, struct merkle_hash *ret_root)
{
	struct merkle_edge all = { .size = t->size };
	for (unsigned level = TILE_LEVELS; level-- > 0;) {
		const struct merkle_edge *e = &t->levels[level].edge;
		for (size_t i = 0; i < e->n; i++)
			all.h[all.n++] = e->h[i];
	}
	merkle_edge_root(&all, ret_root);
}

/* --- beginning with what is there --- */

static ch_err read_full(struct logtree *t, const struct tile_id *id)
{
	struct path path;
	size_t have = 0;
	tile_file(&path, id);
	TRY(at_fault(t, id, file_read(t->dir_fd, path.p, t->read, sizeof(t->read), &have)));
	if (have != TILE_SIZE_MAX)
		return at_fault(t, id, ch_fail(CH_E_MISMATCH, "a full tile has 8192 bytes", have));
	return CH_DONE;
}

/* The n-th hash of a level: the root of the tile below; if that was pruned, its parent has it. */
static ch_err hash_at(struct logtree *t, unsigned level, uint64_t n, struct merkle_hash *ret_hash)
{
	const struct tile_id below = { .n = n, .width = TILE_WIDTH, .level = (uint8_t)(level - 1) };
	const struct tile_id parent = { .n = n / TILE_WIDTH,
					.width = TILE_WIDTH,
					.level = (uint8_t)level };
	ch_err e = read_full(t, &below);
	if (!failed(e))
		return at_fault(t, &below, tile_root((bytes){ t->read, TILE_SIZE_MAX }, ret_hash));
	if (ch_code_of(e) != CH_E_NOT_FOUND || failed(read_full(t, &parent))) {
		t->fault = below;
		return e;
	}
	mem_copy(ret_hash->b, t->read + n % TILE_WIDTH * MERKLE_HASH_SIZE, MERKLE_HASH_SIZE);
	return CH_DONE;
}

static ch_err begin_level(struct logtree *t, unsigned level)
{
	uint64_t upto = tile_hashes(t->size, level);
	for (uint64_t n = upto - upto % TILE_WIDTH; n < upto; n++) {
		struct merkle_hash hash;
		TRY(hash_at(t, level, n, &hash));
		level_add(t, level, &hash);
	}
	return CH_DONE;
}

ch_err logtree_begin(struct logtree *t, int dir_fd, enum logtree_mode mode, uint64_t size)
{
	if (size % TILE_WIDTH != 0 || size > MERKLE_SIZE_MAX)
		return ch_fail(CH_E_RANGE, "a tree of files begins at a full tile", size);
	t->dir_fd = dir_fd;
	t->mode = mode;
	t->size = size;
	t->bundle_n = 0;
	t->fault = (struct tile_id){ 0 };
	for (unsigned level = 0; level < TILE_LEVELS; level++) {
		t->levels[level].edge = (struct merkle_edge){ 0 };
		t->levels[level].settled = 0;
		t->levels[level].n = tile_hashes(size, level) / TILE_WIDTH;
	}
	for (unsigned level = 1; level < TILE_LEVELS; level++)
		TRY(begin_level(t, level));
	return CH_DONE;
}
