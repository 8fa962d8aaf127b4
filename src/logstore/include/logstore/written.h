/* How far tiles and index files are written, as far as the kernel of this boot knows: for a ledger
 * that starts again before the machine does. What is on disk for good is logstore/state.h. */
#pragma once
#include "merkle/tree.h"

enum { BOOT_ID_SIZE = 36 };

/* All zeros: not known. */
struct boot_id {
	uint8_t id[BOOT_ID_SIZE];
};

struct logwritten {
	struct boot_id boot;
	uint64_t tiles;   /* full tiles below it were written; multiple of 256 */
	uint64_t indexed; /* entries below it are in index files */
};

/* E_NOT_FOUND: none. E_MISMATCH: damaged. */
ch_err logwritten_read(int dir_fd, struct logwritten *ret_w);
/* Not synced. E_NO_ROOM, E_IO. */
ch_err logwritten_write(int dir_fd, const struct logwritten *w);
/* Of this boot; before the walls. */
ch_err boot_id_read(struct boot_id *ret_boot);

/* Up to which entry, `to` at most, the files of all full tiles from `from` on are there and have
 * their sizes; both multiples of 256. */
uint64_t logwritten_there(int dir_fd, uint64_t from, uint64_t to);
