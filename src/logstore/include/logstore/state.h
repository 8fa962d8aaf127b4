/* The ledger's own small files: `state`, which says from where on tiles are made again after a
 * crash, and `minimum`, below which entries were pruned. Each carries a hash, so that a
 * flipped bit is seen, and is replaced whole. */
#pragma once
#include "merkle/tree.h"

struct logstate {
	uint64_t durable;        /* full tiles below it are on disk for good; multiple of 256 */
	uint64_t indexed;        /* entries below it are in index files */
	uint64_t head_size;      /* of a head that was published, not the newest always */
	struct merkle_hash root; /* of it */
};

/* From here on a ledger that starts needs the journal: the lower of durable and indexed, rounded
 * down to a full tile. */
uint64_t logstate_floor(const struct logstate *s);

/* E_NOT_FOUND: a new log. E_MISMATCH: damaged. */
ch_err logstate_read(int dir_fd, struct logstate *ret_s);
ch_err logstate_write(int dir_fd, const struct logstate *s);

/* 0 when there is no file. E_MISMATCH: damaged. */
ch_err logminimum_read(int dir_fd, uint64_t *ret_index);
ch_err logminimum_write(int dir_fd, uint64_t index);
