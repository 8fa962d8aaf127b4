/* The folder of a log, for those who read it: gates, issuers, the command line, the collector.
 * FORMAT.md draws it. Nothing in it is believed for being there: who reads holds entries and
 * hashes against a signed checkpoint.
 *
 * Any number of readers, in any process, while the ledger writes. A reader never waits and
 * locks nothing. */
#pragma once
#include "merkle/source.h"

enum {
	LOGSTORE_NOTE_MAX = 8192, /* a checkpoint with its signatures */
	LOGSTORE_HASH_SIZE = 32,
};

/* Files of a log, below its folder. */
#define LOGSTORE_CHECKPOINT "checkpoint"
#define LOGSTORE_JOURNAL "journal"
#define LOGSTORE_INDEX "index"
#define LOGSTORE_STATE "state"
#define LOGSTORE_MINIMUM "minimum"
#define LOGSTORE_WRITTEN "written"
#define LOGSTORE_LOCK "lock"

/* &s.tiles is the source that proofs and edges are made of (merkle/source.h). */
struct logstore {
	struct tile_source tiles;
	int dir_fd;
};

/* E_NOT_FOUND: there is no such folder. */
ch_err logstore_open(int dir_fd, const char *path, struct logstore *ret_s);
/* For AUTO(); fine with a dir_fd of -1. */
void logstore_close(struct logstore *s);
/* The same over a folder that is open; dir_fd stays the caller's. */
void logstore_of(int dir_fd, struct logstore *ret_s);

/* The newest published head as it lies there, a signed note, unverified; appended to w
 * (LOGSTORE_NOTE_MAX bytes always suffice). E_NOT_FOUND: none has been made yet. */
ch_err logstore_checkpoint(const struct logstore *s, struct wr *w);

/* Entries below this index may be gone; 0 for a log that never was pruned. E_MISMATCH: the file
 * is damaged. */
ch_err logstore_minimum(const struct logstore *s, uint64_t *ret_index);

/* The entry of that index in a log of so many entries. storage: TILE_ROOM_MAX bytes, which
 * *ret_entry points into. Not verified. E_RANGE: index is not below size; the source's errors. */
ch_err logstore_entry(struct logstore *s, uint64_t index, uint64_t size,
		      uint8_t storage[static TILE_ROOM_MAX], bytes *ret_entry);

/* Where the token with this SHA-256 of its signing input is among the first `size` entries: by the
 * index files of closed segments, and by looking through what is newer. *ret_found false: it is not
 * there, as far as these files say; who must be sure scans the entries against a checkpoint.
 * storage as above. E_MISMATCH: an index file is damaged. */
ch_err logstore_find(struct logstore *s, const uint8_t hash[static LOGSTORE_HASH_SIZE],
		     uint64_t size, uint8_t storage[static TILE_ROOM_MAX], uint64_t *ret_index,
		     bool *ret_found);
/* Would the entry of a token that was issued then be there still, or may it have been pruned?
 * storage as above. */
ch_err logstore_reach(struct logstore *s, int64_t iat_s, uint64_t size,
		      uint8_t storage[static TILE_ROOM_MAX], bool *ret_reach);
