/* What the parts of the store share: names of files, the lock, the list of ids. A dump is
 * there when its sidecar is: that is linked last and unlinked first. */
#pragma once
#include "dumpstore/store.h"

struct dump_name {
	char p[DUMP_ID_SIZE + 8];
};
#define DUMP_ENDING ".dump"
#define SIDECAR_ENDING ".json"

struct dump_name dump_name_of(const struct dump_id *id, str ending);
/* Is it ID + ending, and of which? */
bool dump_name_read(str name, str ending, struct dump_id *ret_id);
ch_err dump_id_new(int64_t time_s, struct dump_id *ret_id);

struct dump_ids {
	struct dump_id *p;
	size_t n, cap;
};
void dump_ids_done(struct dump_ids *ids);
/* All files of this ending in the folder, sorted. */
ch_err dump_ids_read(int dir, str ending, struct dump_ids *ret_ids);

/* Commits go beside each other; pruning is alone, so that it can tell what an interrupted
 * one left behind. The file is the owner's alone: who may read the folder cannot hold it. */
enum store_lock { LOCK_BESIDE, LOCK_ALONE };
ch_err store_lock(int dir, enum store_lock how, int *ret_fd);
ch_err store_sync(int dir);
