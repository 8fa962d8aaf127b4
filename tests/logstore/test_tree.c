/* The tree as files, at sizes around those of tiles: its root is the plain tree's, its files are what
 * tlog-tiles says that there must be, and going on from any full tile gives the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/rw.h"
#include "logstore/logstore.h"
#include "logstore/tree.h"

static struct logtree tree, other;
static char folder[64];
static int dir_fd = -1;

static void must(ch_err e)
{
	if (failed(e))
		fail_msg("%s (%llu)", e.site->what, (unsigned long long)e.detail);
}

static bytes entry_of(uint64_t i, uint8_t room[static 16])
{
	struct wr w = wr_of(room, 16);
	wr_u64(&w, i);
	/* of different lengths */
	return (bytes){ room, 8 - (size_t)(i % 3) };
}

static void add(struct logtree *t, struct merkle_edge *plain, uint64_t upto)
{
	while (t->size < upto) {
		uint8_t room[16];
		struct merkle_hash leaf;
		bytes entry = entry_of(t->size, room);
		if (plain) {
			merkle_leaf(entry, &leaf);
			merkle_edge_add(plain, &leaf);
		}
		must(logtree_add(t, entry));
	}
}

/* Every file of the tree is there, and of its size; the edge out of them has the root. */
static void files_are_there(uint64_t size, const struct merkle_hash *root)
{
	static uint8_t room[TILE_ROOM_MAX];
	struct logstore s;
	struct merkle_edge edge;
	struct merkle_hash out;
	struct tile_walk walk = tile_walk_of(0, size);
	struct tile_id id;
	logstore_of(dir_fd, &s);
	while (tile_walk_next(&walk, &id)) {
		struct wr w = wr_of(room, sizeof(room));
		must(tile_fetch(&s.tiles, &id, &w));
	}
	must(merkle_edge_at(&s.tiles, size, &edge));
	merkle_edge_root(&edge, &out);
	assert_true(merkle_eq(&out, root));
}

static void roots(void **state)
{
	(void)state;
	static const uint64_t sizes[] = { 0,   1,   2,   255, 256,   257,   511,   512,
					  700, 767, 768, 769, 65535, 65536, 65537, 66000 };
	struct merkle_edge plain = { 0 };
	struct merkle_hash a, b;
	must(logtree_begin(&tree, dir_fd, LOGTREE_WRITE, 0));
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		add(&tree, &plain, sizes[i]);
		must(logtree_settle(&tree));
		logtree_root(&tree, &a);
		merkle_edge_root(&plain, &b);
		assert_true(merkle_eq(&a, &b));
		if (sizes[i] > 0)
			files_are_there(sizes[i], &a);
	}
	/* from any full tile on, with files that are there already, or compared with them */
	static const uint64_t starts[] = { 0, 256, 512, 65280, 65536, 65792 };
	for (size_t i = 0; i < COUNT_OF(starts); i++)
		for (int mode = LOGTREE_WRITE; mode <= LOGTREE_COMPARE; mode++) {
			must(logtree_begin(&other, dir_fd, (enum logtree_mode)mode, starts[i]));
			add(&other, NULL, 66000);
			must(logtree_settle(&other));
			logtree_root(&other, &b);
			assert_true(merkle_eq(&a, &b));
		}
	uint64_t upto = 0;
	must(logtree_sync(dir_fd, 0, 65792, 100, &upto));
	assert_int_equal(upto, 50 * 256);
	must(logtree_sync(dir_fd, upto, 65792, SIZE_MAX, &upto));
	assert_int_equal(upto, 65792);
}

static void what_differs(void **state)
{
	(void)state;
	static const uint8_t junk[] = "junk";
	must(logtree_begin(&tree, dir_fd, LOGTREE_WRITE, 0));
	add(&tree, NULL, 300);
	must(logtree_settle(&tree));
	must(file_replace(dir_fd, "tile/0/000", BYTES_OF(junk), 0644));
	must(logtree_begin(&other, dir_fd, LOGTREE_COMPARE, 0));
	add(&other, NULL, 256);
	assert_int_equal(ch_code_of(logtree_settle(&other)), CH_E_MISMATCH);
	assert_int_equal(other.fault.n, 0);
	assert_false(other.fault.entries);
	/* one that was torn is replaced; an entry that is none is refused */
	must(logtree_begin(&tree, dir_fd, LOGTREE_WRITE, 0));
	add(&tree, NULL, 300);
	must(logtree_settle(&tree));
	must(logtree_begin(&other, dir_fd, LOGTREE_COMPARE, 0));
	add(&other, NULL, 300);
	must(logtree_settle(&other));
	assert_int_equal(ch_code_of(logtree_add(&tree, (bytes){ junk, 0 })), CH_E_RANGE);
	assert_int_equal(ch_code_of(logtree_begin(&tree, dir_fd, LOGTREE_WRITE, 100)), CH_E_RANGE);
	assert_int_equal(ch_code_of(logtree_begin(&tree, dir_fd, LOGTREE_WRITE, 512 * 256)),
			 CH_E_NOT_FOUND);
}

static int open_folder(void **state)
{
	(void)state;
	/* what syncs much is quick in memory */
	(void)snprintf(folder, sizeof(folder), "%s/chancery-logtree-XXXXXX",
		       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(folder))
		return -1;
	dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir_fd < 0;
}

static int close_folder(void **state)
{
	(void)state;
	fd_close(&dir_fd);
	return failed(dir_remove(AT_FDCWD, folder));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(roots, open_folder, close_folder),
		cmocka_unit_test_setup_teardown(what_differs, open_folder, close_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
